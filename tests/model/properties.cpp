#include "properties.h"

#include <algorithm>
#include <map>
#include <ranges>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace stoa::test {
namespace {

std::string text_of(Entity entity) {
  return std::to_string(entity.index()) + ":" + std::to_string(entity.generation());
}

std::map<Entity, Row> rows_of(const World& world, TableId table) {
  std::map<Entity, Row> out;
  for (const auto& [entity, rows] : world.entities) {
    if (const auto row = rows.find(table); row != rows.end()) out.emplace(entity, row->second);
  }
  return out;
}

// The value as the model writes it: an enum by its number, null as an entity.
Value plain(const FieldView& field) {
  if (field.model().type.kind == FieldKind::enumeration) return Value(field.as<Mood>());
  if (field.model().type.kind == FieldKind::entity) return Value(field.as<Entity>());
  return field.value();
}

// get_many() of those alive, of others with the same indices, and of null, in turns.
template <typename T>
std::string differs_many(const Snapshot& snapshot, const World& world) {
  std::vector<Entity> asked;
  for (const auto& [entity, rows] : world.entities) {
    asked.insert(asked.end(), {entity, Entity(entity.index(), entity.generation() + 1), Entity()});
  }
  std::size_t answers = 0;
  std::string out;
  snapshot.get_many<T>(asked, [&](std::size_t i, const T* row) {
    if (i != answers++) out = "get_many() answers out of order";
    if (row != snapshot.get<T>(asked[i])) out = "get_many() of " + text_of(asked[i]);
  });
  return out.empty() && answers != asked.size() ? "get_many() leaves answers out" : out;
}

template <typename T>
std::string differs(const Snapshot& snapshot, const World& world) {
  const TableId table = snapshot.schema().table_of<T>();
  const TableModel& model = snapshot.schema().model().table(table);
  const std::map<Entity, Row> expected = rows_of(world, table);
  const auto wrong = [&](const std::string& what) { return "table " + model.name + ": " + what; };

  std::map<Entity, Row> seen;
  std::size_t visits = 0;
  snapshot.each<T>([&](Entity entity, const T& row) {
    seen.emplace(entity, to_row(row));
    ++visits;
  });
  if (seen != expected || visits != expected.size()) return wrong("each() visits other rows");
  seen.clear();
  for (auto [entity, row] : snapshot.view<T>()) seen.emplace(entity, to_row(row));
  if (seen != expected) return wrong("view() has other rows");
  if (snapshot.count<T>() != expected.size()) return wrong("count() is " + std::to_string(snapshot.count<T>()));
  std::size_t in_chunks = 0;
  for (auto chunk : snapshot.chunks<T>()) {
    for (Entity entity : chunk.entities()) in_chunks += expected.contains(entity) ? 1 : expected.size() + 1;
    if constexpr (!std::is_empty_v<T>) {
      for (std::size_t i = 0; i < chunk.size(); ++i) {
        if (to_row(chunk.template column<T>()[i]) != expected.at(chunk.entities()[i])) return wrong("a chunk differs");
      }
    }
  }
  if (in_chunks != expected.size()) return wrong("the chunks have other entities");

  for (const auto& [entity, rows] : world.entities) {
    const auto row = expected.find(entity);
    const T* found = snapshot.get<T>(entity);
    if ((found != nullptr) != (row != expected.end())) return wrong("get() of " + text_of(entity));
    if (snapshot.has<T>(entity) != (found != nullptr)) return wrong("has() of " + text_of(entity));
    const auto named = snapshot.row(model.name, entity);
    if (named.has_value() != (found != nullptr)) return wrong("row() of " + text_of(entity));
    if (found == nullptr) continue;
    if (to_row(*found) != row->second) return wrong("get() reads another row of " + text_of(entity));
    for (std::size_t i = 0; i < model.fields.size(); ++i) {
      if (plain(*named->field(model.fields[i].name)) != row->second[i]) {
        return wrong("row() reads another " + model.fields[i].name + " of " + text_of(entity));
      }
    }
  }
  if (std::string what = differs_many<T>(snapshot, world); !what.empty()) return wrong(what);
  std::size_t by_name = 0;
  const auto walked =
      snapshot.each(model.name, [&](Entity entity, const RowView&) { by_name += expected.count(entity); });
  if (!walked || by_name != expected.size()) return wrong("each() by name visits other rows");
  return {};
}

// Queries over several tables: dense ones, a sparse one that leads, and what an entity must not have.
template <typename A, typename B, typename C>
std::string differs_joined(const Snapshot& snapshot, const World& world) {
  const CompiledSchema& schema = snapshot.schema();
  std::set<Entity> both;
  std::set<Entity> with_third;
  std::set<Entity> without_second;
  for (const auto& [entity, rows] : world.entities) {
    const bool a = rows.contains(schema.table_of<A>());
    const bool b = rows.contains(schema.table_of<B>());
    const bool c = rows.contains(schema.table_of<C>());
    if (a && b) both.insert(entity);
    if (a && c) with_third.insert(entity);
    if (a && !b) without_second.insert(entity);
  }
  const auto wrong = [&](const char* what) {
    return std::string(what) + " of " + schema.model().table(schema.table_of<A>()).name + " and others differs";
  };
  const auto is_row = [&]<typename T>(Entity entity, const T& row) {
    const Row* expected = world.find(schema.table_of<T>(), entity);
    return expected != nullptr && to_row(row) == *expected;
  };
  std::set<Entity> seen;
  bool same = true;
  snapshot.each<A, B>([&](Entity entity, const A& a, const B& b) {
    seen.insert(entity);
    same = same && is_row(entity, a) && is_row(entity, b);
  });
  if (!same || seen != both || snapshot.count<A, B>() != both.size()) return wrong("each()");
  seen.clear();
  for (auto [entity, a, b] : snapshot.view<A, std::optional<B>>(with<C>)) {
    seen.insert(entity);
    if ((b != nullptr) != both.contains(entity)) return wrong("an optional row");
    if (!is_row(entity, a) || (b != nullptr && !is_row(entity, *b))) return wrong("a row of a view()");
  }
  if (seen != with_third) return wrong("view() with a filter");
  seen.clear();
  for (auto [entity, a] : snapshot.view<A>(without<B>)) {
    seen.insert(entity);
    if (!is_row(entity, a)) return wrong("a row of a view()");
  }
  if (seen != without_second) return wrong("view() without a table");
  return snapshot.count<A>() == both.size() + without_second.size() ? std::string() : wrong("count()");
}

template <auto Member, typename T = detail::class_of_member<Member>>
std::string differs_found(const Snapshot& snapshot, const World& world, const detail::type_of_member<Member>& absent) {
  std::size_t rows = 0;
  for (const auto& [entity, row] : rows_of(world, snapshot.schema().table_of<T>())) {
    const T typed = from_row<T>(row);
    if (snapshot.find<Member>(typed.*Member) != entity) return "find() of " + text_of(entity) + " gives another";
    ++rows;
  }
  if (snapshot.find<Member>(absent)) return "find() gives an entity for a value that no row has";
  return rows == snapshot.count<T>() ? std::string() : "rows are missing";
}

// All of an index, from its first entity to its last and back.
template <auto Member, typename T = detail::class_of_member<Member>>
std::string differs_ordered(const Snapshot& snapshot, const World& world) {
  using Field = detail::type_of_member<Member>;
  const std::map<Entity, Row> rows = rows_of(world, snapshot.schema().table_of<T>());
  std::vector<std::pair<Field, Entity>> expected;  // its texts borrow the rows'
  for (const auto& [entity, row] : rows) {
    const Field value = from_row<T>(row).*Member;
    if constexpr (std::is_same_v<Field, Entity>) {
      if (!value) continue;
    }
    expected.emplace_back(value, entity);
  }
  std::ranges::sort(expected);
  const std::string wrong = "the order of " + std::string(field_name<Member>()) + " differs";
  IndexCursor at = snapshot.cursor<Member>();
  for (const auto& [value, entity] : expected) {
    if (!at.valid() || at.entity() != entity) return wrong;
    at.next();
  }
  if (at.valid()) return wrong;
  at.last();
  for (const auto& [value, entity] : std::views::reverse(expected)) {
    if (!at.valid() || at.entity() != entity) return wrong + " on the way back";
    at.prev();
  }
  return at.valid() ? wrong : std::string();
}

}  // namespace

std::string difference(const Snapshot& snapshot, const World& world) {
  if (snapshot.count<>() != world.entities.size()) {
    return "entities: " + std::to_string(snapshot.count<>()) + ", not " + std::to_string(world.entities.size());
  }
  for (const auto& [entity, rows] : world.entities) {
    if (!snapshot.alive(entity)) return text_of(entity) + " is not alive";
    const Entity other(entity.index(), entity.generation() + 1);
    if (snapshot.alive(other) || snapshot.get<Position>(other) != nullptr) return text_of(other) + " is alive";
  }
  std::string out;
  boost::mp11::mp_for_each<boost::mp11::mp_transform<std::type_identity, Tables>>([&](auto type) {
    if (out.empty()) out = differs<typename decltype(type)::type>(snapshot, world);
  });
  if (out.empty()) out = differs_joined<Position, Velocity, Active>(snapshot, world);
  if (out.empty()) out = differs_joined<Name, Label, Selected>(snapshot, world);
  if (out.empty()) out = differs_joined<Label, Position, Follows>(snapshot, world);
  if (out.empty()) out = differs_joined<Position, Crew, Active>(snapshot, world);
  if (out.empty()) out = differs_joined<Label, Crew, Selected>(snapshot, world);
  if (out.empty()) out = differs_joined<Selected, Label, Position>(snapshot, world);
  if (out.empty()) out = differs_joined<Active, Selected, Label>(snapshot, world);
  if (out.empty()) out = differs_found<&Name::name>(snapshot, world, "nobody has this name");
  if (out.empty()) out = differs_found<&Label::number>(snapshot, world, -1'000'000);
  if (out.empty()) out = differs_ordered<&Name::rank>(snapshot, world);
  if (out.empty()) out = differs_ordered<&Name::note>(snapshot, world);
  if (out.empty()) out = differs_ordered<&Docked::gate>(snapshot, world);
  if (out.empty()) out = differs_ordered<&Docked::port>(snapshot, world);
  if (out.empty()) out = differs_ordered<&Member::mood>(snapshot, world);
  if (out.empty()) out = differs_ordered<&Label::text>(snapshot, world);
  if (out.empty()) out = differs_ordered<&Label::number>(snapshot, world);
  if (out.empty()) out = differs_ordered<&Follows::leader>(snapshot, world);
  return out;
}

}  // namespace stoa::test
