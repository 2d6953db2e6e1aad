// Chains and stars of a million references: what goes with what, in a time that grows as the number does, and on a
// small stack.
#include <stoa/stoa.h>

#include <gtest/gtest.h>
#include <pthread.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

namespace stoa::test {
namespace {

struct Link {
  Entity before;
};
BOOST_DESCRIBE_STRUCT(Link, (), (before))

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
constexpr std::size_t million = 20'000;
#else
constexpr std::size_t million = 1'000'000;
#endif

enum class Shape { chain, star };

struct Scale {
  std::string name;
  Shape shape;
  OnDelete action;
  bool sparse;
};

void PrintTo(const Scale& scale, std::ostream* out) { *out << scale.name; }

class Scales : public testing::TestWithParam<Scale> {};

/// Runs it where there is a stack of 128 KiB: an action a frame would not do for a million.
void on_small_stack(const std::function<void()>& function) {
  pthread_attr_t attributes;
  ASSERT_EQ(::pthread_attr_init(&attributes), 0);
  ASSERT_EQ(::pthread_attr_setstacksize(&attributes, 128 * 1024), 0);
  pthread_t thread{};
  const auto call = [](void* called) -> void* {
    (*static_cast<const std::function<void()>*>(called))();
    return nullptr;
  };
  ASSERT_EQ(::pthread_create(&thread, &attributes, call, const_cast<void*>(static_cast<const void*>(&function))), 0);
  ::pthread_join(thread, nullptr);
  ::pthread_attr_destroy(&attributes);
}

/// How long it takes until what refers to the first of `count` links, directly or not, has gone as it says.
std::chrono::nanoseconds take_away(const Scale& scale, std::size_t count) {
  Schema schema("scale");
  auto table = schema.table<Link>("link");
  table.foreign_key<&Link::before>("link", scale.action);
  if (scale.sparse) table.sparse();
  Options options;
  options.writer = WriterMode::manual;
  auto database = Database::in_memory(schema, options).value();
  std::vector<Entity> links;
  {
    Transaction tx = database.begin();
    links = tx.create(count);
    std::vector<Link> rows(count);
    for (std::size_t i = 1; i != count; ++i) rows[i].before = scale.shape == Shape::chain ? links[i - 1] : links[0];
    tx.insert(std::span<const Entity>(links), std::span<const Link>(rows));
    const auto done = std::move(tx).commit();
    EXPECT_TRUE(done) << done.error().message();
  }
  Transaction tx = database.begin();
  tx.destroy(links[0]);
  CommitTicket ticket = std::move(tx).submit();
  const auto began = std::chrono::steady_clock::now();
  on_small_stack([&] { database.step(); });
  const auto took = std::chrono::steady_clock::now() - began;
  const auto done = ticket.get();
  EXPECT_EQ(done.has_value(), scale.action != OnDelete::restrict);

  const Snapshot now = database.snapshot();
  std::size_t left = 0;
  std::size_t nulls = 0;
  now.each<Link>([&](Entity, const Link& link) {
    ++left;
    nulls += link.before ? 0 : 1;
  });
  switch (scale.action) {
    case OnDelete::restrict:
      EXPECT_EQ(left, count);
      EXPECT_FALSE(done.error().violations().empty());
      break;
    case OnDelete::set_null:
      EXPECT_EQ(left, count - 1);
      EXPECT_EQ(nulls, scale.shape == Shape::star ? count - 1 : 1);
      break;
    case OnDelete::remove:
      EXPECT_EQ(left, 0U);
      EXPECT_EQ(now.count<>(), count - 1);
      break;
    case OnDelete::cascade:
      EXPECT_EQ(left, 0U);
      EXPECT_EQ(now.count<>(), 0U);
      break;
  }
  return took;
}

TEST_P(Scales, GrowAsTheNumberDoes) {
  const auto quarter = take_away(GetParam(), million / 4);
  const auto whole = take_away(GetParam(), million);
  const double ratio = std::chrono::duration<double>(whole) / std::chrono::duration<double>(quarter);
  std::cout << GetParam().name << ": " << std::chrono::duration<double, std::milli>(whole).count() << " ms for "
            << million << ", " << ratio << " times a quarter of it\n";
  // 4 if linear, 16 if quadratic. Short ones are not judged: they are as long as the machine's moods.
  if (whole > std::chrono::milliseconds(20)) {
    EXPECT_LT(ratio, 10);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Scales,
                         testing::Values(Scale{"ChainThatEnds", Shape::chain, OnDelete::cascade, false},
                                         Scale{"ChainThatEndsSparse", Shape::chain, OnDelete::cascade, true},
                                         Scale{"ChainOfRowsThatGo", Shape::chain, OnDelete::remove, false},
                                         Scale{"StarThatEnds", Shape::star, OnDelete::cascade, false},
                                         Scale{"StarOfRowsThatGo", Shape::star, OnDelete::remove, true},
                                         Scale{"StarThatForgets", Shape::star, OnDelete::set_null, false},
                                         Scale{"StarThatForgetsSparse", Shape::star, OnDelete::set_null, true},
                                         Scale{"StarThatHolds", Shape::star, OnDelete::restrict, false}),
                         [](const testing::TestParamInfo<Scale>& of) { return of.param.name; });

// The limit is looked at with each row that goes: a star far beyond it costs no more than the limit does.
TEST(CascadeLimit, EndsATransactionAsSoonAsItIsPassed) {
  Schema schema("limit");
  schema.table<Link>("link").foreign_key<&Link::before>("link", OnDelete::cascade);
  Options options;
  options.writer = WriterMode::manual;
  options.cascade_rows_max = 1'000;
  auto database = Database::in_memory(schema, options).value();
  for (const std::size_t referrers : {std::size_t{1'000}, std::size_t{1'001}}) {
    Transaction tx = database.begin();
    const Entity centre = tx.create();
    tx.insert(centre, Link{});
    for (std::size_t i = 0; i != referrers; ++i) tx.insert(tx.create(), Link{centre});
    ASSERT_TRUE(std::move(tx).commit());
    const std::size_t before = database.snapshot().count<>();
    Transaction end = database.begin();
    end.destroy(centre);
    const auto done = std::move(end).commit();
    EXPECT_EQ(done.has_value(), referrers == 1'000);
    EXPECT_EQ(database.snapshot().count<>(), done ? before - referrers - 1 : before);
    if (!done) {
      ASSERT_EQ(done.error().violations().size(), 1U);
      EXPECT_EQ(done.error().violations()[0].kind, Violation::Kind::cascade_limit);
      EXPECT_EQ(done.error().violations()[0].target, centre);
    }
  }
}

struct Two {
  Entity forgets, ends;
};
BOOST_DESCRIBE_STRUCT(Two, (), (forgets, ends))

// A row that would first be nulled and then ends is one thing that follows, whatever is come to first.
TEST(CascadeLimit, CountsWhatFollowsWhateverGoesFirst) {
  for (const std::size_t limit : {std::size_t{1}, std::size_t{2}}) {
    for (const bool ends_first : {false, true}) {
      Schema schema("limit");
      schema.table<Link>("link").foreign_key<&Link::before>("link");
      schema.table<Two>("two")
          .foreign_key<&Two::forgets>("link", OnDelete::set_null)
          .foreign_key<&Two::ends>("link", OnDelete::cascade);
      Options options;
      options.writer = WriterMode::manual;
      options.cascade_rows_max = limit;
      auto database = Database::in_memory(schema, options).value();
      Transaction tx = database.begin();
      const std::vector<Entity> links = tx.create(2);
      for (const Entity link : links) tx.insert(link, Link{});
      tx.insert(tx.create(), Two{links[0], links[1]}).insert(tx.create(), Two{links[0], {}});
      ASSERT_TRUE(std::move(tx).commit());
      Transaction end = database.begin();
      end.destroy(links[ends_first ? 1 : 0]).destroy(links[ends_first ? 0 : 1]);
      EXPECT_EQ(std::move(end).commit().has_value(), limit == 2) << "limit " << limit << ", " << ends_first;
    }
  }
}

}  // namespace
}  // namespace stoa::test
