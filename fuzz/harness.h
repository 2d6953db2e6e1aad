// What the fuzz targets have in common. A target is one file that defines fuzz::run(); libfuzzer.cpp and
// corpus_test.cpp are the two programs that call it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace stoa::fuzz {

/// How far an input came. A corpus of which none is taken any more has lost its worth, and the test of it fails.
enum class Reached : std::uint8_t {
  refused,  ///< it is none of what the target reads
  read,     ///< it is one, and was not taken
  taken,
};
inline constexpr std::size_t reached_count = 3;

/// Runs the target on one input. What must hold and does not ends the process; so do a sanitizer and an exception.
/// The same input gives the same answer, whatever ran before.
/// Threads: one.
[[nodiscard]] Reached run(std::span<const std::byte> input);

/// Ends the process, saying what does not hold.
void require(bool holds, std::string_view what);

/// Zeros in a field of an input stand for what would be right there, such as a checksum: a fuzzer does not guess it,
/// and all other bytes stay what they are, to be refused. Inputs so outlive a change of the schema.
void fill_if_zero(std::span<std::byte> field, std::span<const std::byte> right);

}  // namespace stoa::fuzz
