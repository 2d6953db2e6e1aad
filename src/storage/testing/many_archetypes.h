// For tests: a world of tags, whose entities stray through thousands of archetypes, and the proof of a query over it.
#pragma once

#include "storage/buffer_manager.h"
#include "storage/testing/workload.h"
#include "storage/testing/world.h"

#include <stoa/detail/query.h>

#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace stoa::storage::test {

class ManyArchetypes {
 public:
  static constexpr std::uint32_t tag_count = 12;

  ManyArchetypes(Random& random, std::size_t entities) : random_(random), manager_(make_world(schema()), {}) {
    for (std::size_t i = 0; i != entities; ++i) {
      entities_.push_back({manager_.entities().reserve(), 0});
      check(buffer().create(entities_.back().entity));
      buffer().accept(ended_);
    }
    commit();
  }

  [[nodiscard]] BufferManager& manager() { return manager_; }
  [[nodiscard]] WriteBuffer& buffer() { return manager_.write_buffer(); }

  /// Some entities gain or lose a tag. A part of it is taken back.
  void stray(std::size_t steps) {
    for (; steps != 0; --steps) {
      Holder& holder = entities_[random_.below(entities_.size())];
      const auto tag = static_cast<std::uint16_t>(random_.below(tag_count));
      const bool keep = random_.chance(85);
      toggle(holder, tag, keep);
    }
  }
  /// All entities come to have no tags.
  void come_home() {
    for (Holder& holder : entities_) {
      for (std::uint16_t tag = 0; tag != tag_count; ++tag) {
        if ((holder.tags >> tag & 1U) != 0) toggle(holder, tag, true);
      }
    }
  }
  /// Inserts that are taken back, each of another set of tags.
  void refuse(std::size_t count) {
    for (; count != 0; --count) {
      std::vector<RowImage> rows;
      for (std::uint16_t tag = 0; tag != tag_count; ++tag) {
        if ((entities_[0].tags >> tag & 1U) == 0 && random_.chance(50)) rows.push_back({TableId{tag}, nullptr});
      }
      check(buffer().insert(entities_[0].entity, rows));
      buffer().revert();
    }
  }
  void commit() {
    manager_.prepare_commit();
    manager_.commit_batch(++version_, ended_);
  }

  /// A random query over a root, by the cursor and by a look at every archetype. Returns what differs.
  [[nodiscard]] static std::string audit(const detail::Root& root, Random& random) {
    using Need = detail::Term::Need;
    std::vector<detail::Term> terms;
    for (std::uint64_t left = random.between(0, 4); left != 0; --left) {
      constexpr std::array needs{Need::row, Need::with, Need::without, Need::maybe};
      terms.push_back(
          {TableId{static_cast<std::uint16_t>(random.below(tag_count))}, needs[random.below(needs.size())]});
    }
    std::uint64_t expected = 0;
    std::uint64_t places = 0;  // a sum over who is visited, so that another of the same number is seen
    for (std::uint32_t number = 0; number != root.archetype_count; ++number) {
      std::uint32_t at = number;
      const detail::ChunkStore* store = detail::next_archetype(root, at);
      if (store == nullptr || at != number) continue;
      bool matches = true;
      for (const detail::Term& term : terms) {
        const bool there = store->shape->has(term.table);
        if (term.need == Need::without ? there : term.need != Need::maybe && !there) matches = false;
      }
      if (!matches) continue;
      expected += store->rows;
      for (std::uint32_t row = 0; row != store->rows; ++row)
        places += store->entity(row).bits() * 0x9E37'79B9'7F4A'7C15U;
    }
    if (detail::QueryCursor(root, terms).count() != expected) return "count() differs";
    detail::QueryCursor cursor(root, terms);
    std::array<const std::byte*, 8> columns;
    for (detail::Block block; cursor.next(block, columns.data());) {
      expected -= block.rows;
      for (std::uint32_t row = 0; row != block.rows; ++row)
        places -= block.entities[row].bits() * 0x9E37'79B9'7F4A'7C15U;
    }
    return expected == 0 && places == 0 ? "" : "a walk visits others";
  }

 private:
  struct Holder {
    Entity entity;
    std::uint32_t tags;
  };

  static std::shared_ptr<const CompiledSchema> schema() {
    std::string text = "[database]\nname = \"many_archetypes\"\n";
    for (std::uint32_t tag = 0; tag != tag_count; ++tag) text += "[tables.tag" + std::to_string(tag) + "]\n";
    auto parsed = Schema::from_toml(text);
    if (!parsed) throw std::logic_error(parsed.error().message());
    auto compiled = parsed->compile();
    if (!compiled) throw std::logic_error(compiled.error().message());
    return *compiled;
  }
  static void check(Outcome outcome) {
    if (outcome != Outcome::done) throw std::logic_error("the operation was not done");
  }
  void toggle(Holder& holder, std::uint16_t tag, bool keep) {
    const TableId table{tag};
    const RowImage row{table, nullptr};
    const bool there = (holder.tags >> tag & 1U) != 0;
    check(there ? buffer().remove(table, holder.entity) : buffer().insert(holder.entity, std::array{row}));
    if (keep) {
      buffer().accept(ended_);
      holder.tags ^= 1U << tag;
    } else {
      buffer().revert();
    }
  }

  Random& random_;
  BufferManager manager_;
  std::vector<Holder> entities_;
  std::vector<Entity> ended_;
  Version version_ = 0;
};

}  // namespace stoa::storage::test
