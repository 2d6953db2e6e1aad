// The pool's part that empties slabs and gives them back to the system.
#include "memory/page_pool.h"
#include "memory/poison.h"

#include <sys/mman.h>

#include <algorithm>
#include <span>

namespace stoa::memory {
namespace {

// Of what a new slab is to take: block sizes that do not fill it.
constexpr std::size_t slack_share = 16;
// At least this part of what leaves must be gained, or the same blocks would go to and fro.
constexpr std::size_t gain_share = 4;

// A whole number of the system's pages.
constexpr std::size_t given_back_together = std::size_t{4} << 20U;

}  // namespace

bool PagePool::survey_some(std::size_t& blocks) noexcept {
  for (; surveyed_ < slabs_.size(); ++surveyed_) {
    Slab& slab = slabs_[surveyed_];
    if (!slab.contains(survey_at_)) {
      survey_at_ = slab.first();
      survey_in_use_ = 0;
    }
    for (; survey_at_ < slab.end(); survey_at_ = Slab::after(survey_at_)) {
      if (blocks == 0) return false;
      --blocks;
      if (!FreeBlocks::is_free(*survey_at_)) survey_in_use_ += Slab::bytes_of(*survey_at_);
    }
    slab.bytes_in_use = survey_in_use_;
    survey_at_ = nullptr;
  }
  surveyed_ = 0;
  return true;
}

bool PagePool::may_leave(std::size_t slab) const noexcept {
  return slab != spare_.slab && slabs_[slab].bytes_in_use <= slabs_[slab].bytes / 2;
}

// What the slabs that may leave have in use comes into what is free of the others, and then into a new one, of the size
// that is answered; nothing where that gains too little.
std::optional<std::size_t> PagePool::next_slab_bytes_after_leaving() const noexcept {
  std::size_t leaving = 0;
  std::size_t leaving_in_use = 0;
  std::size_t staying = 0;
  std::size_t staying_free = 0;
  for (std::size_t i = 0; i != slabs_.size(); ++i) {
    if (i == spare_.slab) continue;
    const Slab& slab = slabs_[i];
    (may_leave(i) ? leaving : staying) += slab.bytes;
    if (may_leave(i)) {
      leaving_in_use += slab.bytes_in_use;
    } else {
      staying_free += slab.bytes - slab.bytes_in_use;
    }
  }
  const std::size_t homeless = leaving_in_use - std::min(leaving_in_use, staying_free);
  const std::size_t wanted = homeless == 0 ? 0 : std::max(homeless + homeless / slack_share, options_.slab_bytes_first);
  if (wanted + leaving / gain_share >= leaving) return std::nullopt;
  if (homeless != 0) return std::clamp(wanted, options_.slab_bytes_first, options_.slab_bytes_max);
  // There is room, if it is of the right sizes. Otherwise as if slabs had grown to what stays, and no further.
  const double grown = static_cast<double>(staying) * (options_.slab_growth - 1);
  const auto usual = static_cast<std::size_t>(std::min(grown, static_cast<double>(options_.slab_bytes_max)));
  return std::max(std::min(usual, leaving_in_use), options_.slab_bytes_first);
}

bool PagePool::evacuate() {
  while (!large_kept_.empty()) {
    large_bytes_kept_ -= Slab::bytes_of(*large_kept_.back());
    unmap_large(large_kept_.back());
    large_kept_.pop_back();
  }
  const auto next = next_slab_bytes_after_leaving();
  if (!next) return false;
  leaving_.reserve(slabs_.size());
  slab_bytes_next_ = std::min(*next, options_.slab_bytes_max);
  released_ = bytes_reserved_;  // so that free blocks are merged before another slab is taken
  for (std::size_t i = slabs_.size(); i-- != 0;) {
    if (may_leave(i)) let_leave(i);
  }
  surveyed_ = 0;
  survey_at_ = nullptr;
  return true;
}

// The last slab takes its number.
void PagePool::let_leave(std::size_t slab) noexcept {
  if (room_.slab == slab) room_ = {};
  leaving_.add(slabs_[slab]);
  const std::size_t last = slabs_.size() - 1;
  slabs_[slab] = slabs_[last];
  slabs_.pop_back();
  for (Room* room : {&room_, &spare_}) {
    if (room->slab == last) room->slab = slab;
  }
  merged_next_ = 0;
}

bool PagePool::close_some(std::size_t& blocks) noexcept { return leaving_.close_some(free_, blocks); }

bool PagePool::give_back_some() noexcept {
  const std::span<std::byte> gone = leaving_.take_empty(given_back_together);
  if (gone.empty()) return false;
  bytes_reserved_ -= gone.size();
  bytes_given_back_ += gone.size();
  unpoison(gone.data(), gone.size());
  ::munmap(gone.data(), gone.size());
  return is_to_give_back();
}

void PagePool::end_evacuation() noexcept {
  while (give_back_some()) {
  }
  while (const auto slab = leaving_.take_open(free_)) {
    slabs_.push_back(*slab);
    Room rest = room_of(slabs_.size() - 1);
    free_rest(rest);
  }
}

void PagePool::unmap_slab(const Slab& slab) noexcept {
  unpoison(slab.base, slab.bytes);
  ::munmap(slab.base, slab.bytes);
}

}  // namespace stoa::memory
