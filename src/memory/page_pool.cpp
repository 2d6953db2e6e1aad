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

std::byte* map(std::size_t bytes) {
  void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc();
  // Advice only: it cuts the first touch to a third where the system follows it.
  if (bytes >= huge_page_bytes) ::madvise(at, bytes, MADV_HUGEPAGE);
  return static_cast<std::byte*>(at);
}

}  // namespace

PagePool::PagePool(PoolOptions options)
    : options_(options), free_(pooled_units_max + 1, nullptr), slab_bytes_next_(options.slab_bytes_first) {
  slabs_.reserve(64);
  refill_spare();
}

PagePool::~PagePool() {
  for (const Slab& slab : slabs_) {
    unpoison(slab.base, slab.bytes);
    ::munmap(slab.base, slab.bytes);
  }
}

void PagePool::refill_spare() noexcept {
  if (spare_.bytes() * 2 >= options_.spare_bytes) return;
  try {
    std::byte* base = map_slab(options_.spare_bytes);
    if (spare_.bytes() > room_.bytes()) carve_from(spare_);
    spare_ = {base + sizeof(BlockHeader), base + options_.spare_bytes - (unit_bytes - sizeof(BlockHeader))};
    spare_is_new_ = true;
  } catch (const std::bad_alloc&) {
    return;  // the next call tries again
  }
}

void* PagePool::allocate(std::size_t bytes, std::uint64_t birth) {
  if (bytes > block_units_max * unit_bytes - sizeof(BlockHeader)) throw std::bad_alloc();
  const auto units = static_cast<std::uint32_t>(block_bytes_for(bytes) / unit_bytes);
  BlockHeader* header = nullptr;
  if (units > pooled_units_max) {
    header = static_cast<BlockHeader*>(allocate_large(units));
  } else if (free_[units] != nullptr) {
    header = free_[units];
    free_[units] = header->next;
  } else {
    header = static_cast<BlockHeader*>(carve(units));
  }
  unpoison(header + 1, units * unit_bytes - sizeof(BlockHeader));
  *header = BlockHeader{.birth = birth, .units = units};
  bytes_in_use_ += units * unit_bytes;
  return payload_of(header);
}

void PagePool::release(void* payload) noexcept {
  BlockHeader* header = header_of(payload);
  const std::size_t bytes = std::size_t{header->units} * unit_bytes;
  bytes_in_use_ -= bytes;
  if (header->units > pooled_units_max) {
    bytes_reserved_ -= bytes + unit_bytes;
    ::munmap(reinterpret_cast<std::byte*>(header) - sizeof(BlockHeader), bytes + unit_bytes);
    return;
  }
  header->next = free_[header->units];
  free_[header->units] = header;
  poison(payload, bytes - sizeof(BlockHeader));
}

void* PagePool::carve(std::uint32_t units) {
  const std::size_t bytes = std::size_t{units} * unit_bytes;
  Room* room = &room_;
  if (room->bytes() < bytes) {
    try {
      grow(bytes);
    } catch (const std::bad_alloc&) {
      if (!may_use_spare_ || spare_.bytes() < bytes) throw;
      room = &spare_;
      if (std::exchange(spare_is_new_, false)) bytes_reserved_ += options_.spare_bytes;
    }
  }
  void* block = room->at;
  unpoison(block, sizeof(BlockHeader));
  room->at += bytes;
  return block;
}

void PagePool::grow(std::size_t at_least) {
  const std::size_t bytes = std::max(slab_bytes_next_, at_least + unit_bytes);
  std::byte* base = map_slab(bytes);
  bytes_reserved_ += bytes;
  ++system_allocations_;
  // Headers stand at 32 modulo 64, so that payloads stand at 0.
  carve_from({base + sizeof(BlockHeader), base + bytes - (unit_bytes - sizeof(BlockHeader))});
  // Compared before it is converted: what a size cannot hold has no meaning as one.
  const double next = static_cast<double>(slab_bytes_next_) * options_.slab_growth;
  slab_bytes_next_ =
      next < static_cast<double>(options_.slab_bytes_max) ? static_cast<std::size_t>(next) : options_.slab_bytes_max;
}

std::byte* PagePool::map_slab(std::size_t bytes) {
  if (slabs_.size() == slabs_.capacity()) slabs_.reserve(slabs_.size() * 2);
  std::byte* base = map(bytes);
  slabs_.push_back({base, bytes});
  poison(base, bytes);
  return base;
}

// What is left of the old room becomes one free block of its size, so that nothing is lost.
void PagePool::carve_from(Room room) noexcept {
  const std::size_t rest_units = room_.bytes() / unit_bytes;
  if (rest_units != 0 && rest_units <= pooled_units_max) {
    unpoison(room_.at, sizeof(BlockHeader));
    auto* rest = reinterpret_cast<BlockHeader*>(room_.at);
    *rest = BlockHeader{.next = free_[rest_units], .units = static_cast<std::uint32_t>(rest_units)};
    free_[rest_units] = rest;
  }
  room_ = room;
}

void* PagePool::allocate_large(std::uint32_t units) {
  const std::size_t bytes = (std::size_t{units} + 1) * unit_bytes;
  std::byte* base = map(bytes);
  bytes_reserved_ += bytes;
  ++system_allocations_;
  return base + sizeof(BlockHeader);
}

}  // namespace stoa::memory
