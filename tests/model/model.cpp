#include "model.h"

#include <algorithm>
#include <map>
#include <unordered_set>
#include <utility>

namespace stoa::test {
namespace {

struct Key {
  TableId table;
  std::string name;
  std::size_t at;  // the field's place in the row
  TableId target;
  OnDelete on_delete;
};

std::size_t place_of(const TableModel& table, const FieldModel& field) {
  return static_cast<std::size_t>(&field - table.fields.data());
}

std::vector<Key> keys_of(const SchemaModel& schema) {
  std::vector<Key> out;
  for (const TableModel& table : schema.tables) {
    for (const FieldModel& field : table.fields) {
      if (!field.reference) continue;
      const TableModel* target = schema.find(field.reference->table);
      out.push_back({table.number, table.name + "." + field.name, place_of(table, field),
                     target == nullptr ? no_table : target->number, field.reference->on_delete});
    }
  }
  return out;
}

Entity target_of(const Row& row, const Key& key) { return std::get<Entity>(row[key.at].variant()); }

// Whether the reference is as it was before the transaction, and what it names went in it.
bool is_left_behind(const Key& key, Entity entity, const Row& row, const World& before, const World& after) {
  const Entity target = target_of(row, key);
  if (!target || !before.is_there(key.target, target) || after.is_there(key.target, target)) return false;
  const Row* old = before.find(key.table, entity);
  return old != nullptr && target_of(*old, key) == target;
}

template <typename Function>
void for_each_left_behind(const std::vector<Key>& keys, const World& referrers, const World& before, const World& after,
                          Function&& function) {
  for (const Key& key : keys) {
    for (const auto& [entity, rows] : referrers.entities) {
      const auto row = rows.find(key.table);
      if (row != rows.end() && is_left_behind(key, entity, row->second, before, after)) {
        function(key, entity, target_of(row->second, key));
      }
    }
  }
}

// Rows and entities that go with what went, until nothing more goes. A row that goes by one of its references may still
// end its entity by another, whichever is found first: so the referrers keep the rows that only go here.
void cascade(const std::vector<Key>& keys, const World& before, World& after) {
  World referrers = after;
  for (bool changed = true; changed;) {
    changed = false;
    std::set<Entity> ending;
    std::set<std::pair<Entity, TableId>> leaving;
    for_each_left_behind(keys, referrers, before, after, [&](const Key& key, Entity entity, Entity) {
      if (key.on_delete == OnDelete::cascade) ending.insert(entity);
      if (key.on_delete == OnDelete::remove) leaving.emplace(entity, key.table);
    });
    for (const auto& [entity, table] : leaving) changed = after.entities.at(entity).erase(table) != 0 || changed;
    for (Entity entity : ending) {
      changed = true;
      after.entities.erase(entity);
      referrers.entities.erase(entity);
    }
  }
}

long double number_of(const Value& value) {
  const auto read = []<typename T>(const T& number) -> long double {
    if constexpr (std::is_arithmetic_v<T>) {
      return static_cast<long double>(number);
    } else {
      return 0;
    }
  };
  return std::visit(read, value.variant());
}

bool lacks(const Value& value) {
  if (const auto* entity = std::get_if<Entity>(&value.variant())) return !*entity;
  const auto* text = std::get_if<std::string>(&value.variant());
  return text != nullptr && text->empty();
}

bool is_null_reference(const Value& value) {
  const auto* entity = std::get_if<Entity>(&value.variant());
  return entity != nullptr && !*entity;
}

void judge_fields(const TableModel& table, Entity entity, const Row& row, std::set<Broken>& broken) {
  for (const FieldModel& field : table.fields) {
    const Value& value = row[place_of(table, field)];
    const std::string name = table.name + "." + field.name;
    if ((field.required || field.key) && lacks(value)) broken.insert({Violation::Kind::required, name, entity, {}});
    const bool below = field.min && number_of(value) < number_of(*field.min);
    const bool above = field.max && number_of(value) > number_of(*field.max);
    if (below || above) broken.insert({Violation::Kind::range, name, entity, {}});
  }
}

// Equal values have equal texts, and no others.
std::string text_of(const Value& value) {
  const auto write = []<typename T>(const T& content) -> std::string {
    if constexpr (std::is_arithmetic_v<T>) {
      return std::to_string(content) + ";";
    } else if constexpr (std::is_same_v<T, Entity>) {
      return std::to_string(content.bits()) + ";";
    } else if constexpr (std::is_same_v<T, std::string>) {
      return std::to_string(content.size()) + ":" + content;
    } else {
      return ";";
    }
  };
  return std::visit(write, value.variant());
}

void judge_unique(const TableModel& table, const std::vector<std::size_t>& places, const std::string& name,
                  const World& world, std::set<Broken>& broken) {
  std::unordered_set<std::string> seen;
  for (const auto& [entity, rows] : world.entities) {
    const auto row = rows.find(table.number);
    if (row == rows.end()) continue;
    if (std::ranges::any_of(places, [&](std::size_t place) { return is_null_reference(row->second[place]); })) continue;
    std::string value;
    for (std::size_t place : places) value += text_of(row->second[place]);
    if (!seen.insert(std::move(value)).second) broken.insert({Violation::Kind::unique, name, {}, {}});
  }
}

void judge_unique(const TableModel& table, const World& world, std::set<Broken>& broken) {
  for (const FieldModel& field : table.fields) {
    if (!field.unique && !field.key) continue;
    judge_unique(table, {place_of(table, field)}, table.name + "." + field.name, world, broken);
  }
  for (const std::vector<FieldId>& fields : table.unique_together) {
    std::vector<std::size_t> places;
    std::string name = table.name + "(";
    for (FieldId number : fields) {
      const FieldModel& field = table.field(number);
      places.push_back(place_of(table, field));
      name += (name.back() == '(' ? "" : ", ") + field.name;
    }
    judge_unique(table, places, name + ")", world, broken);
  }
}

}  // namespace

const Row* World::find(TableId table, Entity entity) const {
  const auto rows = entities.find(entity);
  if (rows == entities.end()) return nullptr;
  const auto row = rows->second.find(table);
  return row == rows->second.end() ? nullptr : &row->second;
}

bool World::is_there(TableId table, Entity entity) const {
  return table == no_table ? entities.contains(entity) : has(table, entity);
}

std::optional<ErrorCode> apply(World& world, const Operation& operation) {
  using Kind = Operation::Kind;
  if (operation.kind == Kind::unknown_table) return ErrorCode::not_found;
  if (operation.kind == Kind::bad_enum) return ErrorCode::invalid_argument;
  if (operation.kind == Kind::create) {
    world.entities[operation.entity];
    return std::nullopt;
  }
  const auto found = world.entities.find(operation.entity);
  if (found == world.entities.end()) return ErrorCode::not_found;
  World::Rows& rows = found->second;
  const bool has_row = rows.contains(operation.table);
  switch (operation.kind) {
    case Kind::insert:
      if (has_row) return ErrorCode::already_exists;
      rows[operation.table] = operation.row;
      return std::nullopt;
    case Kind::upsert: rows[operation.table] = operation.row; return std::nullopt;
    case Kind::destroy: world.entities.erase(found); return std::nullopt;
    default: break;
  }
  if (!has_row) return ErrorCode::not_found;
  if (operation.kind == Kind::remove) rows.erase(operation.table);
  if (operation.kind == Kind::update) rows[operation.table] = operation.row;
  if (operation.kind == Kind::set) rows[operation.table][operation.field] = operation.row[operation.field];
  return std::nullopt;
}

World logged(const SchemaModel& schema, World world) {
  for (auto& [entity, rows] : world.entities) {
    std::erase_if(rows, [&](const auto& row) { return !schema.table(row.first).logged; });
  }
  return world;
}

Verdict conclude(const SchemaModel& schema, const World& before, World& after) {
  const std::vector<Key> keys = keys_of(schema);
  Verdict out;
  cascade(keys, before, after);
  std::vector<std::pair<Entity, const Key*>> nulled;
  for_each_left_behind(keys, after, before, after, [&](const Key& key, Entity entity, Entity target) {
    if (key.on_delete == OnDelete::set_null) nulled.emplace_back(entity, &key);
    if (key.on_delete == OnDelete::restrict) {
      out.broken.insert({Violation::Kind::foreign_key_restrict, key.name, entity, target});
    }
  });
  for (const auto& [entity, key] : nulled) after.entities.at(entity).at(key->table)[key->at] = Value(Entity{});
  for (const auto& [entity, rows] : after.entities) {
    for (const auto& [table, row] : rows) judge_fields(schema.table(table), entity, row, out.broken);
  }
  for (const Key& key : keys) {
    for (const auto& [entity, rows] : after.entities) {
      const auto row = rows.find(key.table);
      if (row == rows.end()) continue;
      const Entity target = target_of(row->second, key);
      if (!target || after.is_there(key.target, target)) continue;
      const bool restricts = key.on_delete == OnDelete::restrict;
      if (!restricts || !is_left_behind(key, entity, row->second, before, after)) {
        out.broken.insert({Violation::Kind::foreign_key_missing, key.name, entity, target});
      }
    }
  }
  for (const TableModel& table : schema.tables) judge_unique(table, after, out.broken);
  if (!out.broken.empty()) out.error = ErrorCode::constraint_violation;
  out.effect = !out.error && after != before;
  return out;
}

}  // namespace stoa::test
