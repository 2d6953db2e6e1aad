// The fields of log segments that no fuzzer guesses, by their places in docs/format.md.
#pragma once

#include "wal/format.h"

#include <cstddef>
#include <span>
#include <vector>

namespace stoa::fuzz {

/// An input is the segments of a log, one after the other: each begins where the magic of one stands.
[[nodiscard]] std::vector<std::vector<std::byte>> split_segments(std::span<const std::byte> input);

/// Puts zeros in their place, for an input.
void blank_segment(std::vector<std::byte>& segment);
/// Fills in identity, number, salts and the chain where they are zeros, and the checksums whatever they are.
/// `previous_crc` is of the segment before; returns that of this one.
std::uint32_t mend_segment(std::vector<std::byte>& segment, std::uint64_t number, std::uint32_t previous_crc);

/// What mend_segment() fills in.
[[nodiscard]] wal::Identity log_identity();

}  // namespace stoa::fuzz
