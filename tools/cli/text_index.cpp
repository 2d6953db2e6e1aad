#include "cli/text_index.h"

#include <algorithm>
#include <cassert>
#include <functional>

namespace stoa::cli {
namespace {

constexpr std::size_t slots_first = 64;
constexpr std::size_t block_bytes = std::size_t{256}
                                    << 10U;  // large enough that the system has it back when it is freed

}  // namespace

std::uint32_t TextIndex::add(std::string_view text) {
  if (entries_.size() * 2 >= slots_.size()) grow();
  const std::uint64_t hash = std::hash<std::string_view>{}(text);
  std::uint32_t& slot = slots_[find_slot(text, hash)];
  if (slot == none) {
    assert(entries_.size() < none);
    slot = size();
    entries_.push_back({store(text), hash});
  }
  return slot;
}

std::uint32_t TextIndex::find(std::string_view text) const {
  return slots_.empty() ? none : slots_[find_slot(text, std::hash<std::string_view>{}(text))];
}

std::size_t TextIndex::find_slot(std::string_view text, std::uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    if (slots_[at] == none) return at;
    const Entry& entry = entries_[slots_[at]];
    if (entry.hash == hash && entry.text == text) return at;
  }
}

void TextIndex::grow() {
  slots_.assign(std::max(slots_first, slots_.size() * 2), none);
  const std::size_t mask = slots_.size() - 1;
  for (std::uint32_t number = 0; number < size(); ++number) {
    std::size_t at = entries_[number].hash & mask;
    while (slots_[at] != none) at = (at + 1) & mask;
    slots_[at] = number;
  }
}

std::string_view TextIndex::store(std::string_view text) {
  if (block_bytes_ - block_used_ < text.size()) {
    block_bytes_ = std::max(block_bytes, text.size());
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(block_bytes_));
    block_used_ = 0;
  }
  if (text.empty()) return {};
  char* const to = blocks_.back().get() + block_used_;
  std::ranges::copy(text, to);
  block_used_ += text.size();
  return {to, text.size()};
}

}  // namespace stoa::cli
