// Gives retired blocks back to the pool once no pin can reach them.
#pragma once

#include "memory/page_writer.h"
#include "memory/pins.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace stoa::memory {

/// A block with birth b and retirement t is held by a pin p where b <= p < t, and by a pin under way from e where e <
/// t. Held blocks lie in the bucket of the greatest pin that holds them, so that a commit looks only at what it retired
/// itself and at the buckets whose pin went; one stalled reader costs nothing per commit.
///
/// A restore takes blocks back that a pin holds: they are marked, and leave their list when it is gone through next.
///
/// Relies on: a new exact pin is never below the newest published root, so a block that no pin holds is never held
/// again. Threads: the writer only.
class Reclaimer {
 public:
  /// Accounts are below `accounts`.
  Reclaimer(PagePool& pool, std::size_t accounts)
      : pool_(pool), held_by_account_(std::make_unique<std::atomic<std::size_t>[]>(accounts)) {}

  /// Takes over what a published root retired. Nothing is freed before the next reclaim().
  void retire(RetiredChain chain) noexcept { fresh_.push_all(chain); }

  /// Frees what `pins`, collected after the newest root was published, no longer hold.
  /// Where memory for its own lists runs out it frees nothing and loses nothing: the next call catches up.
  void reclaim(const PinSet& pins) noexcept;

  /// Retired, and not looked at yet by a reclaim().
  [[nodiscard]] std::size_t bytes_fresh() const noexcept { return fresh_.bytes; }
  /// Retired, and kept for a pin when reclaim() looked last.
  [[nodiscard]] std::size_t bytes_held() const noexcept { return bytes_held_; }
  /// Of these, what is told under the account. Threads: any.
  [[nodiscard]] std::size_t bytes_held(Account account) const noexcept {
    return held_by_account_[account].load(std::memory_order_relaxed);  // relaxed: statistics
  }

 private:
  struct Bucket {
    std::uint64_t pin;
    RetiredChain blocks;
  };

  void place(RetiredChain chain, const PinSet& pins) noexcept;
  RetiredChain& bucket(std::uint64_t pin) noexcept;
  void hold(BlockHeader* block, RetiredChain& list) noexcept;
  void let_go(RetiredChain list, RetiredChain& into) noexcept;
  static void unlist(BlockHeader& block) noexcept;
  void count(const BlockHeader& block, std::ptrdiff_t sign) noexcept;

  PagePool& pool_;
  RetiredChain fresh_;    // retired since the last reclaim()
  RetiredChain pinning_;  // held by the pin under way from pinning_from_; a stalled one costs nothing per commit either
  std::uint64_t pinning_from_ = ~std::uint64_t{0};
  std::vector<Bucket> buckets_;  // ascending by pin
  std::size_t bytes_held_ = 0;
  std::unique_ptr<std::atomic<std::size_t>[]> held_by_account_;  // written by the writer alone
};

}  // namespace stoa::memory
