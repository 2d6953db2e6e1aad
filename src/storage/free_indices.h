// The entity indices that nobody has: free to be given out again. It knows neither generations nor roots.
#pragma once

#include <stoa/detail/constants.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace stoa::storage {

/// Free indices lie by slot page, a bit for each, so that a page of the dead alone is noticed: such a page is complete,
/// and its indices are kept back until whoever folds it into one floor gives them again, as a run.
/// Threads: the writer only.
class FreeIndices {
 public:
  struct Run {
    std::uint32_t first;
    std::uint32_t end;
  };

  FreeIndices();

  /// Errors: throws std::bad_alloc; nothing is added then. Requires: the index is not here already.
  void add(std::uint32_t index);
  /// Of slots that are in no page. Errors: as add().
  void add_run(Run run);
  /// Which index comes is unspecified, but neighbours come together.
  [[nodiscard]] std::optional<std::uint32_t> take() noexcept;
  /// The number of a page that is complete.
  [[nodiscard]] std::optional<std::uint32_t> take_complete() noexcept;

  /// How many take() can give.
  [[nodiscard]] std::size_t count() const noexcept { return scattered_ + in_runs_; }
  /// How many of them are in pages.
  [[nodiscard]] std::size_t scattered() const noexcept { return scattered_; }

 private:
  static constexpr std::uint32_t page_size = 1U << detail::slot_page_bits;
  static constexpr std::uint32_t places_together = 1024;

  struct Page {
    std::uint32_t number = 0;
    std::uint32_t count = 0;
    std::uint64_t bits[(page_size + 63) / 64] = {};
  };

  Page& page_of(std::uint32_t number);
  /// Requires: page_of() has been asked for it.
  [[nodiscard]] std::uint32_t& place_of(std::uint32_t number) {
    return (*places_[number / places_together])[number % places_together];
  }
  void forget(std::size_t at) noexcept;

  std::vector<Page> pages_;  // with some indices but not all; the last is taken from
  // By page number: its place in pages_ + 1. Part by part, so that one index far from the others costs a part.
  std::vector<std::unique_ptr<std::array<std::uint32_t, places_together>>> places_;
  std::vector<std::uint32_t> complete_;
  std::vector<Run> runs_;
  std::size_t scattered_ = 0;
  std::size_t in_runs_ = 0;
};

}  // namespace stoa::storage
