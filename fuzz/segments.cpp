#include "fuzz/segments.h"

#include "base/crc32c.h"
#include "base/little_endian.h"
#include "delta/run.h"
#include "fuzz/harness.h"
#include "fuzz/world.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace stoa::fuzz {
namespace {

struct Field {
  std::size_t offset;
  std::size_t bytes;
};
constexpr Field database_id{16, 16};
constexpr Field history_id{32, 16};
constexpr Field schema_hash{48, 16};
constexpr Field previous_segment{68, 4};
constexpr Field segment_number{72, 8};
constexpr Field segment_salt{88, 8};
constexpr Field segment_crc{124, 4};
constexpr Field frame_salt{40, 8};
constexpr Field previous_frame{48, 4};
constexpr Field frame_crc{52, 4};
constexpr std::size_t payload_bytes_offset = 8;

constexpr std::array<std::byte, 8> segment_magic{std::byte{0xF7}, std::byte{'s'}, std::byte{'t'}, std::byte{'o'},
                                                 std::byte{'a'},  std::byte{'w'}, std::byte{'a'}, std::byte{'l'}};

std::span<std::byte> at(std::span<std::byte> bytes, Field field) { return bytes.subspan(field.offset, field.bytes); }

template <typename T>
void fill_if_zero(std::span<std::byte> bytes, Field field, const T& right) {
  static_assert(sizeof(T) == 16 || sizeof(T) == 8 || sizeof(T) == 4);
  fuzz::fill_if_zero(at(bytes, field), std::as_bytes(std::span(&right, 1)));
}

// The frames of a segment, whole ones and those that are cut off, wherever their magic stands behind what was no frame.
// Calls function(frame, whole).
template <typename Function>
void each_frame(std::span<std::byte> segment, Function&& function) {
  std::span<std::byte> rest = segment.subspan(std::min(segment.size(), wal::segment_header_bytes));
  while (true) {
    rest = rest.subspan(static_cast<std::size_t>(std::ranges::search(rest, wal::frame_magic).begin() - rest.begin()));
    if (rest.size() < wal::frame_header_bytes) return;
    const auto payload = load_little_endian<std::uint64_t>(rest.data() + payload_bytes_offset);
    const bool whole = payload <= rest.size() - wal::frame_header_bytes;
    const std::size_t bytes = wal::frame_header_bytes + (whole ? static_cast<std::size_t>(payload) : 0);
    function(rest.first(bytes), whole);
    rest = rest.subspan(bytes);
  }
}

}  // namespace

std::vector<std::vector<std::byte>> split_segments(std::span<const std::byte> input) {
  std::vector<std::vector<std::byte>> out;
  while (!input.empty()) {
    const auto next = std::ranges::search(input.subspan(1), segment_magic).begin() - input.begin();
    out.emplace_back(input.begin(), input.begin() + next);
    input = input.subspan(static_cast<std::size_t>(next));
  }
  return out;
}

void blank_segment(std::vector<std::byte>& segment) {
  const auto blank = [](std::span<std::byte> bytes, Field field) { std::ranges::fill(at(bytes, field), std::byte{}); };
  for (Field field :
       {database_id, history_id, schema_hash, previous_segment, segment_number, segment_salt, segment_crc}) {
    blank(segment, field);
  }
  each_frame(segment, [&](std::span<std::byte> frame, bool) {
    for (Field field : {frame_salt, previous_frame, frame_crc}) blank(frame, field);
  });
}

std::uint32_t mend_segment(std::vector<std::byte>& segment, std::uint64_t number, std::uint32_t previous_crc) {
  if (segment.size() < wal::segment_header_bytes) return 0;
  const wal::Identity identity = log_identity();
  const std::span<std::byte> header = std::span(segment).first(wal::segment_header_bytes);
  fill_if_zero(header, database_id, identity.database_id);
  fill_if_zero(header, history_id, identity.history_id);
  fill_if_zero(header, schema_hash, identity.schema_hash);
  fill_if_zero(header, previous_segment, previous_crc);
  fill_if_zero(header, segment_number, number);
  fill_if_zero(header, segment_salt, std::uint64_t{0x5A17});
  std::uint32_t chain = crc32c(header.first(segment_crc.offset));
  store_little_endian(header.data() + segment_crc.offset, chain);
  const auto salt = load_little_endian<std::uint64_t>(header.data() + segment_salt.offset);
  each_frame(segment, [&](std::span<std::byte> frame, bool whole) {
    fill_if_zero(frame, frame_salt, salt);
    fill_if_zero(frame, previous_frame, chain);
    if (!whole) return;
    chain = crc32c(frame.subspan(wal::frame_header_bytes), crc32c(frame.first(frame_crc.offset)));
    store_little_endian(frame.data() + frame_crc.offset, chain);
  });
  return chain;
}

wal::Identity log_identity() {
  return {.database_id = {.low = 0x11, .high = 0x22},
          .history_id = {.low = 0x33, .high = 0x44},
          .schema_hash = compiled()->hash(),
          .encoding = delta::encoding_version,
          .compression = 0};
}

}  // namespace stoa::fuzz
