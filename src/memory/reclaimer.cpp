#include "memory/reclaimer.h"

#include "base/count_alone.h"

#include <algorithm>
#include <new>

namespace stoa::memory {

void Reclaimer::retire(RetiredChain chain) noexcept {
  while (chain.head != nullptr) {
    BlockHeader* block = chain.head;
    chain.head = block->next;
    if (block->revived != 0) {
      unlist(*block);
      continue;
    }
    count(*block, 1);
    bytes_fresh_ += PagePool::block_bytes(payload_of(block));
    fresh_.push(block);
  }
}

void Reclaimer::count(const BlockHeader& block, std::ptrdiff_t sign) noexcept {
  const std::size_t bytes = PagePool::block_bytes(&block + 1) * static_cast<std::size_t>(sign);
  bytes_held_ += bytes;
  count_alone(held_by_account_[block.rows_sealed], bytes);
}

void Reclaimer::reclaim(const PinSet& pins) noexcept {
  try {
    // All that place() will ask for, as long as no block is off its list: a bucket for a pin at most.
    buckets_.reserve(buckets_.size() + pins.exact.size());
  } catch (const std::bad_alloc&) {
    return;
  }
  if (pins.pinning_from != pinning_from_) {
    pinning_from_ = pins.pinning_from;
    place(std::exchange(pinning_, {}), pins);
  }
  place(std::exchange(fresh_, {}), pins);
  bytes_fresh_ = 0;
  RetiredChain released;
  PinPass pass(pins);
  std::erase_if(buckets_, [&](Bucket& held) {
    if (pass.pins(held.pin)) return false;
    while (held.blocks.head != nullptr) {
      BlockHeader* block = held.blocks.head;
      held.blocks.head = block->next;
      released.push(block);
    }
    return true;
  });
  place(released, pins);
}

void Reclaimer::place(RetiredChain chain, const PinSet& pins) noexcept {
  while (chain.head != nullptr) {
    BlockHeader* block = chain.head;
    chain.head = block->next;
    if (block->revived != 0) {
      count(*block, -1);
      unlist(*block);
      continue;
    }
    const std::uint64_t pin = pins.greatest_below(block->retire);
    if (pins.pinning_from < block->retire) {
      pinning_.push(block);
    } else if (pin != 0 && block->birth <= pin) {
      bucket(pin).push(block);
    } else {
      count(*block, -1);
      pool_.release(payload_of(block));
    }
  }
}

// A restore took it back.
void Reclaimer::unlist(BlockHeader& block) noexcept {
  block.listed = 0;
  block.revived = 0;
}

RetiredChain& Reclaimer::bucket(std::uint64_t pin) noexcept {
  auto at = std::lower_bound(buckets_.begin(), buckets_.end(), pin,
                             [](const Bucket& bucket, std::uint64_t value) { return bucket.pin < value; });
  if (at == buckets_.end() || at->pin != pin) at = buckets_.insert(at, {pin, {}});
  return at->blocks;
}

}  // namespace stoa::memory
