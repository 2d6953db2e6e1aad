// For tests: random operations on a model world, most of them possible and some not. One seed gives one workload.
#pragma once

#include "base/testing/seed.h"
#include "storage/testing/model.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace stoa::storage::test {

using stoa::test::test_seed;

[[nodiscard]] inline std::uint64_t test_rounds(std::uint64_t otherwise) {
  const char* given = std::getenv("STOA_TEST_ROUNDS");
  return given != nullptr ? std::strtoull(given, nullptr, 0) : otherwise;
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : bits_(seed) {}

  [[nodiscard]] std::uint64_t bits() { return bits_(); }
  [[nodiscard]] std::uint64_t below(std::uint64_t end) { return bits_() % end; }
  [[nodiscard]] std::uint64_t between(std::uint64_t least, std::uint64_t most) {
    return least + below(most - least + 1);
  }
  [[nodiscard]] bool chance(std::uint64_t percent) { return below(100) < percent; }

 private:
  std::mt19937_64 bits_;
};

class Workload {
 public:
  Workload(Random& random, const SchemaModel& schema, std::function<Entity()> reserve)
      : random_(random), schema_(schema), reserve_(std::move(reserve)) {}

  /// How many entities the world tends to.
  void aim_for(std::size_t population) { population_ = population; }

  [[nodiscard]] Operation next(const Model& model) {
    const bool few = model.entities().size() < population_;
    const std::uint64_t dice = random_.below(100);
    Operation out;
    out.entity = some_entity(model);
    if (dice < (few ? 30U : 8U)) {
      out.kind = Operation::Kind::create;
      if (!random_.chance(2) || !model.entities().contains(out.entity)) out.entity = reserve_();
      out.rows = new_rows(model, random_.below(5));
    } else if (dice < (few ? 36U : 34U)) {
      out.kind = Operation::Kind::destroy;
    } else if (dice < 54) {
      out.kind = Operation::Kind::insert;
      out.rows = new_rows(model, random_.between(1, 3));
      if (random_.chance(80)) std::erase_if(out.rows, [&](auto& row) { return model.find(row.first, out.entity); });
    } else if (dice < 88) {
      const TableModel& table = some_table(model, out.entity);
      out.kind = table.is_tag() || random_.chance(50) ? Operation::Kind::update : Operation::Kind::set_field;
      if (out.kind == Operation::Kind::set_field) out.field = table.fields[random_.below(table.fields.size())].number;
      const Row* now = model.find(table.number, out.entity);
      out.rows.emplace_back(table.number, now != nullptr && random_.chance(20) ? *now : random_row(table, model));
    } else {
      out.kind = Operation::Kind::remove;
      out.table = some_table(model, out.entity).number;
    }
    return out;
  }

  /// Mostly one that is alive; else one whose index is known and whose generation is not alive.
  [[nodiscard]] Entity some_entity(const Model& model) {
    const auto& entities = model.entities();
    if (entities.empty()) return {static_cast<std::uint32_t>(random_.below(8)), detail::generation_max};
    const std::uint64_t indices = std::uint64_t{entities.rbegin()->first.index()} + 1;
    auto at = entities.lower_bound({static_cast<std::uint32_t>(random_.below(indices)), 0});
    const Entity alive = at->first;
    if (random_.chance(96)) return alive;
    return {alive.index(), random_.chance(50) ? alive.generation() + 1 : alive.generation() - 1};
  }

  [[nodiscard]] Row random_row(const TableModel& table, const Model& model) {
    Row out{std::vector<std::byte>(table.bytes), std::vector<std::string>(table.blobs.size())};
    for (const FieldModel& field : table.fields) {
      const std::uint32_t elements = std::max(field.type.extent, 1U);
      for (std::uint32_t i = 0; i != elements; ++i) {
        fill(field.type.kind, out.bytes.data() + field.offset + i * (field.bytes / elements), field.bytes / elements,
             model);
      }
    }
    for (std::string& text : out.texts) text = random_text();
    return out;
  }

 private:
  // Tables that belong together come together, so that some archetypes get many rows.
  std::vector<std::pair<TableId, Row>> new_rows(const Model& model, std::uint64_t count) {
    std::vector<std::pair<TableId, Row>> out;
    const bool usual = random_.chance(70);
    for (std::uint64_t i = 0; i != count; ++i) {
      const TableModel& table = schema_.tables[usual ? i : random_.below(schema_.tables.size())];
      if (std::ranges::find(out, table.number, &std::pair<TableId, Row>::first) != out.end()) continue;
      out.emplace_back(table.number, random_row(table, model));
    }
    return out;
  }

  const TableModel& some_table(const Model& model, Entity entity) {
    auto rows = model.entities().find(entity);
    if (rows == model.entities().end() || rows->second.empty() || random_.chance(5)) {
      return schema_.tables[random_.below(schema_.tables.size())];
    }
    const auto at = static_cast<std::ptrdiff_t>(random_.below(rows->second.size()));
    return schema_.table(std::next(rows->second.begin(), at)->first);
  }

  // Small numbers, so that values of different rows meet.
  void fill(FieldKind kind, std::byte* cell, std::size_t bytes, const Model& model) {
    if (kind == FieldKind::text || kind == FieldKind::bytes) return;
    if (kind == FieldKind::entity) {
      const Entity entity = random_.chance(20) ? Entity{} : some_entity(model);
      std::memcpy(cell, &entity, sizeof entity);
    } else if (kind == FieldKind::f32 || kind == FieldKind::f64) {
      const double value = static_cast<double>(random_.below(64)) - 32;
      const auto narrow = static_cast<float>(value);
      std::memcpy(cell, kind == FieldKind::f64 ? static_cast<const void*>(&value) : &narrow, bytes);
    } else {
      const std::uint64_t value = random_.below(kind == FieldKind::boolean ? 2 : 100);
      std::memcpy(cell, &value, bytes);  // the low bytes come first
    }
  }

  // Around the length up to which a cell holds the text itself, and rarely very long.
  std::string random_text() {
    const std::uint64_t length = random_.chance(1) ? random_.below(5000) : random_.below(28);
    return std::string(length, static_cast<char>('a' + random_.below(4)));
  }

  Random& random_;
  const SchemaModel& schema_;
  std::function<Entity()> reserve_;
  std::size_t population_ = 100;
};

}  // namespace stoa::storage::test
