// What compaction leaves reserved, of worlds that have lost most of what they had.
#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using stoa::Entity;

struct Place {
  float x, y, z;
};
BOOST_DESCRIBE_STRUCT(Place, (), (x, y, z))
struct Title {
  stoa::Text text;
};
BOOST_DESCRIBE_STRUCT(Title, (), (text))
struct Number {
  std::uint32_t value;
};
BOOST_DESCRIBE_STRUCT(Number, (), (value))

#if defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__)
constexpr std::size_t population = 1'000'000;
#else
constexpr std::size_t population = 200'000;
#endif
constexpr double mib = 1024 * 1024;

class Compaction : public testing::Test {
 protected:
  static stoa::Database open() {
    stoa::Schema schema("compaction");
    schema.table<Place>("place");
    schema.table<Title>("title");
    schema.table<Number>("number").index<&Number::value>();
    stoa::Options options;
    options.writer = stoa::WriterMode::manual;
    options.compaction_threshold = 0;
    options.history_bytes_max = 0;
    return *stoa::Database::in_memory(schema, options);
  }
  void SetUp() override {
    while (entities_.size() < population) {
      stoa::Transaction tx = database_.begin();
      for (int i = 0; i != 10'000; ++i) {
        const Entity entity = tx.create();
        const auto number = static_cast<std::uint32_t>(entities_.size());
        tx.insert(entity, Place{1, 2, 3}).insert(entity, Number{number * 2'654'435'761U});
        if (number % 4 == 0) tx.insert(entity, Title{"a title of some length, number " + std::to_string(number)});
        entities_.push_back(entity);
      }
      ASSERT_TRUE(std::move(tx).commit());
    }
    std::shuffle(entities_.begin(), entities_.end(), std::mt19937_64(1));
  }
  void destroy(std::size_t count) {
    for (; count != 0; count -= std::min<std::size_t>(count, 1000)) {
      stoa::Transaction tx = database_.begin();
      for (std::size_t i = std::min<std::size_t>(count, 1000); i != 0; --i) {
        tx.destroy(entities_.back());
        entities_.pop_back();
      }
      ASSERT_TRUE(std::move(tx).commit());
    }
  }
  void compact() {
    before_ = database_.metrics();
    const auto report = database_.compact();
    ASSERT_TRUE(report) << report.error().message();
    after_ = database_.metrics();
    std::cout << population << " entities, " << entities_.size() << " left: reserved "
              << static_cast<double>(before_.bytes_reserved) / mib << " MiB, then "
              << static_cast<double>(after_.bytes_reserved) / mib << " of which "
              << static_cast<double>(after_.bytes_in_use) / mib << " in use; moved "
              << static_cast<double>(report->bytes_moved) / mib << " in "
              << static_cast<double>(report->duration.count()) / 1e6 << " ms\n";
  }

  stoa::Database database_ = open();
  std::vector<Entity> entities_;
  stoa::Metrics before_;
  stoa::Metrics after_;
};

TEST_F(Compaction, OfAWorldThatHasLostAllLeavesATwentiethOfThePeak) {
  destroy(entities_.size());
  compact();
  EXPECT_LE(after_.bytes_reserved, before_.bytes_reserved / 20);
}

TEST_F(Compaction, OfAWorldThatHasLostMostLeavesLittleMoreThanWhatIsUsed) {
  destroy(entities_.size() / 10 * 9);
  compact();
  EXPECT_LE(after_.bytes_in_use, before_.bytes_in_use);
  EXPECT_LE(after_.bytes_reserved, after_.bytes_in_use + after_.bytes_in_use / 5);
  EXPECT_TRUE(database_.snapshot().wrong_indexes().empty());
  std::size_t titles = 0;
  const stoa::Snapshot now = database_.snapshot();
  now.each<Title>(
      [&](Entity, const Title& title) { titles += title.text.view().starts_with("a title of some") ? 1 : 0; });
  EXPECT_EQ(titles, now.count<Title>());
}

// Behind a snapshot of the whole world nothing goes but what nobody needs; once it is gone, the rest does.
TEST_F(Compaction, WaitsForWhoReads) {
  std::optional<stoa::Snapshot> held = database_.snapshot();
  destroy(entities_.size());
  compact();
  std::size_t rows = 0;
  held->each<Place, Number>([&](Entity, const Place& place, const Number&) { rows += place.z == 3 ? 1 : 0; });
  EXPECT_EQ(rows, population);
  const std::size_t peak = before_.bytes_reserved;
  held.reset();
  compact();
  EXPECT_LE(after_.bytes_reserved, peak / 20);
}

}  // namespace
