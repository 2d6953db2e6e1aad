#include "receipts.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

namespace subway {

/// As mapped; a new file is all zero, and so are its counters.
struct Receipts::Slots {
  struct Slot {
    std::atomic<std::uint32_t> whole;
    Receipt receipt;
  };
  std::atomic<std::uint64_t> taken;
  std::array<Slot, 1 << 20U> slots;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "shared by processes");

std::expected<Receipts, stoa::Error> Receipts::create(const std::filesystem::path& file) {
  return map(file, O_RDWR | O_CREAT | O_TRUNC);
}

std::expected<Receipts, stoa::Error> Receipts::open(const std::filesystem::path& file) { return map(file, O_RDWR); }

std::expected<Receipts, stoa::Error> Receipts::map(const std::filesystem::path& file, int flags) {
  const auto failed = [&file] {
    return std::unexpected(stoa::Error(stoa::ErrorCode::io, file.string() + ": " + std::strerror(errno)));
  };
  const int descriptor = ::open(file.c_str(), flags, 0644);
  if (descriptor < 0) return failed();
  void* memory = MAP_FAILED;
  if (::ftruncate(descriptor, sizeof(Slots)) == 0) {
    memory = ::mmap(nullptr, sizeof(Slots), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  }
  const int error = errno;
  ::close(descriptor);
  errno = error;
  if (memory == MAP_FAILED) return failed();
  return Receipts(static_cast<Slots*>(memory));
}

Receipts::~Receipts() {
  if (slots_ != nullptr) ::munmap(slots_, sizeof(Slots));
}

void Receipts::add(const Receipt& receipt) {
  // relaxed: it only gives out slots
  const std::uint64_t place = slots_->taken.fetch_add(1, std::memory_order_relaxed);
  if (place >= slots_->slots.size()) return;
  Slots::Slot& slot = slots_->slots[place];
  slot.receipt = receipt;
  slot.whole.store(1, std::memory_order_release);  // pairs with the acquire in read(): the receipt is written
}

std::vector<Receipt> Receipts::read() const {
  std::vector<Receipt> out;
  const std::size_t taken = count();
  for (std::size_t place = 0; place < taken; ++place) {
    const Slots::Slot& slot = slots_->slots[place];
    // acquire: pairs with the release in add(); a slot that its thread did not finish is left out
    if (slot.whole.load(std::memory_order_acquire) != 0) out.push_back(slot.receipt);
  }
  return out;
}

std::size_t Receipts::count() const {
  // relaxed: read() asks each slot itself
  return std::min<std::size_t>(slots_->taken.load(std::memory_order_relaxed), slots_->slots.size());
}

}  // namespace subway
