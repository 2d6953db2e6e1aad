#include "relations/stoa_side.h"

#include <gtest/gtest.h>

#include <array>
#include <stdexcept>
#include <utility>

namespace stoa::test::histories {
namespace {

using Kind = Column::Kind;

std::string field_of(const Tables& tables, const Column& column) {
  constexpr std::array<const char*, 3> types{"i32", "text", "entity"};
  constexpr std::array<const char*, 4> actions{"restrict", "set_null", "remove", "cascade"};
  std::string out =
      "  { name = \"" + column.name + "\", type = \"" + types[static_cast<std::size_t>(column.kind)] + "\"";
  if (column.required) out += ", required = true";
  if (column.unique) out += ", unique = true";
  if (column.range) {
    out += ", min = " + std::to_string(column.range->first) + ", max = " + std::to_string(column.range->second) +
           ", default = " + std::to_string(column.range->first);
  }
  if (column.kind == Kind::reference) {
    out += ", references = \"" + tables[column.target].name + "\", on_delete = \"" +
           actions[static_cast<std::size_t>(column.on_delete)] + "\"";
  }
  return out + " },\n";
}

std::string toml_of(const Tables& tables) {
  std::string out = "[database]\nname = \"histories\"\n";
  for (const Table& table : tables) {
    out += "[tables." + table.name + "]\nstorage = \"" + (table.sparse ? "sparse" : "dense") + "\"\nunique = [";
    for (const auto& columns : table.unique_together) {
      out += "[";
      for (const std::size_t column : columns) out += "\"" + table.columns[column].name + "\", ";
      out += "], ";
    }
    out += "]\nfields = [\n";
    for (const Column& column : table.columns) out += field_of(tables, column);
    out += "]\n";
  }
  return out;
}

Database open(const Tables& tables) {
  auto schema = Schema::from_toml(toml_of(tables));
  if (!schema) throw std::runtime_error(schema.error().message());
  Options options;
  options.writer = WriterMode::manual;
  auto db = Database::in_memory(*schema, options);
  if (!db) throw std::runtime_error(db.error().message());
  return *std::move(db);
}

Entity entity_of(EntityBits bits) { return Entity::from_bits(static_cast<std::uint64_t>(bits)); }

Cell cell_of(const Value& value) {
  const Value::Variant& variant = value.variant();
  if (const auto* text = std::get_if<std::string>(&variant)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&variant)) return *number;
  if (const auto* entity = std::get_if<Entity>(&variant)) return static_cast<std::int64_t>(entity->bits());
  if (value.is_null()) return std::int64_t{0};
  throw std::runtime_error("a value of a type that no column has");
}

}  // namespace

StoaSide::StoaSide(const Tables& tables) : tables_(tables), db_(open(tables)) {}

std::expected<Commit, Error> StoaSide::commit(Transaction&& transaction, const std::vector<Operation>& operations) {
  Transaction tx = std::move(transaction);
  for (const auto& [kind, table, bits, row, column, cell] : operations) {
    const std::string& name = tables_[table].name;
    const Entity entity = entity_of(bits);
    std::vector<NamedValue> fields;
    for (std::size_t at = 0; at < row.size(); ++at) {
      fields.push_back({tables_[table].columns[at].name, value_of(table, at, row[at])});
    }
    switch (kind) {
      case Operation::Kind::insert: tx.insert(name, entity, fields); break;
      case Operation::Kind::update: tx.update(name, entity, fields); break;
      case Operation::Kind::set:
        tx.set(name, entity, tables_[table].columns[column].name, value_of(table, column, cell));
        break;
      case Operation::Kind::remove: tx.remove(name, entity); break;
      case Operation::Kind::destroy: tx.destroy(entity); break;
    }
  }
  return std::move(tx).commit();
}

Content StoaSide::content() {
  const Snapshot now = db_.snapshot();
  Content out(tables_.size());
  for (std::size_t table = 0; table < tables_.size(); ++table) {
    const auto done = now.each(tables_[table].name, [&](Entity entity, const RowView& view) {
      Row row;
      for (const Column& column : tables_[table].columns) row.push_back(cell_of(view.field(column.name)->value()));
      out[table].emplace(static_cast<EntityBits>(entity.bits()), std::move(row));
    });
    if (!done) throw std::runtime_error(done.error().message());
  }
  return out;
}

std::vector<EntityBits> StoaSide::bare(const std::vector<EntityBits>& entities) {
  const Snapshot now = db_.snapshot();
  std::vector<EntityBits> out;
  for (const EntityBits bits : entities) {
    if (now.alive(entity_of(bits)) && now.tables(entity_of(bits)).empty()) out.push_back(bits);
  }
  return out;
}

void StoaSide::find_all(const Content& content) {
  const Snapshot now = db_.snapshot();
  for (std::size_t table = 0; table < tables_.size(); ++table) {
    for (std::size_t column = 0; column < tables_[table].columns.size(); ++column) {
      const Column& shape = tables_[table].columns[column];
      if (!shape.unique) continue;
      for (const auto& [entity, row] : content[table]) {
        if (shape.kind == Kind::reference && bits_of(row[column]) == 0) continue;
        const auto found = now.find(tables_[table].name, shape.name, value_of(table, column, row[column]));
        EXPECT_TRUE(found && *found == entity_of(entity))
            << "not found by " << shape.name << ": " << to_text(tables_[table], entity, row);
      }
    }
  }
}

Value StoaSide::value_of(std::size_t table, std::size_t column, const Cell& cell) const {
  if (const auto* text = std::get_if<std::string>(&cell)) return Value(*text);
  const std::int64_t number = std::get<std::int64_t>(cell);
  if (tables_[table].columns[column].kind != Kind::reference) return Value(number);
  return number == 0 ? Value() : Value(entity_of(number));
}

}  // namespace stoa::test::histories
