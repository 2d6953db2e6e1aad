// Which archetypes match a query, remembered for all who ask: a walk over a world of ten thousand archetypes then looks
// at those that match alone, and at those that came since the last walk.
#pragma once

#include <stoa/detail/query.h>
#include <stoa/detail/world.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace stoa::detail {

/// The numbers of the archetypes that match one query, ascending; grows at its end only.
class MatchList {
 public:
  static constexpr std::size_t terms_max = 16;
  /// Dense tables, each twice its number, and one more where the query excludes it; ascending.
  struct Key {
    std::array<std::uint32_t, terms_max> terms{};
    std::size_t count = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };

  explicit MatchList(const Key& key) : key_(key) {}
  ~MatchList();
  MatchList(const MatchList&) = delete;
  MatchList& operator=(const MatchList&) = delete;

  /// How many numbers there are, and which archetype was the first not to be looked at.
  struct Extent {
    std::uint32_t count = 0;
    std::uint32_t examined = 0;
  };
  [[nodiscard]] Extent extent() const noexcept;
  /// Looks at the archetypes of `root` that nobody has looked at; not while another does, and not without memory.
  void extend(const Root& root) noexcept;

  /// Requires: below extent().count as it was at some time.
  [[nodiscard]] std::uint32_t at(std::uint32_t index) const noexcept {
    const std::uint32_t run = run_of(index);
    return runs_[run].load(std::memory_order_acquire)[index - first_of(run)];  // acquire: pairs with extend()
  }

 private:
  friend class MatchCache;
  static constexpr std::uint32_t run_bits = 3;  // the first run has 8 numbers, each further one twice as many
  [[nodiscard]] static std::uint32_t run_of(std::uint32_t index) noexcept {
    return static_cast<std::uint32_t>(std::bit_width((index >> run_bits) + 1)) - 1;
  }
  [[nodiscard]] static std::uint32_t first_of(std::uint32_t run) noexcept { return ((1U << run) - 1) << run_bits; }
  [[nodiscard]] bool matches(const StoreShape& shape) const noexcept;

  const Key key_;
  MatchList* next_ = nullptr;  // in its bucket
  std::atomic<std::uint64_t> extent_{0};
  std::atomic<bool> extending_{false};
  std::array<std::atomic<std::uint32_t*>, 32 - run_bits> runs_{};
};

/// The lists of one stretch of roots: from one in which archetypes were given up to the next such. In between
/// archetypes only come, so that what a list says holds for every root of the stretch that has the number.
///
/// Threads: any; lock-free.
class MatchCache {
 public:
  MatchCache() = default;
  ~MatchCache();
  MatchCache(const MatchCache&) = delete;
  MatchCache& operator=(const MatchCache&) = delete;

  /// The list for the dense terms of a query, extended to `root` if that can be; nullptr where there is none: with too
  /// many terms, too many lists, or without memory.
  [[nodiscard]] const MatchList* find(const Root& root, std::span<const Term> terms) noexcept;

 private:
  static constexpr std::size_t bucket_count = 64;
  static constexpr std::size_t lists_max = 1024;  // beyond it queries look at all archetypes

  std::array<std::atomic<MatchList*>, bucket_count> buckets_{};
  std::atomic<std::size_t> list_count_{0};
};

}  // namespace stoa::detail
