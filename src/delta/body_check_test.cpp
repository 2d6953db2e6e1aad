// Values that are none: refused where a schema says so, before a program gets to read them by its types.
#include "delta/body_check.h"

#include "delta/envelope.h"
#include "delta/run.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace stoa::delta {
namespace {

using Bytes = std::vector<std::byte>;

TEST(BodyCheck, LetsNoValueThroughThatItsTypeDoesNotHave) {
  const auto schema = Schema::from_toml(R"([database]
name = "w"
[enums.kind]
base = "u8"
variants = ["red", "green"]
[tables.a]
fields = [{ name = "e", type = "kind" }, { name = "f", type = "bool" }, { name = "list", type = "bool[3]" }]
)",
                                        "schema")
                          .value()
                          .compile()
                          .value();
  const schema::TableBytes tables(schema->model());
  Bytes good{std::byte{3 | 1 << run_code_bits}, std::byte{0}, std::byte{0}};
  EntityDifference{}.put({0, 1}, good);
  const std::size_t row_at = good.size();
  good.insert(good.end(), {std::byte{1}, std::byte{1}, std::byte{0}, std::byte{1}, std::byte{0}});
  ASSERT_FALSE(find_fault(good, tables, &schema->model()));
  for (std::size_t at = row_at; at < good.size(); ++at) {
    Bytes bad = good;
    bad[at] = std::byte{2};
    const auto fault = find_fault(bad, tables, &schema->model());
    ASSERT_TRUE(fault) << at;
    EXPECT_EQ(fault->offset, 0U);
    EXPECT_FALSE(find_fault(bad, tables, nullptr)) << "its runs are right";

    // Who is sent it: without the schema nobody reads it by type.
    detail::DeltaAccess::Content content;
    content.schema_mark = schema_mark(schema->hash());
    content.tables = std::make_shared<const schema::TableBytes>(schema->model());
    content.body = std::move(bad);
    const Bytes sent = encode_envelope(content);
    EXPECT_TRUE(Delta::decode(sent));
    const auto decoded = Delta::decode(sent, *schema);
    ASSERT_FALSE(decoded) << at;
    EXPECT_EQ(decoded.error().code(), ErrorCode::corrupt);
  }
}

}  // namespace
}  // namespace stoa::delta
