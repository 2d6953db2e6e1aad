// Memory that runs out at any allocation of a subscription: it begins whole or not at all, and ends with an error
// rather than with a gap.
#include "base/testing/no_memory.h"

#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace stoa {
namespace {

using namespace std::chrono_literals;
using test::FailingAllocation;

struct Point {
  std::uint32_t x;
};
BOOST_DESCRIBE_STRUCT(Point, (), (x))

Database make() {
  Schema schema("subscription_memory_test");
  schema.table<Point>("point");
  Options options;
  options.writer = WriterMode::manual;
  options.history_bytes_max = 0;
  options.backlog_bytes_max = 4 << 10U;
  return *Database::in_memory(schema, options);
}

Version add(Database& database, std::uint32_t x) {
  return database.write([&](Writer& writer) { writer.insert(writer.create(), Point{x}); }).value().version;
}

enum class Kind : std::uint8_t { wait, coalesce, filtered, called };

std::expected<Subscription, Error> subscribe(Database& database, Kind kind, const Filter& filter) {
  constexpr auto too_long = 100s;
  switch (kind) {
    case Kind::wait: return database.subscribe({.backlog = Backlog::wait, .wait_max = too_long});
    case Kind::coalesce: return database.subscribe({.backlog = Backlog::coalesce});
    case Kind::filtered: return database.subscribe(filter);
    case Kind::called: break;
  }
  return database.subscribe([](const Delta&) {}, {.backlog = Backlog::wait, .wait_max = too_long});
}

class SubscriptionMemory : public testing::TestWithParam<Kind> {
 protected:
  const Filter filter_ = Filter().tables<Point>();  // the program's to make
};

// Nobody is left behind for whom deltas are kept, and the writer waits.
TEST_P(SubscriptionMemory, ThatRunsOutAtItsBeginningLeavesNothing) {
  std::size_t refused = 0;
  bool happened = true;
  for (std::size_t before = 0; happened; ++before) {
    SCOPED_TRACE(before);
    Database database = make();
    add(database, 1);
    {
      std::optional<FailingAllocation> failing(std::in_place, before, FailingAllocation::How::once);
      const auto made = subscribe(database, GetParam(), filter_);
      happened = failing->happened();
      failing.reset();
      EXPECT_TRUE(made || made.error().code() == ErrorCode::out_of_memory);
      EXPECT_EQ(database.metrics().subscriptions, made ? 1U : 0U);
      refused += made ? 0 : 1;
    }
    add(database, 2);
    ASSERT_EQ(database.metrics().history_bytes, 0U);
    const auto begin = std::chrono::steady_clock::now();
    const auto other = database.subscribe();
    for (std::uint32_t i = 0; i != 300; ++i) add(database, i);
    ASSERT_LT(std::chrono::steady_clock::now() - begin, 50s);
  }
  EXPECT_GT(refused, 2U);
}

class PolledSubscriptionMemory : public SubscriptionMemory {};

TEST_P(PolledSubscriptionMemory, ThatRunsOutInAPollEndsIt) {
  std::size_t ended = 0;
  bool happened = true;
  for (std::size_t before = 0; happened; ++before) {
    SCOPED_TRACE(before);
    Database database = make();
    Subscription subscription = subscribe(database, GetParam(), filter_).value();
    add(database, 7);
    std::optional<FailingAllocation> failing(std::in_place, before, FailingAllocation::How::once);
    const auto delta = subscription.poll();
    happened = failing->happened();
    failing.reset();
    if (delta) {
      ASSERT_TRUE(*delta);
      EXPECT_EQ((*delta)->to(), 1U);
      EXPECT_EQ((*delta)->ops().size(), 2U);
      continue;
    }
    ++ended;
    EXPECT_EQ(delta.error().code(), ErrorCode::out_of_memory);
    EXPECT_EQ(subscription.error()->code(), ErrorCode::out_of_memory);
    add(database, 8);
    EXPECT_EQ(database.metrics().snapshots, 0U) << "it holds nothing any more";
    EXPECT_EQ(database.metrics().history_bytes, 0U);
  }
  EXPECT_GT(ended, 1U);
}

std::string name_of(const testing::TestParamInfo<Kind>& kind) {
  switch (kind.param) {
    case Kind::wait: return "OneThatIsWaitedFor";
    case Kind::coalesce: return "OneThatCoalesces";
    case Kind::filtered: return "AFilteredOne";
    case Kind::called: break;
  }
  return "OneWithAFunction";
}
constexpr auto polled = {Kind::wait, Kind::coalesce, Kind::filtered};
INSTANTIATE_TEST_SUITE_P(Of, PolledSubscriptionMemory, testing::ValuesIn(polled), name_of);
constexpr auto all = {Kind::wait, Kind::coalesce, Kind::filtered, Kind::called};
INSTANTIATE_TEST_SUITE_P(Of, SubscriptionMemory, testing::ValuesIn(all), name_of);

// What ends it must not need any.
TEST(SubscriptionMemoryOf, AFunctionThatThrowsWhereThereIsNone) {
  Database database = make();
  std::promise<Error> whole;
  std::promise<Error> filtered;
  const auto end_with = [](std::promise<Error>& ended) {
    return [&](const Error& error) {
      test::no_memory = false;
      ended.set_value(error);
    };
  };
  const auto first = database.subscribe(
      [](const Delta&) {
        test::no_memory = true;
        throw std::bad_alloc();
      },
      {.ended = end_with(whole)});
  const auto second = database.subscribe(Filter().where<Point>([](Entity, const Point&) -> bool {
    const std::runtime_error error("a reason that is too long for a small string");
    test::no_memory = true;
    throw error;
  }),
                                         [](const Delta&) {}, {.ended = end_with(filtered)});
  add(database, 1);
  for (std::promise<Error>* ended : {&whole, &filtered}) {
    auto why = ended->get_future();
    ASSERT_EQ(why.wait_for(60s), std::future_status::ready);
    EXPECT_EQ(why.get().code(), ended == &whole ? ErrorCode::out_of_memory : ErrorCode::aborted);
  }
}

}  // namespace
}  // namespace stoa
