// What stoa's way with pages costs by itself: the least that a store does which never writes over what a reader may
// see.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace bench {

/// Pages of one kind, each copied once in a batch in which it is written to, over what the batch before replaced. They
/// lie in huge pages of the system's, as stoa's do. Errors: throws std::bad_alloc.
class CopiedPages {
 public:
  CopiedPages(std::size_t count, std::size_t page_bytes, std::size_t batch) : bytes_(page_bytes), copied_in_(count) {
    const std::size_t pages = count + std::min(count, batch);
    const std::size_t bytes = (pages * page_bytes + huge_bytes - 1) / huge_bytes * huge_bytes;
    memory_.reset(static_cast<std::byte*>(std::aligned_alloc(huge_bytes, bytes)));
    if (memory_ == nullptr) throw std::bad_alloc();
    (void)::madvise(memory_.get(), bytes, MADV_HUGEPAGE);
    std::memset(memory_.get(), 0, bytes);
    for (std::size_t page = 0; page != pages; ++page) {
      (page < count ? pages_ : free_).push_back(memory_.get() + page * page_bytes);
    }
  }
  /// The page, to be written to.
  std::byte* edit(std::size_t page) {
    if (copied_in_[page] != batch_) {
      copied_in_[page] = batch_;
      std::byte* copy = free_.back();
      free_.pop_back();
      std::memcpy(copy, pages_[page], bytes_);
      replaced_.push_back(std::exchange(pages_[page], copy));
    }
    return pages_[page];
  }
  void end_batch() {
    free_.insert(free_.end(), replaced_.rbegin(), replaced_.rend());  // as they lie in memory: that is faster
    replaced_.clear();
    ++batch_;
  }
  [[nodiscard]] const std::byte* at(std::size_t page) const { return pages_[page]; }

 private:
  static constexpr std::size_t huge_bytes = std::size_t{2} << 20U;
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };

  std::size_t bytes_;
  std::unique_ptr<std::byte[], Free> memory_;
  std::vector<std::uint32_t> copied_in_;  // by page: the last batch
  std::vector<std::byte*> pages_;
  std::vector<std::byte*> free_;
  std::vector<std::byte*> replaced_;
  std::uint32_t batch_ = 1;
};

}  // namespace bench
