// The target as libFuzzer calls it.
#include "fuzz/harness.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)stoa::fuzz::run({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
