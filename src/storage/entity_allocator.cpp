#include "storage/entity_allocator.h"

#include "base/reuse.h"

#include <stoa/detail/constants.h>

#include <algorithm>
#include <array>
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

EntityAllocator::EntityAllocator() { make_ring(ring_first); }

Entity EntityAllocator::reserve() noexcept {
  Entity entity;
  (void)reserve(std::span(&entity, 1));
  return entity;
}

std::size_t EntityAllocator::reserve(std::span<Entity> out) noexcept {
  std::size_t count = take_offered(out);
  if (count == out.size()) return count;
  // relaxed: only uniqueness matters.
  std::uint64_t index = next_index_.fetch_add(out.size() - count, std::memory_order_relaxed);
  for (; count != out.size() && index <= index_max; ++index) out[count++] = {static_cast<std::uint32_t>(index), 1};
  return count;
}

// What the ring has of as many.
std::size_t EntityAllocator::take_offered(std::span<Entity> out) noexcept {
  // acquire: pairs with the release in the exchange below; the position is not older than what this thread took last.
  std::uint64_t at = take_at_.load(std::memory_order_acquire);
  for (;;) {
    // acquire: pairs with the release in refill(); the cells below it are filled.
    const std::uint64_t fill = fill_at_.load(std::memory_order_acquire);
    if (at >= fill) return 0;
    // relaxed: what was stored before `fill` is seen; this ring has the cells below it, or they were taken.
    const Ring& ring = *ring_.load(std::memory_order_relaxed);
    const std::size_t count = std::min<std::uint64_t>(out.size(), fill - at);
    for (std::size_t i = 0; i != count; ++i) {
      // relaxed: if the writer has refilled a cell since, the exchange fails, for it refills only cells already taken.
      out[i] = Entity::from_bits(ring.cell(at + i).load(std::memory_order_relaxed));
    }
    // acq_rel: release keeps the reads above before the cells' return to the writer; acquire as above.
    if (take_at_.compare_exchange_weak(at, at + count, std::memory_order_acq_rel, std::memory_order_acquire)) {
      return count;
    }
  }
}

void EntityAllocator::ended(Entity entity, std::uint64_t root_seq) noexcept {
  (void)push_if_possible(fresh_, {entity, root_seq});
}

void EntityAllocator::forget_ends_of(std::span<const Entity> revived) noexcept {
  any_came_back_ = true;
  const auto is_back = [&](const Ended& ended) { return std::ranges::binary_search(revived, ended.entity); };
  std::erase_if(fresh_, is_back);
  for (Bucket& held : held_) std::erase_if(held.entities, is_back);
}

void EntityAllocator::burn(Entity entity) noexcept {
  if (entity.generation() >= detail::generation_max) return;  // used up: the index is retired for good
  (void)push_if_possible(after_burnt_, {entity.index(), entity.generation() + 1});
}

void EntityAllocator::offer_burnt(const detail::Root& root) noexcept {
  grow_ring_if_drained();
  refill(root);
}

void EntityAllocator::resume(const detail::Root& root, Unused unused) {
  constexpr std::uint32_t page_slots = 1U << detail::slot_page_bits;
  skip_to(root.slot_count);
  std::array<Entity, 64> some;
  while (take_offered(some) != 0) {  // what was given back: it is below slot_count now, or lost
  }
  after_burnt_.clear();
  std::vector<FreeIndices::Run> runs;
  // No more are looked for than there are: in a world that only grows, none.
  std::uint64_t left = root.slot_count - root.entity_count;
  for (std::uint64_t page = 0; page < root.slot_count && left != 0; page += page_slots) {
    const auto first = static_cast<std::uint32_t>(page);
    const auto end = static_cast<std::uint32_t>(std::min<std::uint64_t>(page + page_slots, root.slot_count));
    const detail::EntitySlot* slots = detail::find_slot(root, first);
    if (slots == nullptr) {
      left -= end - first;
      if (unused == Unused::kept_back && detail::generation_floor(root, first) == 0) continue;
      if (runs.empty() || runs.back().end != first) runs.push_back({first, first});
      runs.back().end = end;
      continue;
    }
    for (std::uint32_t index = first; index < end; ++index) {
      const detail::EntitySlot& slot = slots[index - first];
      if (slot.archetype != 0) continue;
      --left;
      if (unused == Unused::kept_back && slot.floor == 0) continue;
      set_free({index, slot.floor});
    }
  }
  std::for_each(runs.rbegin(), runs.rend(), [this](FreeIndices::Run run) { free_.add_run(run); });  // low ones last
  refill(root);
}

void EntityAllocator::skip_to(std::uint32_t slot_count) noexcept {
  // relaxed, all: only uniqueness matters.
  std::uint64_t next = next_index_.load(std::memory_order_relaxed);
  while (next < slot_count &&
         !next_index_.compare_exchange_weak(next, slot_count, std::memory_order_relaxed, std::memory_order_relaxed)) {
  }
}

void EntityAllocator::recycle(const memory::PinSet& pins, const detail::Root& root,
                              const std::function<bool(std::uint64_t, Entity)>& alive_in) noexcept {
  // What has never come back was alive in the newest root before its end, or in none that is pinned. What has may have
  // been gone in between.
  const auto holder = [&](const Ended& ended) {
    std::uint64_t pin = pins.greatest_below(ended.root_seq);
    while (pin != 0 && !alive_in(pin, ended.entity)) pin = any_came_back_ ? pins.greatest_below(pin) : 0;
    return pin;
  };
  auto place = [&](std::vector<Ended>& list) {
    for (const Ended& ended : list) {
      if (pins.pinning_from < ended.root_seq) {
        hold(0, ended);
      } else if (const std::uint64_t pin = holder(ended); pin != 0) {
        hold(pin, ended);
      } else {
        set_free(ended.entity);
      }
    }
    clear_for_reuse(list);
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
  grow_ring_if_drained();
  if (free_.scattered() >= recall_at_) recall(root);
  if (free_.scattered() < recall_at_ / 4) recall_at_ = std::max(recall_first, recall_at_ / 2);
  refill(root);
}

void EntityAllocator::folded(std::uint32_t page) noexcept {
  const std::uint32_t first = page << detail::slot_page_bits;
  try {
    free_.add_run({first, first + (1U << detail::slot_page_bits)});
  } catch (const std::bad_alloc&) {
    return;  // the indices stay out of use
  }
}

void EntityAllocator::set_free(Entity entity) noexcept {
  if (entity.generation() >= detail::generation_max) return;  // used up: the index is retired for good
  try {
    free_.add(entity.index());
  } catch (const std::bad_alloc&) {
    return;  // the index stays out of use
  }
}

Entity EntityAllocator::next_free(const detail::Root& root) noexcept {
  if (!after_burnt_.empty()) {
    const Entity entity = after_burnt_.back();
    after_burnt_.pop_back();
    return entity;
  }
  while (const auto index = free_.take()) {
    const std::uint32_t floor = detail::generation_floor(root, *index);
    if (floor < detail::generation_max) return {*index, floor + 1};  // else the index is retired for good
  }
  return {};
}

void EntityAllocator::refill(const detail::Root& root) noexcept {
  // relaxed: only the writer stores it.
  std::uint64_t fill = fill_at_.load(std::memory_order_relaxed);
  // acquire: pairs with the exchange in take_offered(); the takers of the cells below have read them.
  const std::uint64_t taken = take_at_.load(std::memory_order_acquire);
  const Ring& ring = *rings_.back();
  while (fill - taken != ring.size) {
    const Entity entity = next_free(root);
    if (!entity) break;
    ring.cell(fill).store(entity.bits(), std::memory_order_relaxed);  // relaxed: published by the store below
    ++fill;
  }
  fill_at_.store(fill, std::memory_order_release);  // release: pairs with the acquire in take_offered()
}

// All that the ring offered was taken between two refills, and there would be more: if it stayed as it is, what a great
// transaction creates would have fresh indices each time, and those of the ended would lie idle. It is empty now, so
// nothing moves; old rings stay for those who look into them still.
void EntityAllocator::grow_ring_if_drained() noexcept {
  // relaxed, both: only the writer stores the one, and a position that is behind lets the ring grow later.
  const std::uint64_t fill = fill_at_.load(std::memory_order_relaxed);
  if (fill == 0 || take_at_.load(std::memory_order_relaxed) != fill) return;
  if (free_.count() + after_burnt_.size() <= rings_.back()->size || rings_.back()->size >= ring_max) return;
  try {
    make_ring(2 * rings_.back()->size);
  } catch (const std::bad_alloc&) {
    return;  // it stays as it is
  }
}

void EntityAllocator::make_ring(std::size_t size) {
  rings_.reserve(rings_.size() + 1);
  rings_.push_back(std::make_unique<Ring>(size));
  ring_.store(rings_.back().get(), std::memory_order_relaxed);  // relaxed: published by the next store of fill_at_
}

// What the ring offers may be the last that keeps many pages of dead slots from being folded: entities end anywhere,
// and the ring took the first of them. So it is emptied now and then, each time that the number has doubled, and filled
// again from few pages.
void EntityAllocator::recall(const detail::Root& root) noexcept {
  std::array<Entity, 64> some;
  for (std::size_t count; (count = take_offered(some)) != 0;) {
    for (Entity entity : std::span(some).first(count)) {
      if (const std::uint32_t last = detail::generation_floor(root, entity.index()); entity.generation() == last + 1) {
        set_free({entity.index(), last});
      } else {
        (void)push_if_possible(after_burnt_, entity);
      }
    }
  }
  recall_at_ = std::max(recall_first, 2 * free_.scattered());
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
