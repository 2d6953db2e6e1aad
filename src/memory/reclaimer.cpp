#include "memory/reclaimer.h"

#include "base/count_alone.h"

#include <algorithm>
#include <new>

namespace stoa::memory {

void Reclaimer::hold(BlockHeader* block, RetiredChain& list) noexcept {
  count(*block, 1);
  list.push(block);
}

void Reclaimer::let_go(RetiredChain list, RetiredChain& into) noexcept {
  while (BlockHeader* block = list.pop()) {
    count(*block, -1);
    into.push(block);
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
  RetiredChain released = std::exchange(fresh_, {});
  if (pins.pinning_from != pinning_from_) {
    pinning_from_ = pins.pinning_from;
    let_go(std::exchange(pinning_, {}), released);
  }
  PinPass pass(pins);
  std::erase_if(buckets_, [&](Bucket& held) {
    if (pass.pins(held.pin)) return false;
    let_go(held.blocks, released);
    return true;
  });
  place(released, pins);
}

// The last one first, so that those that were let go one after the other are given out again in that order.
void Reclaimer::place(RetiredChain chain, const PinSet& pins) noexcept {
  while (BlockHeader* block = chain.pop()) {
    if (block->revived != 0) {
      unlist(*block);
      continue;
    }
    const std::uint64_t pin = pins.greatest_below(block->retire);
    if (pins.pinning_from < block->retire) {
      hold(block, pinning_);
    } else if (pin != 0 && block->birth <= pin) {
      hold(block, bucket(pin));
    } else {
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
