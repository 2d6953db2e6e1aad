#include "storage/match_cache.h"

#include <algorithm>
#include <new>
#include <optional>

namespace stoa::detail {
namespace {

std::optional<MatchList::Key> key_of(const WorldInfo& world, std::span<const Term> terms) noexcept {
  MatchList::Key out;
  for (const Term& term : terms) {
    const bool sparse = world.tables[to_index(term.table)].sparse != WorldInfo::dense;
    if (sparse || term.need == Term::Need::maybe) continue;
    if (out.count == out.terms.size()) return std::nullopt;
    out.terms[out.count++] =
        static_cast<std::uint32_t>(to_index(term.table)) * 2 + (term.need == Term::Need::without ? 1 : 0);
  }
  std::sort(out.terms.begin(), out.terms.begin() + static_cast<std::ptrdiff_t>(out.count));
  return out;
}

std::size_t hash_of(const MatchList::Key& key) noexcept {
  std::uint64_t out = key.count;
  for (std::size_t i = 0; i < key.count; ++i) out = (out ^ key.terms[i]) * 0x9E37'79B9'7F4A'7C15U;
  return static_cast<std::size_t>(out >> 32U);
}

constexpr std::uint64_t packed(MatchList::Extent extent) noexcept {
  return std::uint64_t{extent.examined} << 32U | extent.count;
}

}  // namespace

MatchList::~MatchList() {
  // relaxed: whoever destroys it is alone with it.
  for (std::atomic<std::uint32_t*>& run : runs_) delete[] run.load(std::memory_order_relaxed);
}

MatchList::Extent MatchList::extent() const noexcept {
  // acquire: pairs with the release in extend(); the numbers below the count are there.
  const std::uint64_t bits = extent_.load(std::memory_order_acquire);
  return {.count = static_cast<std::uint32_t>(bits), .examined = static_cast<std::uint32_t>(bits >> 32U)};
}

bool MatchList::matches(const StoreShape& shape) const noexcept {
  return std::all_of(
      key_.terms.begin(), key_.terms.begin() + static_cast<std::ptrdiff_t>(key_.count),
      [&](std::uint32_t term) { return shape.has(TableId{static_cast<std::uint16_t>(term / 2)}) == (term % 2 == 0); });
}

void MatchList::extend(const Root& root) noexcept {
  if (extent().examined >= root.archetypes_accepted) return;
  // acquire: pairs with the release below; what the one before appended is seen.
  if (extending_.exchange(true, std::memory_order_acquire)) return;
  Extent now = extent();
  std::uint32_t number = now.examined;
  for (const ChunkStore* store; (store = next_archetype(root, number)) != nullptr; ++number) {
    if (number >= root.archetypes_accepted) break;
    if (!matches(*store->shape)) continue;
    const std::uint32_t run = run_of(now.count);
    std::uint32_t* numbers = runs_[run].load(std::memory_order_relaxed);  // relaxed: only the extender stores it
    if (numbers == nullptr) {
      numbers = new (std::nothrow) std::uint32_t[std::size_t{1} << (run + run_bits)];
      if (numbers == nullptr) break;
      runs_[run].store(numbers, std::memory_order_release);  // release: pairs with at()
    }
    numbers[now.count - first_of(run)] = number;
    ++now.count;
  }
  now.examined = std::max(now.examined, std::min(number, root.archetypes_accepted));
  extent_.store(packed(now), std::memory_order_release);  // release: pairs with extent()
  extending_.store(false, std::memory_order_release);     // release: pairs with the exchange above
}

MatchCache::~MatchCache() {
  for (std::atomic<MatchList*>& bucket : buckets_) {
    // relaxed: whoever destroys it is alone with it.
    MatchList* list = bucket.load(std::memory_order_relaxed);
    while (list != nullptr) delete std::exchange(list, list->next_);
  }
}

const MatchList* MatchCache::find(const Root& root, std::span<const Term> terms) noexcept {
  const std::optional<MatchList::Key> key = key_of(*root.world, terms);
  if (!key) return nullptr;
  std::atomic<MatchList*>& bucket = buckets_[hash_of(*key) % bucket_count];
  MatchList* made = nullptr;
  // acquire: pairs with the exchange below; the list is whole.
  MatchList* first = bucket.load(std::memory_order_acquire);
  const MatchList* searched_to = nullptr;
  for (;;) {
    for (MatchList* list = first; list != searched_to; list = list->next_) {
      if (list->key_ != *key) continue;
      delete made;
      list->extend(root);
      return list;
    }
    searched_to = first;
    if (made == nullptr) {
      // relaxed: a bound that a few may pass together.
      if (list_count_.load(std::memory_order_relaxed) >= lists_max) return nullptr;
      made = new (std::nothrow) MatchList(*key);
      if (made == nullptr) return nullptr;
    }
    made->next_ = first;
    // acq_rel: release makes the list whole for who finds it; acquire as above where another came first.
    if (bucket.compare_exchange_weak(first, made, std::memory_order_acq_rel, std::memory_order_acquire)) break;
  }
  list_count_.fetch_add(1, std::memory_order_relaxed);  // relaxed: as above
  made->extend(root);
  return made;
}

}  // namespace stoa::detail
