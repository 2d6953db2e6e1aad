// `stoa verify` of a log whose bytes are whole and whose rows break the schema's rules: such as a bug would write, and
// no check of bytes can find.
#include <algorithm>
#include <cstring>

#include "cli/cli_fixture.h"

namespace stoa::cli_test {
namespace {

constexpr std::string_view schema = R"([database]
name = "rules"
[tables.port]
fields = [{ name = "number", type = "u32", key = true }]
[tables.ship]
fields = [
  { name = "code", type = "u32", unique = true },
  { name = "port", type = "entity", references = "port", required = true },
  { name = "size", type = "u32", max = 2000000000 },
  { name = "towed_by", type = "entity", references = "*" },
]
)";

constexpr std::string_view log_name = "world/wal-00000000000000000001";
constexpr std::size_t frame_at = 128;  // behind the segment's header; docs/format.md
constexpr std::size_t payload_bytes_at = frame_at + 8;
constexpr std::size_t crc_at = frame_at + 52;
constexpr std::size_t payload_at = frame_at + 56;

std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc) {
  crc = ~crc;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1U ^ ((crc & 1U) != 0 ? 0x82F6'3B78U : 0U);
  }
  return ~crc;
}

template <typename T>
void put(std::string& bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

class Verify : public CliTest {
 protected:
  static constexpr std::uint32_t first_code = 0x1A2B'3C4D;
  static constexpr std::uint32_t second_code = 0x1122'3344;
  static constexpr std::size_t port_offset = 4;  // in the row of a ship, whose code is at its front
  static constexpr std::size_t size_offset = 12;
  static constexpr std::size_t towed_by_offset = 16;

  void SetUp() override {
    CliTest::SetUp();
    write("schema.toml", schema);
    write("port.csv", "number\n7\n");
    write("ship.csv",
          "code,port,size\n" + std::to_string(first_code) + ",7,1\n" + std::to_string(second_code) + ",7,2\n");
    ASSERT_EQ(stoa({"import", "world", "--schema", "schema.toml", "port=port.csv", "ship=ship.csv"}).status, 0);
    log_ = read(std::string(log_name));
    std::uint64_t payload_bytes = 0;
    std::memcpy(&payload_bytes, log_.data() + payload_bytes_at, sizeof payload_bytes);
    frame_end_ = payload_at + payload_bytes;
    ASSERT_LE(frame_end_, log_.size());
    char code[4];
    std::memcpy(code, &second_code, sizeof code);
    row_at_ = log_.find(std::string_view(code, sizeof code), payload_at);
    ASSERT_LT(row_at_, frame_end_);
  }

  /// Writes another value into the second ship's row, makes the frame whole again, and takes what followed it away.
  template <typename T>
  void change_row(std::size_t offset, T value) {
    put(log_, row_at_ + offset, value);
    const std::string_view bytes = log_;
    const std::uint32_t header = crc32c(bytes.substr(frame_at, crc_at - frame_at), 0);
    put(log_, crc_at, crc32c(bytes.substr(payload_at, frame_end_ - payload_at), header));
    std::fill(log_.begin() + static_cast<std::ptrdiff_t>(frame_end_), log_.end(), '\0');
    write(std::string(log_name), log_);
  }

  void expect_violation(const std::string& violation) {
    const Finished done = stoa({"verify", "world"});
    EXPECT_EQ(done.status, 1);
    EXPECT_TRUE(done.err.starts_with("stoa: ship" + violation)) << done.err;
    EXPECT_NE(done.out.find(" 1 violation\n"), std::string::npos) << done.out;
    const Finished json = stoa({"verify", "world", "--json"});
    EXPECT_EQ(json.status, 1);
    EXPECT_TRUE(json.out.starts_with(R"({"ok":false,)")) << json.out;
    EXPECT_NE(json.out.find(R"("violation_count":1,"violations":["ship)"), std::string::npos) << json.out;
  }

  std::string log_;
  std::size_t row_at_ = 0;
  std::size_t frame_end_ = 0;
};

TEST_F(Verify, AcceptsARightValueInARewrittenLog) {
  change_row(size_offset, std::uint32_t{3});
  const Finished done = stoa({"verify", "world"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_NE(stoa({"dump", "world", "ship"}).out.find(std::to_string(second_code) + ",7,3,\n"), std::string::npos);
}

TEST_F(Verify, FindsAValueOutOfItsBounds) {
  change_row(size_offset, std::uint32_t{2'000'000'001});
  expect_violation(".size: entity 2:1 has 2000000001, which is not at most 2000000000\n");
}

TEST_F(Verify, FindsAUniqueValueThatIsThereTwice) {
  change_row(0, first_code);
  expect_violation("(code): entity 2:1 has the same values as entity 1:1\n");
}

TEST_F(Verify, FindsAReferenceToNothing) {
  change_row(port_offset, std::uint32_t{200});
  expect_violation(".port: entity 2:1 refers to entity 200:1, which has no row in port\n");
}

TEST_F(Verify, FindsAReferenceToARowOfAnotherTable) {
  change_row(port_offset, std::uint32_t{1});
  expect_violation(".port: entity 2:1 refers to entity 1:1, which has no row in port\n");
}

TEST_F(Verify, FindsAReferenceToAnEntityThatIsNotAlive) {
  change_row(towed_by_offset, std::uint64_t{200} | std::uint64_t{1} << 32U);
  expect_violation(".towed_by: entity 2:1 refers to entity 200:1, which is not alive\n");
}

TEST_F(Verify, TakesAReferenceToAnyEntityThatIsAlive) {
  change_row(towed_by_offset, std::uint64_t{1} | std::uint64_t{1} << 32U);
  EXPECT_EQ(stoa({"verify", "world"}).status, 0);
}

TEST_F(Verify, FindsNullWhereAValueIsRequired) {
  change_row(port_offset, std::uint64_t{0});
  expect_violation(".port: entity 2:1 has no value, and one is required\n");
}

}  // namespace
}  // namespace stoa::cli_test
