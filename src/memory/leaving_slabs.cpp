#include "memory/leaving_slabs.h"

#include <algorithm>
#include <utility>

namespace stoa::memory {

const LeavingSlabs::Leaving* LeavingSlabs::find(const void* at) const noexcept {
  const auto above = std::ranges::upper_bound(slabs_, static_cast<const std::byte*>(at), {},
                                              [](const Leaving& leaving) { return leaving.slab.base; });
  if (above == slabs_.begin()) return nullptr;
  const Leaving& below = *std::prev(above);
  return below.slab.contains(at) ? &below : nullptr;
}

std::size_t LeavingSlabs::bytes_free() const noexcept {
  std::size_t out = 0;
  for (const Leaving& leaving : slabs_) out += leaving.slab.bytes - leaving.slab.bytes_in_use;
  return out;
}

void LeavingSlabs::add(const Slab& slab) noexcept {
  const auto at = std::ranges::upper_bound(slabs_, slab.base, {}, [](const Leaving& one) { return one.slab.base; });
  const auto added = slabs_.insert(at, {slab, slab.first()});
  added->slab.bytes_in_use = 0;
}

bool LeavingSlabs::close_some(FreeBlocks& free, std::size_t& blocks) noexcept {
  for (Leaving& leaving : slabs_) {
    for (; leaving.closed < leaving.slab.end(); leaving.closed = Slab::after(leaving.closed)) {
      if (blocks == 0) return false;
      --blocks;
      if (FreeBlocks::is_free(*leaving.closed)) {
        free.set_aside(*leaving.closed);
      } else {
        leaving.slab.bytes_in_use += Slab::bytes_of(*leaving.closed);
      }
    }
  }
  any_empty_ = std::ranges::any_of(slabs_, is_empty);
  return true;
}

bool LeavingSlabs::keep_out(BlockHeader& block) noexcept {
  auto* leaving = const_cast<Leaving*>(find(&block));
  if (leaving == nullptr || &block >= leaving->closed) return false;
  leaving->slab.bytes_in_use -= Slab::bytes_of(block);
  FreeBlocks::mark_free(block);
  any_empty_ = any_empty_ || is_empty(*leaving);
  return true;
}

std::span<std::byte> LeavingSlabs::take_empty(std::size_t bytes) noexcept {
  const auto at = std::ranges::find_if(slabs_, is_empty);
  if (at == slabs_.end()) return {};
  Slab& slab = at->slab;
  const std::size_t left = (slab.bytes - 1) / bytes * bytes;
  const std::span<std::byte> out(slab.base + left, slab.bytes - left);
  slab.bytes = left;
  if (slab.bytes == 0) {
    slabs_.erase(at);
    any_empty_ = std::ranges::any_of(slabs_, is_empty);
  }
  return out;
}

std::optional<Slab> LeavingSlabs::take_open(FreeBlocks& free) noexcept {
  if (slabs_.empty()) return std::nullopt;
  const Leaving out = slabs_.back();
  slabs_.pop_back();
  for (BlockHeader* block = out.slab.first(); block < out.closed; block = Slab::after(block)) {
    if (FreeBlocks::is_free(*block)) free.push(*block);
  }
  return out.slab;
}

}  // namespace stoa::memory
