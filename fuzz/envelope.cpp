#include "fuzz/envelope.h"

#include "base/crc32c.h"
#include "base/little_endian.h"
#include "fuzz/harness.h"
#include "fuzz/world.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace stoa::fuzz {
namespace {

constexpr std::size_t crc_offset = 6;
constexpr std::size_t history_offset = 10;
constexpr std::size_t history_bytes = 16;
constexpr std::size_t schema_offset = 26;
constexpr std::size_t schema_bytes = 8;
constexpr std::array<std::uint64_t, 2> history{0x73746F61, 0x66757A7A};
constexpr std::size_t head_bytes = schema_offset + schema_bytes;

}  // namespace

void blank_envelope(std::vector<std::byte>& delta) {
  if (delta.size() < head_bytes) return;
  std::fill(delta.begin() + crc_offset, delta.begin() + head_bytes, std::byte{});
}

void mend_envelope(std::vector<std::byte>& delta) {
  if (delta.size() < head_bytes) return;
  const std::span<std::byte> bytes(delta);
  fill_if_zero(bytes.subspan(history_offset, history_bytes), std::as_bytes(std::span(history)));
  fill_if_zero(bytes.subspan(schema_offset, schema_bytes), std::as_bytes(std::span(compiled()->hash()).first(1)));
  store_little_endian(delta.data() + crc_offset,
                      crc32c(bytes.subspan(history_offset), crc32c(bytes.first(crc_offset))));
}

}  // namespace stoa::fuzz
