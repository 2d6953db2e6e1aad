#include "memory/pins.h"

#include <algorithm>
#include <memory>
#include <new>

namespace stoa::memory {
namespace {

std::uint64_t next_id() {
  static std::atomic<std::uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);  // relaxed: only uniqueness matters
}

// The slot that this thread released or claimed last, most likely free and in this core's cache.
struct Hint {
  std::uint64_t owner = 0;
  PinSlot* slot = nullptr;
};
thread_local Hint hint;

}  // namespace

bool PinSet::holds(std::uint64_t birth, std::uint64_t retire) const noexcept {
  if (pinning_from < retire) return true;
  const std::uint64_t pin = greatest_below(retire);
  return pin != 0 && birth <= pin;
}

std::uint64_t PinSet::greatest_below(std::uint64_t root) const noexcept {
  auto above = std::lower_bound(exact.begin(), exact.end(), root);
  return above == exact.begin() ? 0 : *std::prev(above);
}

Pins::Pins() : id_(next_id()) {}

Pins::~Pins() {
  // relaxed: nobody else is left.
  for (PinBlock* block = first_.next.load(std::memory_order_relaxed); block != nullptr;) {
    std::unique_ptr<PinBlock> gone(block);
    block = gone->next.load(std::memory_order_relaxed);
  }
}

PinSlot& Pins::announce(std::uint64_t from) { return claim(from << 1U | 1U); }

PinSlot& Pins::clone(const PinSlot& held) {
  // relaxed: the word is the caller's own, but for the orphan bit, which mark_orphan() adds where it belongs.
  PinSlot& slot = claim(held.word.load(std::memory_order_relaxed) & ~orphan_bit);
  // seq_cst: between the claim above and the release of `held`; collect() compares the count before and after its walk,
  // and so notices a walk that passed the new slot too early and the old one too late.
  clones_.fetch_add(1, std::memory_order_seq_cst);
  // seq_cst: after the claim. Either the walk of orphan() comes to the claimed slot, or its start is seen here. `held`
  // or the walk itself keeps the count above zero meanwhile.
  if (orphans_.load(std::memory_order_seq_cst) != 0) mark_orphan(slot);
  return slot;
}

PinSlot& Pins::claim(std::uint64_t word) {
  // seq_cst exchange: the announcement stands before the caller's load of the root in the one order of all of them.
  auto take = [word](PinSlot& slot) {
    std::uint64_t free = 0;
    return slot.word.load(std::memory_order_relaxed) == 0 &&  // relaxed: a look before the exchange that decides
           slot.word.compare_exchange_strong(free, word, std::memory_order_seq_cst, std::memory_order_relaxed);
  };
  auto take_any = [&](PinBlock& block) -> PinSlot* {
    // relaxed: advice. A release that this look or the store below misses leaves a slot unused until the block's next.
    if (block.full.load(std::memory_order_relaxed)) return nullptr;
    for (std::uint32_t at = 0; at != PinBlock::slot_count; ++at) {
      raise_used(block, at + 1);
      if (take(block.slots[at])) return &block.slots[at];
    }
    block.full.store(true, std::memory_order_relaxed);
    return nullptr;
  };
  PinBlock* const start = hint.owner == id_ ? hint.slot->block : &first_;
  if (hint.owner == id_ && take(*hint.slot)) return *hint.slot;
  // From the block used last to the end, then from the beginning; only then a new one.
  PinBlock* last = start;
  PinSlot* taken = take_any(*start);
  // acquire: pairs with append_block(); the block's slots are constructed.
  while (taken == nullptr) {
    PinBlock* next = last->next.load(std::memory_order_acquire);
    if (next == nullptr) break;
    last = next;
    taken = take_any(*last);
  }
  for (PinBlock* block = &first_; taken == nullptr && block != start;
       block = block->next.load(std::memory_order_acquire)) {
    taken = take_any(*block);
  }
  while (taken == nullptr) {
    last = &append_block(*last);
    taken = take_any(*last);
  }
  hint = {id_, taken};
  return *taken;
}

// Before the slot below is claimed, or found taken.
void Pins::raise_used(PinBlock& block, std::uint32_t used) noexcept {
  // seq_cst, both: before the announcement in the one order, and so before the load of the root, see the class comment;
  // also where another thread has raised it.
  std::uint32_t now = block.used.load(std::memory_order_seq_cst);
  while (now < used && !block.used.compare_exchange_weak(now, used, std::memory_order_seq_cst)) {
  }
}

// The block after `last`: a new one, or another thread's that came first.
PinBlock& Pins::append_block(PinBlock& last) {
  auto fresh = std::make_unique<PinBlock>();
  PinBlock* next = nullptr;
  // acq_rel: release publishes the new block's slots; acquire is for another thread's block.
  if (last.next.compare_exchange_strong(next, fresh.get(), std::memory_order_acq_rel, std::memory_order_acquire)) {
    next = fresh.release();
  }
  return *next;
}

bool Pins::release(PinSlot& slot) noexcept {
  hint = {id_, &slot};
  // relaxed, both: advice, see claim(). Read first: most of the time nobody writes that line.
  if (slot.block->full.load(std::memory_order_relaxed)) slot.block->full.store(false, std::memory_order_relaxed);
  // acq_rel: release puts the reader's last reads before the writer's reuse of the pages (pairs with collect());
  // acquire sees what orphan() did before it set the bit.
  const std::uint64_t before = slot.word.exchange(0, std::memory_order_acq_rel);
  if ((before & orphan_bit) == 0) return false;
  // acq_rel: the last of them sees all the others' reads done.
  return orphans_.fetch_sub(1, std::memory_order_acq_rel) == 1;
}

bool Pins::collect(PinSet& out) const noexcept try {
  for (int attempt = 0; attempt < 3; ++attempt) {
    out.exact.clear();
    out.pinning_from = ~std::uint64_t{0};
    out.pin_count = 0;
    // First: a clone that goes on to slots which were not used yet must be noticed, too.
    const std::uint64_t clones_before = clones_.load(std::memory_order_seq_cst);
    for_each_held_slot([&](const PinSlot&, std::uint64_t held) {
      const std::uint64_t word = held & ~orphan_bit;
      ++out.pin_count;
      if ((word & 1U) != 0) {
        out.pinning_from = std::min(out.pinning_from, word >> 1U);
      } else {
        out.exact.push_back(word >> 1U);
      }
    });
    if (clones_.load(std::memory_order_seq_cst) == clones_before) {
      std::sort(out.exact.begin(), out.exact.end());
      out.exact.erase(std::unique(out.exact.begin(), out.exact.end()), out.exact.end());
      return true;
    }
  }
  return false;
} catch (const std::bad_alloc&) {
  return false;
}

bool Pins::orphan() noexcept {
  // One more than the slots marked so far, so that an early release cannot count down to zero before the walk is done.
  // seq_cst: before the walk's loads of the slots, see clone().
  orphans_.store(1, std::memory_order_seq_cst);
  for_each_held_slot([this](const PinSlot& held, std::uint64_t) { mark_orphan(const_cast<PinSlot&>(held)); });
  return orphans_.fetch_sub(1, std::memory_order_acq_rel) == 1;  // acq_rel: as in release()
}

void Pins::mark_orphan(PinSlot& slot) noexcept {
  std::uint64_t now = slot.word.load(std::memory_order_seq_cst);  // seq_cst: after orphans_ was set, see clone()
  while (now != 0 && (now & orphan_bit) == 0) {
    orphans_.fetch_add(1, std::memory_order_relaxed);  // relaxed: ordered by the exchange that follows
    // seq_cst: as above where it fails; where it succeeds, release pairs with the exchange in release().
    if (slot.word.compare_exchange_weak(now, now | orphan_bit, std::memory_order_seq_cst)) return;
    orphans_.fetch_sub(1, std::memory_order_relaxed);  // relaxed: not the last one, see the callers
  }
}

template <typename Visit>
void Pins::for_each_held_slot(Visit&& visit) const {
  constexpr std::size_t at_once = 8;  // most are free, and one test does for so many
  static_assert(PinBlock::slot_count % at_once == 0);
  const auto rounded_up = [](std::size_t used) { return (used + at_once - 1) / at_once * at_once; };
  // seq_cst: after the root's store, see the class comment; or after the store to orphans_.
  const auto word_of = [](const PinSlot& slot) { return slot.word.load(std::memory_order_seq_cst); };
  // acquire: pairs with the publishing exchange in append_block().
  for (const PinBlock* block = &first_; block != nullptr; block = block->next.load(std::memory_order_acquire)) {
    const PinSlot* const end = block->slots + rounded_up(block->used.load(std::memory_order_seq_cst));
    for (const PinSlot* some = block->slots; some != end; some += at_once) {
      std::uint64_t any = 0;
      for (std::size_t i = 0; i != at_once; ++i) any |= word_of(some[i]);
      if (any == 0) continue;
      for (std::size_t i = 0; i != at_once; ++i) {
        if (const std::uint64_t word = word_of(some[i]); word != 0) visit(some[i], word);
      }
    }
  }
}

}  // namespace stoa::memory
