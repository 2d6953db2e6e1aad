#include "memory/page_pool.h"

#include "memory/poison.h"

#include <sys/mman.h>

#include <algorithm>
#include <limits>
#include <new>
#include <utility>

namespace stoa::memory {
namespace {

constexpr std::size_t huge_page_bytes = std::size_t{2} << 20U;
constexpr std::size_t block_units_max = std::numeric_limits<std::uint32_t>::max();  // what a header can tell
constexpr std::size_t large_kept_max = 64;

std::byte* map(std::size_t bytes) {
  void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc();
  // Advice only: it cuts the first touch to a third where the system follows it.
  if (bytes >= huge_page_bytes) ::madvise(at, bytes, MADV_HUGEPAGE);
  return static_cast<std::byte*>(at);
}

}  // namespace

PagePool::PagePool(PoolOptions options) : options_(options), slab_bytes_next_(options.slab_bytes_first) {
  slabs_.reserve(64);
  large_kept_.reserve(large_kept_max);
  refill_spare();
}

PagePool::~PagePool() {
  for (BlockHeader* block : large_kept_) unmap_large(block);
  end_evacuation();
  for (const Slab& slab : slabs_) unmap_slab(slab);
}

void PagePool::refill_spare() noexcept {
  if (spare_.bytes() * 2 >= options_.spare_bytes) return;
  try {
    const Room fresh = map_slab(options_.spare_bytes);
    if (spare_.bytes() > room_.bytes()) std::swap(spare_, room_);
    free_rest(spare_);
    spare_ = fresh;
    spare_is_new_ = true;
  } catch (const std::bad_alloc&) {
    return;  // the next call tries again
  }
}

void* PagePool::allocate(std::size_t bytes, std::uint64_t birth) {
  if (bytes > block_units_max * unit_bytes - sizeof(BlockHeader)) throw std::bad_alloc();
  const auto units = static_cast<std::uint32_t>(block_bytes_for(bytes) / unit_bytes);
  BlockHeader* header = nullptr;
  if (units > FreeBlocks::units_max) {
    header = allocate_large(units);
  } else {
    header = free_.take_exact(units);
    if (header == nullptr) header = make_block(units);
    header->units = units;
  }
  const std::size_t block = std::size_t{header->units} * unit_bytes;
  unpoison(header + 1, block - sizeof(BlockHeader));
  *header = BlockHeader{.birth = birth, .units = header->units};
  bytes_in_use_ += block;
  return payload_of(header);
}

void PagePool::release(void* payload) noexcept {
  BlockHeader* header = header_of(payload);
  const std::size_t bytes = std::size_t{header->units} * unit_bytes;
  bytes_in_use_ -= bytes;
  released_ += bytes;
  poison(payload, bytes - sizeof(BlockHeader));
  if (header->units > FreeBlocks::units_max) {
    release_large(header);
  } else if (leaving_.empty() || !leaving_.keep_out(*header)) {
    free_.push(*header);
  }
}

// None of its size is free.
BlockHeader* PagePool::make_block(std::uint32_t units) {
  const std::size_t bytes = std::size_t{units} * unit_bytes;
  if (room_.bytes() >= bytes) return carve(room_, units);
  if (BlockHeader* part = split_larger(units)) return part;
  merge_some();
  if (BlockHeader* part = split_larger(units)) return part;
  try {
    grow(bytes);
  } catch (const std::bad_alloc&) {
    if (is_evacuating()) {
      end_evacuation();
      if (BlockHeader* part = split_larger(units)) return part;
    }
    if (!may_use_spare_ || spare_.bytes() < bytes) throw;
    if (std::exchange(spare_is_new_, false)) bytes_reserved_ += options_.spare_bytes;
    return carve(spare_, units);
  }
  return carve(room_, units);
}

BlockHeader* PagePool::carve(Room& room, std::uint32_t units) noexcept {
  std::byte* block = room.at;
  room.at += std::size_t{units} * unit_bytes;
  slabs_[room.slab].carved = room.at;
  unpoison(block, sizeof(BlockHeader));
  return reinterpret_cast<BlockHeader*>(block);
}

BlockHeader* PagePool::split_larger(std::uint32_t units) noexcept {
  BlockHeader* block = free_.take_at_least(units);
  if (block == nullptr || block->units == units) return block;
  auto* rest = reinterpret_cast<BlockHeader*>(reinterpret_cast<std::byte*>(block) + std::size_t{units} * unit_bytes);
  unpoison(rest, sizeof(BlockHeader));
  *rest = BlockHeader{.units = block->units - units};
  free_.push(*rest);
  return block;
}

// Looks at as much as the next slab would be, where much is free, and enough came back since the last time to pay for
// it.
void PagePool::merge_some() noexcept {
  if (bytes_reserved_ - bytes_in_use_ < std::min(slab_bytes_next_, bytes_in_use_ / 2)) return;
  const std::size_t look_at = std::min(slab_bytes_next_, bytes_reserved_);
  if (released_ < look_at / 4) return;
  released_ = 0;
  std::size_t looked_at = 0;
  for (std::size_t left = slabs_.size(); left != 0 && looked_at < look_at; --left) {
    merged_next_ = (merged_next_ + 1) % slabs_.size();
    merge_in(slabs_[merged_next_]);
    looked_at += slabs_[merged_next_].bytes;
  }
}

void PagePool::merge_in(Slab& slab) noexcept {
  if (slab.contains(survey_at_)) {
    survey_at_ = slab.first();  // what it stood at may become a part of another
    survey_in_use_ = 0;
  }
  const auto after = Slab::after;
  auto* const end = slab.end();
  for (auto* block = slab.first(); block < end; block = after(block)) {
    if (!FreeBlocks::is_free(*block)) continue;
    std::uint32_t units = block->units;
    auto* next = after(block);
    while (next < end && FreeBlocks::is_free(*next) && units + next->units <= FreeBlocks::units_max) {
      free_.take(*next);
      units += next->units;
      auto* gone = std::exchange(next, after(next));
      poison(gone, sizeof(BlockHeader));
    }
    if (units == block->units) continue;
    free_.take(*block);
    block->units = units;
    free_.push(*block);
  }
}

// Where the system refuses a slab of the size that is due, a smaller one may do.
void PagePool::grow(std::size_t at_least) {
  at_least += unit_bytes;
  std::size_t bytes = std::max(slab_bytes_next_, at_least);
  Room fresh;
  for (;; bytes = std::max(bytes / 2, at_least)) {
    try {
      if (bytes > options_.bytes_max || bytes_reserved_ > options_.bytes_max - bytes) throw std::bad_alloc();
      fresh = map_slab(bytes);
      break;
    } catch (const std::bad_alloc&) {
      if (bytes == at_least) throw;
    }
  }
  bytes_reserved_ += bytes;
  ++system_allocations_;
  free_rest(room_);
  room_ = fresh;
  if (bytes < slab_bytes_next_) return;
  // Compared before it is converted: what a size cannot hold has no meaning as one.
  const double next = static_cast<double>(slab_bytes_next_) * options_.slab_growth;
  slab_bytes_next_ =
      next < static_cast<double>(options_.slab_bytes_max) ? static_cast<std::size_t>(next) : options_.slab_bytes_max;
}

PagePool::Room PagePool::map_slab(std::size_t bytes) {
  // Those that leave may come back.
  if (slabs_.size() + leaving_.count() >= slabs_.capacity()) slabs_.reserve(slabs_.capacity() * 2);
  std::byte* base = map(bytes);
  slabs_.push_back({base, bytes, base + sizeof(BlockHeader)});
  poison(base, bytes);
  return room_of(slabs_.size() - 1);
}

PagePool::Room PagePool::room_of(std::size_t slab) const noexcept {
  const Slab& of = slabs_[slab];
  return {slab, of.carved, of.base + of.bytes - (unit_bytes - sizeof(BlockHeader))};
}

// What is left of a room becomes free blocks, so that nothing is lost.
void PagePool::free_rest(Room& room) noexcept {
  for (std::size_t left = room.bytes() / unit_bytes; left != 0;) {
    const auto units = static_cast<std::uint32_t>(std::min<std::size_t>(left, FreeBlocks::units_max));
    BlockHeader* rest = carve(room, units);
    *rest = BlockHeader{.units = units};
    free_.push(*rest);
    left -= units;
  }
}

// --- Blocks that have a mapping of their own ----------------------------------------------------------------------

BlockHeader* PagePool::allocate_large(std::uint32_t units) {
  // One that was kept, if it wastes no more than an eighth.
  const auto fits = [units](const BlockHeader* block) {
    return block->units >= units && block->units - units <= units / 8;
  };
  if (const auto at = std::ranges::find_if(large_kept_, fits); at != large_kept_.end()) {
    BlockHeader* block = *at;
    large_kept_.erase(at);
    large_bytes_kept_ -= std::size_t{block->units} * unit_bytes;
    return block;
  }
  const std::size_t bytes = (std::size_t{units} + 1) * unit_bytes;
  if (bytes > options_.bytes_max || bytes_reserved_ > options_.bytes_max - bytes) throw std::bad_alloc();
  auto* block = reinterpret_cast<BlockHeader*>(map(bytes) + sizeof(BlockHeader));
  bytes_reserved_ += bytes;
  ++system_allocations_;
  block->units = units;
  return block;
}

// The oldest ones go where there is no room for it.
void PagePool::release_large(BlockHeader* block) noexcept {
  const std::size_t bytes = std::size_t{block->units} * unit_bytes;
  if (bytes > options_.slab_bytes_max) {
    unmap_large(block);
    return;
  }
  while (large_kept_.size() == large_kept_max || large_bytes_kept_ + bytes > options_.slab_bytes_max) {
    BlockHeader* oldest = large_kept_.front();
    large_kept_.erase(large_kept_.begin());
    large_bytes_kept_ -= std::size_t{oldest->units} * unit_bytes;
    unmap_large(oldest);
  }
  large_kept_.push_back(block);
  large_bytes_kept_ += bytes;
}

void PagePool::unmap_large(BlockHeader* block) noexcept {
  const std::size_t bytes = (std::size_t{block->units} + 1) * unit_bytes;
  std::byte* base = reinterpret_cast<std::byte*>(block) - sizeof(BlockHeader);
  bytes_reserved_ -= bytes;
  bytes_given_back_ += bytes;
  unpoison(base, bytes);
  ::munmap(base, bytes);
}

}  // namespace stoa::memory
