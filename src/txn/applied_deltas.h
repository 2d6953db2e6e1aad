// The newest deltas that a replica has applied, by a hash of their bodies: what tells one that came twice from another
// of the same versions.
#pragma once

#include <stoa/entity.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace stoa::txn {

class AppliedDeltas {
 public:
  static constexpr std::size_t count_max = 65'536;

  /// Room for the next add(). Errors: throws std::bad_alloc.
  void make_room();
  /// A body as delta::replicated_body() has it; in place of the oldest where there are count_max. Requires:
  /// make_room().
  void add(Version from, Version to, std::span<const std::byte> body) noexcept;
  /// Whether another body than this is known of these versions.
  [[nodiscard]] bool has_other(Version from, Version to, std::span<const std::byte> body) const noexcept;
  void clear() noexcept;

 private:
  struct Applied {
    Version from;
    Version to;
    std::uint64_t content;
  };

  std::vector<Applied> newest_;  // a ring once it is full
  std::size_t oldest_ = 0;
};

}  // namespace stoa::txn
