// Content hashes: for equality of schemas, worlds and texts. Not checksums of files, and no defence against an
// attacker.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace stoa {

/// Low word first; equal on every platform.
using Hash128 = std::array<std::uint64_t, 2>;

[[nodiscard]] Hash128 hash128(std::span<const std::byte> bytes);
[[nodiscard]] std::uint64_t hash64(std::span<const std::byte> bytes, std::uint64_t seed = 0);

}  // namespace stoa
