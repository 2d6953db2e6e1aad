#include "storage/entity_allocator.h"

#include <stoa/detail/constants.h>

#include <algorithm>
#include <new>
#include <utility>

namespace stoa::storage {
namespace {

// Without memory the element is dropped; false then.
template <typename Element>
bool push_if_possible(std::vector<Element>& list, const Element& element) noexcept try {
  list.push_back(element);
  return true;
} catch (const std::bad_alloc&) {
  return false;
}

}  // namespace

EntityAllocator::EntityAllocator() : ring_(std::make_unique<std::atomic<std::uint64_t>[]>(ring_size)) {}

Entity EntityAllocator::reserve() noexcept {
  // acquire: pairs with the release in the exchange below; the position is not older than what this thread took last.
  std::uint64_t at = take_at_.load(std::memory_order_acquire);
  for (;;) {
    // acquire: pairs with the release in refill(); the cells below it are filled.
    if (at >= fill_at_.load(std::memory_order_acquire)) break;
    // relaxed: if the writer has refilled the cell since, the exchange fails, for it refills only cells already taken.
    const std::uint64_t bits = ring_[at % ring_size].load(std::memory_order_relaxed);
    // acq_rel: release keeps the read above before the cell's return to the writer; acquire as above.
    if (take_at_.compare_exchange_weak(at, at + 1, std::memory_order_acq_rel, std::memory_order_acquire)) {
      return Entity::from_bits(bits);
    }
  }
  // relaxed: only uniqueness matters.
  const std::uint64_t index = next_index_.fetch_add(1, std::memory_order_relaxed);
  if (index > index_max) return {};
  return {static_cast<std::uint32_t>(index), 1};
}

void EntityAllocator::ended(Entity entity, std::uint64_t root_seq) noexcept {
  (void)push_if_possible(fresh_, {entity, root_seq});
}

void EntityAllocator::burn(Entity entity) noexcept { offer(entity); }

void EntityAllocator::resume(const detail::Root& root) {
  constexpr std::uint32_t page_slots = 1U << detail::slot_page_bits;
  // relaxed: nobody else is there yet.
  next_index_.store(root.slot_count, std::memory_order_relaxed);
  const auto add_unused = [this](std::uint32_t first, std::uint32_t end) {
    if (!unused_.empty() && unused_.back().end == first) {
      unused_.back().end = end;
    } else {
      unused_.push_back({first, end});
    }
  };
  for (std::uint64_t page = 0; page < root.slot_count; page += page_slots) {
    const auto first = static_cast<std::uint32_t>(page);
    const auto end = static_cast<std::uint32_t>(std::min<std::uint64_t>(page + page_slots, root.slot_count));
    const detail::EntitySlot* slots = detail::find_slot(root, first);
    if (slots == nullptr) {
      add_unused(first, end);
      continue;
    }
    for (std::uint32_t index = first; index < end; ++index) {
      const detail::EntitySlot& slot = slots[index - first];
      if (slot.generation == 0) {
        add_unused(index, index + 1);
      } else if (slot.archetype == 0) {
        offer({index, slot.generation});
      }
    }
  }
  std::reverse(unused_.begin(), unused_.end());  // low indices first: they are taken from the back
  refill();
}

void EntityAllocator::recycle(const memory::PinSet& pins,
                              const std::function<bool(std::uint64_t, Entity)>& alive_in) noexcept {
  auto place = [&](std::vector<Ended>& list) {
    for (const Ended& ended : list) {
      const std::uint64_t pin = pins.greatest_below(ended.root_seq);
      if (pins.pinning_from < ended.root_seq) {
        hold(0, ended);
      } else if (pin != 0 && alive_in(pin, ended.entity)) {
        hold(pin, ended);
      } else {
        offer(ended.entity);
      }
    }
    list.clear();
  };
  memory::PinPass pass(pins);
  std::erase_if(held_, [&](Bucket& held) {
    if (held.pin != 0 && pass.pins(held.pin)) return false;
    for (const Ended& ended : held.entities) (void)push_if_possible(undecided_, ended);
    keep_list(held.entities);
    return true;
  });
  place(undecided_);
  place(fresh_);
  refill();
}

void EntityAllocator::offer(Entity entity) noexcept {
  if (entity.generation() >= detail::generation_max) return;  // used up: the index is retired for good
  (void)push_if_possible(spare_, {entity.index(), entity.generation() + 1});
}

Entity EntityAllocator::next_free() noexcept {
  if (!spare_.empty()) {
    const Entity entity = spare_.back();
    spare_.pop_back();
    return entity;
  }
  if (unused_.empty()) return {};
  Run& run = unused_.back();
  const Entity entity(run.first++, 1);
  if (run.first == run.end) unused_.pop_back();
  return entity;
}

void EntityAllocator::refill() noexcept {
  // relaxed: only the writer stores it.
  std::uint64_t fill = fill_at_.load(std::memory_order_relaxed);
  // acquire: pairs with the exchange in reserve(); the takers of the cells below have read them.
  while (fill - take_at_.load(std::memory_order_acquire) != ring_size) {
    const Entity entity = next_free();
    if (!entity) break;
    ring_[fill % ring_size].store(entity.bits(), std::memory_order_relaxed);  // relaxed: published by the store below
    ++fill;
  }
  fill_at_.store(fill, std::memory_order_release);  // release: pairs with the acquire in reserve()
}

void EntityAllocator::hold(std::uint64_t pin, const Ended& ended) noexcept {
  auto at = std::lower_bound(held_.begin(), held_.end(), pin,
                             [](const Bucket& bucket, std::uint64_t value) { return bucket.pin < value; });
  if (at == held_.end() || at->pin != pin) {
    try {
      at = held_.insert(at, {pin, {}});
      if (!spare_lists_.empty()) {
        at->entities = std::move(spare_lists_.back());
        spare_lists_.pop_back();
      }
    } catch (const std::bad_alloc&) {
      return;  // the index stays out of use
    }
  }
  (void)push_if_possible(at->entities, ended);
}

// A few small ones: readers come and go all the time, and each may leave a bucket behind.
void EntityAllocator::keep_list(std::vector<Ended>& list) noexcept {
  constexpr std::size_t lists_max = 64;
  constexpr std::size_t kept_max = 65'536;
  if (spare_lists_.size() == lists_max || list.capacity() > kept_max) return;
  list.clear();
  try {
    spare_lists_.push_back(std::move(list));
  } catch (const std::bad_alloc&) {
    list = {};
  }
}

}  // namespace stoa::storage
