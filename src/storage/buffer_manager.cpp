#include "storage/buffer_manager.h"

#include <algorithm>
#include <new>
#include <utility>

namespace stoa::storage {

BufferManager::BufferManager(detail::WorldInfo world, memory::PoolOptions pool)
    : world_(std::move(world)),
      pool_(pool),
      buffer_(world_, pool_),
      reclaimer_(pool_, world_.tables.size() + 1),
      bytes_that_wait_(std::min(std::size_t{16} << 10U, pool.slab_bytes_first / 16)) {
  buffer_.begin(Root{});
  prepare_commit();
  commit_batch(0, {});
}

PinnedRoot BufferManager::pin() {
  // acquire: pairs with publish(); the number never leads the root that is loaded below. An older one only holds more
  // for a moment.
  memory::PinSlot& slot = pins_.announce(newest_seq_.load(std::memory_order_acquire));
  // seq_cst: after the announcement in the one order of all seq_cst accesses; pairs with publish(). The root's content
  // is visible.
  const Root* root = newest_.load(std::memory_order_seq_cst);
  memory::Pins::narrow(slot, root->root_seq);
  return {root, &slot};
}

void BufferManager::begin_history(const detail::HistoryId& history) {
  prepare_commit();
  buffer_.set_history(history);
  buffer_.set_deltas({.from = version()});
  commit_batch(version(), {});
}

void BufferManager::burn(Entity entity) noexcept {
  // What another database, which this one followed, has used as well comes back when the root says so.
  const detail::EntitySlot* slot = detail::find_slot(buffer_.root(), entity.index());
  const bool is_taken = slot != nullptr && slot->archetype != 0;
  if (!is_taken && detail::generation_floor(buffer_.root(), entity.index()) < entity.generation()) {
    entities_.burn(entity);
  }
}

void BufferManager::resume_entities(EntityAllocator::Unused unused) {
  entities_.resume(buffer_.root(), unused);
  fold_dead_slots();
}

void BufferManager::prepare_commit() {
  pool_.refill_spare();
  if (next_root_ == nullptr) next_root_ = buffer_.pages().allocate(sizeof(Root));
  if (live_roots_.size() == live_roots_.capacity())
    live_roots_.reserve(std::max<std::size_t>(16, live_roots_.size() * 2));
}

void BufferManager::commit_batch(Version version, const std::vector<Entity>& ended) {
  Root* const root = new (std::exchange(next_root_, nullptr)) Root(buffer_.seal(version));
  if (next_root_id_ % detail::root_ids_together == 0) next_root_id_ = detail::next_root_ids();
  root->id = next_root_id_++;
  if (!live_roots_.empty()) buffer_.pages().discard(live_roots_.back());
  publish(*root);
  // Only now: what a reader that came before the publication may reach is retired for it, and not a moment earlier.
  reclaimer_.retire(buffer_.pages().take_retired());
  for (Entity entity : ended) entities_.ended(entity, root->root_seq);
  live_roots_.push_back(root);
  behind_ = true;
  if (reclaim_pays() && see_pins()) reclaim();
  if (pool_.is_to_give_back()) pool_.give_back_some();
  note_memory();
  buffer_.begin(*root);
  fold_dead_slots();
}

void BufferManager::catch_up() {
  if (!is_behind()) return;
  if (behind_ && pins_.collect(pin_set_)) reclaim();
  pool_.give_back_some();
  note_memory();
}

void BufferManager::publish(const Root& root) {
  // seq_cst: before the writer's look at the slots in the one order of all seq_cst accesses; pairs with pin().
  newest_.store(&root, std::memory_order_seq_cst);
  // release: after the root, so that an announced number never leads it; pairs with pin().
  newest_seq_.store(root.root_seq, std::memory_order_release);
  version_.store(root.version, std::memory_order_seq_cst);  // seq_cst: pairs with version(); the root is there
}

// A look at the pins and at what each holds takes as long as copying about a KiB for each of them. So it waits for as
// much to have been retired: with 10,000 snapshots held, a small commit would do little else. What waits is bounded by
// what the pins themselves cost, and a few pins are looked at each time.
bool BufferManager::reclaim_pays() const noexcept {
  constexpr std::uint64_t free_pins = 32;
  constexpr std::uint64_t bytes_per_pin = 1024;
  if (pin_set_.pin_count <= free_pins) return true;
  return reclaimer_.bytes_fresh() >= (pin_set_.pin_count - free_pins) * bytes_per_pin;
}

// False where nothing is known of them, or where it is worth little: nobody reads, so what was retired cannot become
// more than this before it is given back. A step of compaction, which wants slabs empty, catches up by itself.
bool BufferManager::see_pins() noexcept {
  if (!pins_.collect(pin_set_)) return false;
  return pin_set_.pin_count != 0 || reclaimer_.bytes_held() != 0 || reclaimer_.bytes_fresh() >= bytes_that_wait_;
}

void BufferManager::reclaim() {
  behind_ = false;
  const std::uint64_t newest = live_roots_.back()->root_seq;
  // Before their blocks go: which entities the pinned roots still have alive.
  entities_.recycle(pin_set_, buffer_.root(), [this](std::uint64_t pin, Entity entity) {
    const auto at = std::lower_bound(live_roots_.begin(), live_roots_.end(), pin,
                                     [](const Root* root, std::uint64_t seq) { return root->root_seq < seq; });
    return detail::find_alive(**at, entity) != nullptr;
  });
  memory::PinPass pass(pin_set_);
  std::erase_if(live_roots_, [&](const Root* root) {
    return root->root_seq != newest && root->root_seq < pin_set_.pinning_from && !pass.pins(root->root_seq);
  });
  reclaimer_.reclaim(pin_set_);
  buffer_.archetypes().release_matches(pin_set_, newest);
}

// Costs little beside the ends of the page's entities: a look at their slots, and the way to two cells.
void BufferManager::fold_dead_slots() noexcept {
  while (const auto page = entities_.take_dead_page()) {
    try {
      buffer_.fold_slots(*page);
    } catch (const std::bad_alloc&) {
      entities_.folded(*page);  // it stays as it is, and so do the others until the next commit
      return;
    }
    entities_.folded(*page);
  }
}

Compactor::Came BufferManager::compact_some(detail::SteadyTime until) {
  Compactor& compactor = buffer_.compactor();
  if (!compactor.is_running()) {
    compactor.begin();
    behind_ = true;                                              // snapshots may have gone since the last commit
    compactions_begun_.fetch_add(1, std::memory_order_relaxed);  // relaxed: statistics
  }
  catch_up();  // what the last step retired is what empties slabs
  const Compactor::Came came = compactor.step(until);
  if (came == Compactor::Came::to_the_moving && buffer_.pages().leaves(next_root_)) {
    void* const elsewhere = buffer_.pages().allocate(sizeof(Root));
    buffer_.pages().discard(std::exchange(next_root_, elsewhere));
  }
  if (came == Compactor::Came::to_the_end) {
    // Slabs that nobody's snapshot keeps from getting empty will not get so.
    if (pin_set_.pin_count == 0) pool_.end_evacuation();
    end_compaction();
  }
  return came;
}

void BufferManager::stop_compaction() noexcept {
  if (!is_compacting()) return;
  buffer_.compactor().stop();
  end_compaction();
}

void BufferManager::end_compaction() noexcept {
  free_left_ = bytes_free();
  note_memory();
  compactions_ended_.fetch_add(1, std::memory_order_relaxed);  // relaxed: statistics
}

// That can be had, and is.
std::size_t BufferManager::bytes_free() const noexcept {
  const std::size_t taken = pool_.bytes_in_use() + pool_.bytes_leaving();
  return pool_.bytes_reserved() - std::min(pool_.bytes_reserved(), taken);
}

bool BufferManager::wants_compaction(double free_share) const noexcept {
  constexpr std::size_t bytes_least = std::size_t{16} << 20U;
  const std::size_t free = bytes_free();
  return free >= free_left_ + bytes_least &&
         static_cast<double>(free) >= free_share * static_cast<double>(pool_.bytes_reserved());
}

void BufferManager::note_memory() noexcept {
  // relaxed, all: statistics, each true of some recent moment.
  bytes_in_use_.store(pool_.bytes_in_use(), std::memory_order_relaxed);
  // What was not looked at yet is kept for nobody where nobody reads, and counts as kept otherwise.
  const std::size_t fresh = pin_set_.pin_count == 0 ? 0 : reclaimer_.bytes_fresh();
  bytes_retired_.store(reclaimer_.bytes_held() + fresh, std::memory_order_relaxed);
  bytes_reserved_.store(pool_.bytes_reserved(), std::memory_order_relaxed);
  pin_count_.store(pin_set_.pin_count, std::memory_order_relaxed);
  oldest_root_.store(pin_set_.exact.empty() ? 0 : pin_set_.exact.front(), std::memory_order_relaxed);
  system_allocations_.store(pool_.system_allocations(), std::memory_order_relaxed);
  bytes_given_back_.store(pool_.bytes_given_back(), std::memory_order_relaxed);
  blocks_moved_.store(buffer_.pages().moved().blocks, std::memory_order_relaxed);
  bytes_moved_.store(buffer_.pages().moved().bytes, std::memory_order_relaxed);
  archetypes_dropped_.store(buffer_.compactor().dropped(), std::memory_order_relaxed);
}

BufferManager::Memory BufferManager::memory() const noexcept {
  // relaxed, all: statistics.
  return {.bytes_in_use = bytes_in_use_.load(std::memory_order_relaxed),
          .bytes_retired = bytes_retired_.load(std::memory_order_relaxed),
          .bytes_reserved = bytes_reserved_.load(std::memory_order_relaxed),
          .pin_count = pin_count_.load(std::memory_order_relaxed),
          .oldest_root = oldest_root_.load(std::memory_order_relaxed),
          .newest_root = newest_seq_.load(std::memory_order_relaxed),
          .system_allocations = system_allocations_.load(std::memory_order_relaxed),
          .bytes_given_back = bytes_given_back_.load(std::memory_order_relaxed),
          .moved = {blocks_moved_.load(std::memory_order_relaxed), bytes_moved_.load(std::memory_order_relaxed)},
          .archetypes_dropped = archetypes_dropped_.load(std::memory_order_relaxed),
          .compactions_begun = compactions_begun_.load(std::memory_order_relaxed),
          .compactions_ended = compactions_ended_.load(std::memory_order_relaxed)};
}

}  // namespace stoa::storage
