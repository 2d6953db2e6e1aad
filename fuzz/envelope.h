// The fields of an encoded delta that no fuzzer guesses, by their places in docs/format.md.
#pragma once

#include <cstddef>
#include <vector>

namespace stoa::fuzz {

/// Puts zeros in their place, for an input. Nothing happens to bytes that are too few.
void blank_envelope(std::vector<std::byte>& delta);
/// Fills in the schema and the history where they are zeros, and the checksum whatever it is.
void mend_envelope(std::vector<std::byte>& delta);

}  // namespace stoa::fuzz
