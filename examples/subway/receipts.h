// What a process was told that was committed, kept where it outlives the process: a file that is mapped into the memory
// of the one that writes and of the one that reads. It is no log: a machine that loses power loses it.
#pragma once

#include "world.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <utility>
#include <vector>

namespace subway {

struct Receipt {
  stoa::Version version = 0;
  Fare fare{};
};

class Receipts {
 public:
  static std::expected<Receipts, stoa::Error> create(const std::filesystem::path& file);
  static std::expected<Receipts, stoa::Error> open(const std::filesystem::path& file);
  Receipts(Receipts&& other) noexcept : slots_(std::exchange(other.slots_, nullptr)) {}
  Receipts& operator=(Receipts&& other) noexcept {
    std::swap(slots_, other.slots_);
    return *this;
  }
  ~Receipts();

  /// Dropped where the file is full.
  /// Threads: any, at once.
  void add(const Receipt& receipt);
  /// Those that were written whole.
  [[nodiscard]] std::vector<Receipt> read() const;
  [[nodiscard]] std::size_t count() const;

 private:
  struct Slots;
  explicit Receipts(Slots* slots) : slots_(slots) {}
  static std::expected<Receipts, stoa::Error> map(const std::filesystem::path& file, int flags);

  Slots* slots_;
};

}  // namespace subway
