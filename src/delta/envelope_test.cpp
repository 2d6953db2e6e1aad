// Encoded deltas whose checksum is right and whose content cannot be: refused, before they cost anything.
#include "delta/envelope.h"

#include "base/crc32c.h"
#include "base/little_endian.h"
#include "base/varint.h"
#include "delta/run.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace stoa::delta {
namespace {

/// An encoded delta, its numbers behind the header as given, and what is behind them.
std::vector<std::byte> delta_of(std::initializer_list<std::uint64_t> numbers, std::span<const std::byte> rest = {}) {
  std::vector<std::byte> out(34);
  out[0] = std::byte{0xF7};
  out[1] = std::byte{'s'};
  out[2] = std::byte{'d'};
  out[3] = std::byte{'l'};
  out[4] = std::byte{encoding_version};
  for (const std::uint64_t number : numbers) put_varint(out, number);
  out.insert(out.end(), rest.begin(), rest.end());
  const std::span<const std::byte> bytes(out);
  store_little_endian(out.data() + 6, crc32c(bytes.subspan(10), crc32c(bytes.first(6))));
  return out;
}

std::string refusal_of(const std::vector<std::byte>& delta) {
  const auto content = decode_envelope(delta, nullptr);
  return content ? "none" : std::string(content.error().reason());
}

constexpr Version version_max = std::numeric_limits<std::int64_t>::max();

TEST(Envelope, ADeltaLeadsToAVersionThatThereCanBe) {
  const auto leads = [](Version from, std::int64_t step) { return refusal_of(delta_of({from, zigzag(step), 0, 0})); };
  EXPECT_EQ(leads(0, 1), "none");
  EXPECT_EQ(leads(7, -7), "none");
  EXPECT_EQ(leads(0, std::numeric_limits<std::int64_t>::max()), "none");
  EXPECT_EQ(leads(version_max, 0), "none");
  EXPECT_EQ(leads(0, -1), "not its versions");
  EXPECT_EQ(leads(7, -8), "not its versions");
  EXPECT_EQ(leads(version_max, 1), "not its versions");
  EXPECT_EQ(leads(version_max + 1, -1), "not its versions");
  EXPECT_EQ(leads(version_max, std::numeric_limits<std::int64_t>::max()), "not its versions");
}

// Floors of generations 2, 3, … by a run of entries, each an index and a length.
std::string floors_of(std::initializer_list<std::pair<std::uint32_t, std::uint32_t>> entries) {
  std::vector<std::byte> body;
  put_varint(body, static_cast<std::uint64_t>(RunCode::floors));
  put_varint(body, entries.size() - 1);
  EntityDifference last;
  std::uint32_t generation = 1;
  for (const auto& [index, length] : entries) {
    last.put({index, ++generation}, body);
    put_varint(body, length - 1);
  }
  return refusal_of(delta_of({0, zigzag(1), 0, 0}, body));
}

TEST(Envelope, AFewBytesRaiseAnIndexOnce) {
  EXPECT_EQ(floors_of({{0, 300}, {300, 300}, {1000, 2}}), "none");
  EXPECT_EQ(floors_of({{7, 1}, {7, 1}, {3, 1}}), "none") << "one by one, each has bytes of its own";
  EXPECT_EQ(floors_of({{0, 300}, {0, 300}}), "runs of indices out of order");
  EXPECT_EQ(floors_of({{0, 300}, {299, 2}}), "runs of indices out of order");
  EXPECT_EQ(floors_of({{300, 2}, {500, 1}, {0, 2}}), "runs of indices out of order");
}

// Table 0 with a row of so many bytes, a field, and a piece of so many at its begin; 0 is a text.
std::string table_of(std::uint64_t row_bytes, std::uint64_t piece_bytes) {
  return refusal_of(delta_of({0, zigzag(1), 0, 1, 0, row_bytes, 1, piece_bytes * 4}));
}

TEST(Envelope, ARowIsNotMadeOfPadding) {
  EXPECT_EQ(table_of(8, 1), "none");
  EXPECT_EQ(table_of(9, 1), "not a table");
  EXPECT_EQ(table_of(64, 8), "none");
  EXPECT_EQ(table_of(65, 8), "not a table");
  EXPECT_EQ(table_of(16, 0), "none");
  EXPECT_EQ(table_of(128, 0), "none");
  EXPECT_EQ(table_of(129, 0), "not a table");
}

}  // namespace
}  // namespace stoa::delta
