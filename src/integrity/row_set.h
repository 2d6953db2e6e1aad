// A set of rows, and of entities as such, that keeps its memory from one transaction to the next.
#pragma once

#include <stoa/entity.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace stoa::integrity {

/// Open addressing with linear probing; clear() is one step. Threads: the writer only.
class RowSet {
 public:
  [[nodiscard]] bool contains(TableId table, Entity entity) const noexcept {
    if (size_ == 0) return false;
    const Slot& slot = slots_[find(table, entity)];
    return slot.stamp == stamp_;
  }
  /// False if it was there. Errors: throws std::bad_alloc, and is then as before.
  bool insert(TableId table, Entity entity) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    Slot& slot = slots_[find(table, entity)];
    if (slot.stamp == stamp_) return false;
    slot = {entity, table, stamp_};
    ++size_;
    return true;
  }
  void clear() noexcept {
    size_ = 0;
    if (slots_.size() > kept_max || ++stamp_ == 0) {
      slots_ = std::vector<Slot>();  // not {}: that would keep the memory
      stamp_ = 1;
    }
  }

 private:
  static constexpr std::size_t kept_max = 4096;

  struct Slot {
    Entity entity;
    TableId table = no_table;
    std::uint32_t stamp = 0;  // in use where it is the set's
  };

  // The slot that has it, or the free one where it would be. Requires: there is a free slot.
  [[nodiscard]] std::size_t find(TableId table, Entity entity) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = (std::hash<Entity>{}(entity) + to_index(table) * 0x9E37'79B9U) & mask;
    for (;; at = (at + 1) & mask) {
      const Slot& slot = slots_[at];
      if (slot.stamp != stamp_ || (slot.entity == entity && slot.table == table)) return at;
    }
  }
  void grow() {
    RowSet larger;
    larger.slots_.resize(slots_.empty() ? 64 : slots_.size() * 2);
    for (const Slot& slot : slots_) {
      if (slot.stamp == stamp_) larger.slots_[larger.find(slot.table, slot.entity)] = {slot.entity, slot.table, 1};
    }
    slots_ = std::move(larger.slots_);
    stamp_ = 1;
  }

  std::vector<Slot> slots_;  // a power of two, half of them in use at most
  std::size_t size_ = 0;
  std::uint32_t stamp_ = 1;
};

}  // namespace stoa::integrity
