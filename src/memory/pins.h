// Who reads which root: the slots in which snapshots announce themselves, and the writer's view of them. It knows roots
// only by their numbers.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace stoa::memory {

struct PinBlock;

/// One reader's announcement. It lies on a cache line of its own: only its holder writes it, and the writer reads it.
struct alignas(64) PinSlot {
  std::atomic<std::uint64_t> word{0};  // see Pins for the encoding
  PinBlock* block = nullptr;           // that it is in; never changes
};

struct PinBlock {
  static constexpr std::size_t slot_count = 32;

  PinBlock() {
    for (PinSlot& slot : slots) slot.block = this;
  }
  PinBlock(const PinBlock&) = delete;
  PinBlock& operator=(const PinBlock&) = delete;

  PinSlot slots[slot_count];
  std::atomic<PinBlock*> next{nullptr};
  std::atomic<std::uint32_t> used{0};  // no slot from there on was ever claimed; only grows
  std::atomic<bool> full{false};       // advice: a walk found no free slot here, and none was released since
};

/// What the writer saw in the slots at one moment after a root was published.
struct PinSet {
  std::vector<std::uint64_t> exact;                ///< pinned root numbers, ascending, each once
  std::uint64_t pinning_from = ~std::uint64_t{0};  ///< the least number announced by a pin under way
  std::uint64_t pin_count = 0;                     ///< snapshots alive

  /// Whether a reader may still reach a block that was born in root `birth` and is not in root `retire`.
  [[nodiscard]] bool holds(std::uint64_t birth, std::uint64_t retire) const noexcept;
  /// The greatest pin below `root`, or 0 where there is none.
  [[nodiscard]] std::uint64_t greatest_below(std::uint64_t root) const noexcept;
};

/// One pass over the exact pins of a set, for questions about ascending roots.
class PinPass {
 public:
  explicit PinPass(const PinSet& pins) noexcept : at_(pins.exact.begin()), end_(pins.exact.end()) {}
  /// Requires: not below the root that was asked for before.
  [[nodiscard]] bool pins(std::uint64_t root) noexcept {
    while (at_ != end_ && *at_ < root) ++at_;
    return at_ != end_ && *at_ == root;
  }

 private:
  std::vector<std::uint64_t>::const_iterator at_;
  std::vector<std::uint64_t>::const_iterator end_;
};

/// The reader slots of one database.
///
/// A slot's word is 0 when free, `2 * e + 1` while a reader pins from root e, and `2 * r` once it is narrowed to
/// exactly root r (root numbers count from 1). The top bit marks a slot that outlives its database.
///
/// Correctness relies on the order: a reader announces and then loads the root (both seq_cst); the writer stores the
/// root (seq_cst) and then reads the slots (seq_cst). So either the writer sees the announcement, or the reader sees
/// the new root and needs nothing that the new root does not have. Of a block it reads the slots that were ever used:
/// a reader says so (seq_cst) before it announces, so a writer that does not see it does not miss an announcement that
/// it would have to see.
class Pins {
 public:
  Pins();
  ~Pins();
  Pins(const Pins&) = delete;
  Pins& operator=(const Pins&) = delete;

  /// Announces "pinning from root `from`". The caller loads the root next and then calls narrow().
  /// A thread first tries the slot that it used last, so that one that takes and releases snapshots in turn finds one
  /// at once; what it takes while it holds others costs a step for each block of slots in use. Threads: any; wait-free
  /// but for the first claims of a process, which may allocate a block of slots.
  [[nodiscard]] PinSlot& announce(std::uint64_t from);

  /// Requires: announced by this caller, and `root` was loaded after that.
  static void narrow(PinSlot& slot, std::uint64_t root) noexcept {
    // release: pairs with the acquire (as part of seq_cst) in collect(); what this reader did before is behind it.
    slot.word.store(root << 1U, std::memory_order_release);
  }

  /// A second pin of a root that `held` pins, which nobody releases meanwhile.
  [[nodiscard]] PinSlot& clone(const PinSlot& held);

  /// Ends a pin. Returns true for the last one after orphan(): the caller then frees what the pins kept alive.
  [[nodiscard]] bool release(PinSlot& slot) noexcept;

  /// Reads all slots. Returns false where clones were made all the while, or no memory was left for the numbers: the
  /// caller tries again after its next commit.
  /// Threads: the writer only, after the root whose predecessors are to be reclaimed was published.
  [[nodiscard]] bool collect(PinSet& out) const noexcept;

  /// The database goes; pins may stay. Returns true if none does, and release() answers the last one otherwise.
  /// Requires: no announce() runs or comes any more.
  [[nodiscard]] bool orphan() noexcept;

 private:
  static constexpr std::uint64_t orphan_bit = std::uint64_t{1} << 63U;
  PinSlot& claim(std::uint64_t word);
  static void raise_used(PinBlock& block, std::uint32_t used) noexcept;
  static PinBlock& append_block(PinBlock& last);
  void mark_orphan(PinSlot& slot) noexcept;
  template <typename Visit>
  void for_each_held_slot(Visit&& visit) const;

  const std::uint64_t
      id_;  // of this object among all that ever were in the process: what a thread's hint is checked by
  PinBlock first_;
  std::atomic<std::uint64_t> clones_{0};
  std::atomic<std::int64_t> orphans_{0};
};

}  // namespace stoa::memory
