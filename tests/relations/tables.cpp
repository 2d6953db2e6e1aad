#include "relations/tables.h"

#include <algorithm>

namespace stoa::test::histories {
namespace {

using Kind = Column::Kind;

Column number(std::string name) { return {.name = std::move(name), .kind = Kind::number}; }
Column text(std::string name) { return {.name = std::move(name), .kind = Kind::text}; }
Column reference(std::string name, std::size_t target, OnDelete on_delete) {
  return {.name = std::move(name), .kind = Kind::reference, .target = target, .on_delete = on_delete};
}
Column required(Column column) {
  column.required = true;
  return column;
}
Column unique(Column column) {
  column.unique = true;
  return column;
}
Column ranged(Column column, std::int64_t min, std::int64_t max) {
  column.range = {min, max};
  return column;
}

}  // namespace

std::vector<std::vector<std::size_t>> Table::unique_sets() const {
  std::vector<std::vector<std::size_t>> out = unique_together;
  for (std::size_t at = 0; at < columns.size(); ++at) {
    if (columns[at].unique) out.push_back({at});
  }
  return out;
}

Tables company() {
  enum : std::size_t { unit, person, project, task, desk };
  return {
      {"unit",
       false,
       {required(unique(text("code"))), reference("parent", unit, OnDelete::set_null), ranged(number("rank"), 0, 9)},
       {}},
      {"person",
       false,
       {text("name"), unique(number("badge")), reference("unit", unit, OnDelete::cascade),
        reference("boss", person, OnDelete::cascade), reference("deputy", person, OnDelete::set_null)},
       {}},
      {"project",
       false,
       {required(reference("lead", person, OnDelete::restrict)), reference("unit", unit, OnDelete::cascade),
        number("number"), reference("follows", project, OnDelete::restrict)},
       {{1, 2}}},
      {"task",
       true,
       {required(reference("project", project, OnDelete::remove)), reference("assignee", person, OnDelete::set_null),
        reference("after", task, OnDelete::cascade), ranged(number("priority"), -5, 99), text("title")},
       {{1, 3}}},
      {"desk",
       true,
       {unique(reference("owner", person, OnDelete::cascade)), unique(text("label")),
        reference("beside", desk, OnDelete::restrict), reference("task", task, OnDelete::remove)},
       {}},
  };
}

Tables random_tables(Random& random) {
  constexpr std::size_t count = 5;
  Tables out;
  for (std::size_t at = 0; at < count; ++at) {
    Table table{"t" + std::to_string(at), random.chance(40), {}, {}};
    const std::size_t references = 1 + random.below(4);
    for (std::size_t column = 0; column < references; ++column) {
      Column added =
          reference("r" + std::to_string(column), random.below(count), static_cast<OnDelete>(random.below(4)));
      added.required = added.target <= at && added.on_delete != OnDelete::set_null && random.chance(25);
      added.unique = random.chance(15);
      table.columns.push_back(std::move(added));
    }
    Column label = text("label");
    label.unique = random.chance(40);
    label.required = random.chance(30);
    Column level = number("level");
    level.unique = random.chance(30);
    if (!level.unique) level = ranged(std::move(level), 0, 20);
    table.columns.push_back(std::move(label));
    table.columns.push_back(std::move(level));
    if (random.chance(50)) table.unique_together.push_back({0, references + random.below(2)});
    if (random.chance(20)) table.unique_together.push_back({references + 1, references, references - 1});
    out.push_back(std::move(table));
  }
  return out;
}

bool collide(const Table& table, const std::vector<std::size_t>& columns, const Row& a, const Row& b) {
  return std::all_of(columns.begin(), columns.end(), [&](std::size_t column) {
    return a[column] == b[column] && (table.columns[column].kind != Kind::reference || bits_of(a[column]) != 0);
  });
}

std::string to_text(const Table& table, EntityBits entity, const Row& row) {
  std::string out = table.name + " " + std::to_string(entity) + ":";
  for (std::size_t at = 0; at < row.size(); ++at) {
    out += " " + table.columns[at].name + "=";
    if (const auto* value = std::get_if<std::string>(&row[at])) {
      out += "'" + *value + "'";
    } else {
      out += std::to_string(std::get<std::int64_t>(row[at]));
    }
  }
  return out;
}

}  // namespace stoa::test::histories
