// Texts by number and numbers by text: how keys and unique values are found. Not here: whose values they are.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

namespace stoa::cli {

/// A hash table that only grows. It copies the texts that it is given.
///
/// Lifetime: the texts it gives are valid as long as it lives, moved or not.
class TextIndex {
 public:
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

  /// The number of the text; a new text gets the next one, from 0. Requires: there are fewer than `none`.
  std::uint32_t add(std::string_view text);
  [[nodiscard]] std::uint32_t find(std::string_view text) const;  ///< none where it is not here
  [[nodiscard]] std::string_view text(std::uint32_t number) const { return entries_[number].text; }
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(entries_.size()); }

 private:
  struct Entry {
    std::string_view text;
    std::uint64_t hash;
  };

  /// The slot that has the text, or the empty one where it would be.
  [[nodiscard]] std::size_t find_slot(std::string_view text, std::uint64_t hash) const;
  void grow();
  std::string_view store(std::string_view text);

  std::vector<Entry> entries_;
  std::vector<std::uint32_t> slots_;  // open addressing, a power of two, at most half full; none is empty
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::size_t block_used_ = 0;
  std::size_t block_bytes_ = 0;
};

}  // namespace stoa::cli
