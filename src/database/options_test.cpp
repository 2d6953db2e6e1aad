#include "database/options.h"

#include "database/folder_fixture.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace stoa::detail {
namespace {

using ::testing::HasSubstr;

class OptionsTest : public FolderTest {
 protected:
  void expect_refused(std::string_view option, auto&& change) {
    SCOPED_TRACE(option);
    Options bad = options();
    change(bad);
    for (const bool in_memory : {false, true}) {
      const auto core =
          in_memory ? DatabaseCore::in_memory(schema(), bad) : DatabaseCore::open(files_, world, schema(), bad);
      ASSERT_FALSE(core);
      EXPECT_EQ(core.error().code(), ErrorCode::invalid_argument);
      EXPECT_THAT(core.error().message(), HasSubstr("options: " + std::string(option) + " "));
      EXPECT_FALSE(exists());
    }
  }
  void expect_taken(auto&& change) {
    Options good = options();
    change(good);
    EXPECT_TRUE(DatabaseCore::in_memory(schema(), good));
  }
};

TEST_F(OptionsTest, WithoutSenseAreRefused) {
  for (const double growth : {-2.0, 0.0, 0.999, std::nan(""), std::numeric_limits<double>::infinity()}) {
    expect_refused("slab_growth", [&](Options& o) { o.slab_growth = growth; });
  }
  expect_refused("slab_bytes_first", [](Options& o) { o.slab_bytes_first = 0; });
  expect_refused("slab_bytes_max", [](Options& o) { o.slab_bytes_max = o.slab_bytes_first - 1; });
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{4095}, static_cast<std::size_t>(-1)}) {
    expect_refused("segment_bytes_max", [&](Options& o) { o.segment_bytes_max = bytes; });
  }
  for (const auto delay : {std::chrono::nanoseconds(-1), std::chrono::nanoseconds(1'000'000'001)}) {
    expect_refused("batch_delay", [&](Options& o) { o.batch_delay = delay; });
  }
  expect_refused("durability", [](Options& o) { o.durability = Durability::async(std::chrono::milliseconds(-1)); });
}

TEST_F(OptionsTest, AtTheirBoundsAreTaken) {
  expect_taken([](Options& o) { o.slab_growth = 1.0; });
  expect_taken([](Options& o) { o.slab_bytes_max = o.slab_bytes_first; });
  expect_taken([](Options& o) { o.slab_bytes_first = o.slab_bytes_max = 1; });
  expect_taken([](Options& o) { o.segment_bytes_max = 4096; });
  expect_taken([](Options& o) { o.batch_delay = std::chrono::seconds(1); });
  expect_taken([](Options& o) { o.durability = Durability::async(std::chrono::milliseconds(0)); });
}

}  // namespace
}  // namespace stoa::detail
