#include "workload.h"

#include <cstdlib>
#include <iterator>
#include <vector>

namespace stoa::test {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 0);
}

}  // namespace

std::uint64_t test_seed(std::uint64_t otherwise) { return from_environment("STOA_TEST_SEED", otherwise); }
std::uint64_t test_rounds(std::uint64_t otherwise) { return from_environment("STOA_TEST_ROUNDS", otherwise); }

Operation Workload::next(const World& world, const std::function<Entity()>& create) {
  using Kind = Operation::Kind;
  Operation out;
  const bool few = world.entities.size() < population_;
  const std::uint64_t dice = random_.below(1000);
  out.by_name = random_.chance(25);
  if (dice < (few ? 250U : 100U)) {
    out.kind = Kind::create;
    out.entity = create();
    return out;
  }
  if (random_.chance(10) && world.entities.contains(taken_away_.entity) &&
      !world.has(taken_away_.table, taken_away_.entity)) {
    out = taken_away_;
    out.kind = Kind::insert;
    return out;
  }
  out.entity = random_.chance(25) && world.entities.contains(last_) ? last_ : some_entity(world);
  last_ = out.entity;
  if (dice < (few ? 270U : 200U)) {
    out.kind = Kind::destroy;
    return out;
  }
  if (dice >= 998) {
    out.kind = dice == 998 ? Kind::unknown_table : Kind::bad_enum;
    out.table = schema_.find("member")->number;
    out.row = random_row(*schema_.find("member"), world);
    return out;
  }
  const bool adds = dice < 550;
  const TableModel* table =
      adds ? &schema_.tables[random_.below(schema_.tables.size())] : &some_table(world, out.entity);
  if (adds && world.has(table->number, out.entity) && !random_.chance(2)) {
    out.kind = Kind::upsert;
  } else if (adds) {
    out.kind = random_.chance(80) ? Kind::insert : Kind::upsert;
  } else if (dice < 880) {
    out.kind = random_.chance(50) || table->is_tag() ? Kind::update : Kind::set;
  } else {
    out.kind = Kind::remove;
  }
  if (out.kind == Kind::update) out.by_name = false;  // by name it sets the fields that it names, one by one
  out.table = table->number;
  const Row* now = world.find(table->number, out.entity);
  out.row = now != nullptr && random_.chance(20) ? *now : random_row(*table, world);
  if (!table->is_tag()) out.field = random_.below(table->fields.size());
  if (out.kind == Kind::remove && now != nullptr) {
    taken_away_ = out;
    taken_away_.row = *now;
  }
  return out;
}

Entity Workload::some_entity(const World& world) {
  if (world.entities.empty()) return {static_cast<std::uint32_t>(random_.below(8)), 1};
  const Entity alive =
      std::next(world.entities.begin(), static_cast<std::ptrdiff_t>(random_.below(world.entities.size())))->first;
  if (!random_.chance(1)) return alive;
  return {alive.index(), alive.generation() + (random_.chance(50) ? 1U : ~0U)};
}

Row Workload::random_row(const TableModel& table, const World& world) {
  Row out;
  for (const FieldModel& field : table.fields) out.push_back(random_value(table, field, world));
  return out;
}

// An entity with a row in the table; null where there is none.
Entity Workload::holder_of(const World& world, TableId table) {
  std::vector<Entity> holders;
  for (const auto& [entity, rows] : world.entities) {
    if (table == no_table || rows.contains(table)) holders.push_back(entity);
  }
  return holders.empty() ? Entity{} : holders[random_.below(holders.size())];
}

const TableModel& Workload::some_table(const World& world, Entity entity) {
  const auto rows = world.entities.find(entity);
  if (rows == world.entities.end() || rows->second.empty() || random_.chance(1)) {
    return schema_.tables[random_.below(schema_.tables.size())];
  }
  return schema_.table(
      std::next(rows->second.begin(), static_cast<std::ptrdiff_t>(random_.below(rows->second.size())))->first);
}

// Small numbers, so that values of different rows meet; a unique one has more room, so that most do not.
Value Workload::random_value(const TableModel& table, const FieldModel& field, const World& world) {
  switch (field.type.kind) {
    case FieldKind::entity: {
      if (random_.chance(field.required ? 1 : 25)) return Entity{};
      if (random_.chance(3)) return some_entity(world);
      const TableModel* target = schema_.find(field.reference->table);
      return holder_of(world, target == nullptr ? no_table : target->number);
    }
    case FieldKind::text:
      return field.key ? "n" + std::to_string(random_.below(population_ * 7)) + random_text() : random_text();
    case FieldKind::f32: return static_cast<double>(random_.below(4));
    case FieldKind::i16:
    case FieldKind::i32: return static_cast<std::int64_t>(random_.below(field.unique ? population_ * 8 : 4)) - 1;
    case FieldKind::enumeration: return random_.below(3);
    default: return random_.below(field.max ? (random_.chance(1) ? 60 : 50) : table.name == "docked" ? population_ : 4);
  }
}

// Around the length up to which a cell holds the text itself, and rarely long.
std::string Workload::random_text() {
  const std::uint64_t length = random_.chance(1) ? random_.below(3000) : random_.below(26);
  return std::string(length, static_cast<char>('a' + random_.below(3)));
}

}  // namespace stoa::test
