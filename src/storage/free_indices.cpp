#include "storage/free_indices.h"

#include <algorithm>
#include <bit>

namespace stoa::storage {
namespace {

// Doubles, so that a list's elements cost the same however many there are.
template <typename Element>
void reserve_one(std::vector<Element>& list) {
  constexpr std::size_t first = 16;
  if (list.size() == list.capacity()) list.reserve(std::max(first, 2 * list.size()));
}

}  // namespace

// Room enough that a small world never asks for more.
FreeIndices::FreeIndices() {
  constexpr std::size_t first = 64;
  pages_.reserve(first);
  places_.reserve(first);
  complete_.reserve(first);
  runs_.reserve(first);
}

void FreeIndices::add(std::uint32_t index) {
  reserve_one(complete_);
  Page& page = page_of(index / page_size);
  const std::uint32_t at = index % page_size;
  page.bits[at / 64] |= std::uint64_t{1} << (at % 64);
  ++page.count;
  ++scattered_;
  if (page.count != page_size) return;
  complete_.push_back(page.number);
  scattered_ -= page_size;
  forget(place_of(page.number) - 1);
}

void FreeIndices::add_run(Run run) {
  if (run.first == run.end) return;
  if (!runs_.empty() && runs_.back().end == run.first) {
    runs_.back().end = run.end;
  } else if (!runs_.empty() && runs_.back().first == run.end) {
    runs_.back().first = run.first;
  } else {
    runs_.push_back(run);
  }
  in_runs_ += run.end - run.first;
}

std::optional<std::uint32_t> FreeIndices::take() noexcept {
  if (!pages_.empty()) {
    Page& page = pages_.back();
    std::uint32_t word = 0;
    while (page.bits[word] == 0) ++word;
    const std::uint32_t index = page.number * page_size + word * 64 + std::countr_zero(page.bits[word]);
    page.bits[word] &= page.bits[word] - 1;
    --scattered_;
    if (--page.count == 0) forget(pages_.size() - 1);
    return index;
  }
  if (runs_.empty()) return std::nullopt;
  Run& run = runs_.back();
  const std::uint32_t index = run.first++;
  --in_runs_;
  if (run.first == run.end) runs_.pop_back();
  return index;
}

std::optional<std::uint32_t> FreeIndices::take_complete() noexcept {
  if (complete_.empty()) return std::nullopt;
  const std::uint32_t number = complete_.back();
  complete_.pop_back();
  return number;
}

FreeIndices::Page& FreeIndices::page_of(std::uint32_t number) {
  const std::size_t part = number / places_together;
  if (part >= places_.size()) places_.resize(std::max(part + 1, 2 * places_.size()));
  if (places_[part] == nullptr) places_[part] = std::make_unique<std::array<std::uint32_t, places_together>>();
  std::uint32_t& place = place_of(number);
  if (place == 0) {
    pages_.push_back({.number = number});
    place = static_cast<std::uint32_t>(pages_.size());
  }
  return pages_[place - 1];
}

void FreeIndices::forget(std::size_t at) noexcept {
  place_of(pages_[at].number) = 0;
  if (at + 1 != pages_.size()) {
    pages_[at] = pages_.back();
    place_of(pages_[at].number) = static_cast<std::uint32_t>(at + 1);
  }
  pages_.pop_back();
}

}  // namespace stoa::storage
