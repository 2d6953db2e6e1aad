// Queries over dense tables, sparse tables and tags together, against sets made by hand: large enough for many chunks
// and many leaves of a sparse table, with sets from empty to full.
#include <stoa/stoa.h>

#include "random.h"
#include "rows.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <ranges>
#include <set>
#include <string>
#include <vector>

namespace {

using stoa::Entity;

using stoa::test::Burning;
using stoa::test::Marked;
using stoa::test::Place;
using stoa::test::Poisoned;
using stoa::test::Solid;
using stoa::test::Speed;

/// Who has what. A row's number is its entity's index.
struct Sets {
  std::set<Entity> place, speed, solid, burning, poisoned, marked;
};

class Query : public testing::Test {
 protected:
  Query() : seed_(stoa::test::given_seed(17)), random_(seed_), database_(*stoa::Database::in_memory(schema())) {}

  static stoa::Schema schema() {
    stoa::Schema out("query_test");
    out.table<Place>("place");
    out.table<Speed>("speed");
    out.table<Solid>("solid");
    out.table<Burning>("burning").sparse();
    out.table<Poisoned>("poisoned").sparse();
    out.table<Marked>("marked").sparse();
    return out;
  }

  bool one_in(std::uint32_t n) { return n != 0 && random_() % n == 0; }

  // Entities whose tables come with the given odds, one in so many; 0 is never.
  void populate(std::size_t count, std::uint32_t place, std::uint32_t speed, std::uint32_t solid, std::uint32_t burning,
                std::uint32_t poisoned, std::uint32_t marked) {
    stoa::Transaction tx = database_.begin();
    for (Entity entity : tx.create(count)) {
      const std::uint32_t number = entity.index();
      if (one_in(place)) tx.insert(entity, Place{number}), sets_.place.insert(entity);
      if (one_in(speed)) tx.insert(entity, Speed{number}), sets_.speed.insert(entity);
      if (one_in(solid)) tx.insert(entity, Solid{}), sets_.solid.insert(entity);
      if (one_in(burning)) tx.insert(entity, Burning{number}), sets_.burning.insert(entity);
      if (one_in(poisoned)) tx.insert(entity, Poisoned{number}), sets_.poisoned.insert(entity);
      if (one_in(marked)) tx.insert(entity, Marked{}), sets_.marked.insert(entity);
      all_.insert(entity);
    }
    ASSERT_TRUE(std::move(tx).commit());
  }

  // Some go, and their indices come back with other entities.
  void destroy_some(std::uint32_t one_of) {
    stoa::Transaction tx = database_.begin();
    for (auto at = all_.begin(); at != all_.end();) {
      const Entity entity = *at++;
      if (!one_in(one_of)) continue;
      tx.destroy(entity);
      all_.erase(entity);
      for (auto* set : {&sets_.place, &sets_.speed, &sets_.solid, &sets_.burning, &sets_.poisoned, &sets_.marked}) {
        set->erase(entity);
      }
    }
    ASSERT_TRUE(std::move(tx).commit());
  }

  std::set<Entity> who(const std::vector<const std::set<Entity>*>& with,
                       const std::vector<const std::set<Entity>*>& without = {}) const {
    std::set<Entity> out;
    for (Entity entity : all_) {
      bool in = true;
      for (const auto* set : with) in = in && set->contains(entity);
      for (const auto* set : without) in = in && !set->contains(entity);
      if (in) out.insert(entity);
    }
    return out;
  }

  template <typename View>
  static std::set<Entity> visited(const View& view) {
    std::set<Entity> out;
    for (const auto& element : view) {
      const Entity entity = std::get<0>(element);
      EXPECT_TRUE(out.insert(entity).second) << entity.index() << " is visited twice";
      std::apply([&](Entity, const auto&... rows) { (check(entity, rows), ...); }, element);
    }
    return out;
  }
  template <typename Row>
  static void check(Entity entity, const Row& row) {
    if constexpr (requires { row.number; }) {
      EXPECT_EQ(row.number, entity.index());
    }
  }
  template <typename Row>
  static void check(Entity entity, const Row* const& row) {
    if (row != nullptr) check(entity, *row);
  }

  // Every kind of query that leads differently.
  void check_all() {
    const stoa::Snapshot s = database_.snapshot();
    const auto& [place, speed, solid, burning, poisoned, marked] = sets_;
    const auto same = [](const std::set<Entity>& seen, const std::set<Entity>& expected, const char* what) {
      EXPECT_EQ(seen.size(), expected.size()) << what;
      EXPECT_TRUE(seen == expected) << what;
    };
    same(visited(s.view<Place>()), who({&place}), "dense");
    same(visited(s.view<Place, Speed>(stoa::with<Solid>)), who({&place, &speed, &solid}), "dense, with a tag");
    same(visited(s.view<Burning>()), who({&burning}), "sparse");
    same(visited(s.view<Marked>()), who({&marked}), "sparse tag");
    same(visited(s.view<Place>(stoa::without<Burning>)), who({&place}, {&burning}), "dense without sparse");
    same(visited(s.view<Place>(stoa::with<Marked>, stoa::without<Burning>)), who({&place, &marked}, {&burning}),
         "dense with and without sparse");
    same(visited(s.view<Place, std::optional<Burning>>()), who({&place}), "dense, perhaps sparse");
    same(visited(s.view<Place, std::optional<Burning>, std::optional<Speed>>(stoa::without<Marked>)),
         who({&place}, {&marked}), "dense, perhaps others");
    same(visited(s.view<Burning, Place>()), who({&burning, &place}), "sparse and dense");
    same(visited(s.view<Burning, std::optional<Place>>(stoa::without<Solid>)), who({&burning}, {&solid}),
         "sparse, perhaps dense, without a dense tag");
    same(visited(s.view<Burning, Poisoned>()), who({&burning, &poisoned}), "two sparse");
    same(visited(s.view<Burning>(stoa::with<Poisoned, Marked>)), who({&burning, &poisoned, &marked}), "three sparse");
    same(visited(s.view<Burning>(stoa::with<Poisoned>, stoa::without<Marked>)), who({&burning, &poisoned}, {&marked}),
         "two sparse without a third");
    same(visited(s.view<Burning, Place>(stoa::without<Poisoned, Speed>)), who({&burning, &place}, {&poisoned, &speed}),
         "sparse and dense without sparse and dense");
    same(visited(s.view<Burning>(stoa::without<Burning>)), {}, "with and without the same");
    same(visited(s.view<Poisoned, std::optional<Burning>>(stoa::with<Marked>)), who({&poisoned, &marked}),
         "two sparse, perhaps a third");

    EXPECT_EQ(s.count<>(), all_.size());
    EXPECT_EQ(s.count<Place>(), place.size());
    EXPECT_EQ((s.count<Place, Burning>()), who({&place, &burning}).size());
    EXPECT_EQ((s.count<Burning, Poisoned>()), who({&burning, &poisoned}).size());
    EXPECT_EQ((s.count<Marked, Poisoned, Burning>()), who({&marked, &burning, &poisoned}).size());
    EXPECT_EQ((s.count<Marked, Solid>()), who({&marked, &solid}).size());
    EXPECT_EQ(s.count<Marked>(), marked.size());

    std::size_t in_chunks = 0;
    for (auto chunk : s.chunks<Burning>()) {
      for (std::size_t i = 0; i < chunk.size(); ++i) {
        in_chunks += chunk.column<Burning>()[i].number == chunk.entities()[i].index() ? 1U : 0U;
      }
    }
    EXPECT_EQ(in_chunks, burning.size());
    check_many<Place>(s, place);
    check_many<Solid>(s, solid);
    check_many<Poisoned>(s, poisoned);
    check_many<Marked>(s, marked);
  }

  template <typename T>
  void check_many(const stoa::Snapshot& s, const std::set<Entity>& having) {
    std::vector<Entity> asked(all_.begin(), all_.end());
    for (Entity entity : all_) asked.emplace_back(entity.index(), entity.generation() + 1);
    asked.emplace_back();
    asked.emplace_back(4'000'000'000U, 1U);
    std::shuffle(asked.begin(), asked.end(), random_);
    std::size_t answers = 0;
    s.get_many<T>(asked, [&](std::size_t i, const T* row) {
      EXPECT_EQ(i, answers++);
      EXPECT_EQ(row != nullptr, having.contains(asked[i]));
      EXPECT_EQ(row, s.get<T>(asked[i]));
    });
    EXPECT_EQ(answers, asked.size());
  }

  const std::uint64_t seed_;
  std::mt19937_64 random_;
  stoa::Database database_;
  std::set<Entity> all_;
  Sets sets_;
};

TEST_F(Query, OfAnEmptyWorld) { check_all(); }

TEST_F(Query, IsARangeAsTheStandardLibraryHasThem) {
  populate(100, 1, 2, 2, 2, 2, 2);
  const stoa::Snapshot s = database_.snapshot();
  static_assert(std::ranges::input_range<decltype(s.view<Place, std::optional<Burning>>())>);
  static_assert(std::ranges::input_range<decltype(s.chunks<Place>())>);
  const auto numbers = s.view<Place>() | std::views::transform([](const auto& row) { return std::get<1>(row).number; });
  std::size_t count = 0;
  for (std::uint32_t number : numbers) count += number < 100 ? 1 : 0;
  EXPECT_EQ(count, 100U);
  s.get_many<const Place>({*all_.begin(), Entity()},
                          [&](std::size_t i, const Place* place) { EXPECT_EQ(place != nullptr, i == 0); });
}

TEST_F(Query, WhereSparseTablesAreSmall) {
  populate(3000, 1, 2, 3, 100, 50, 20);
  check_all();
}

TEST_F(Query, WhereSparseTablesAreLarge) {
  populate(3000, 40, 3, 50, 1, 2, 3);
  check_all();
}

TEST_F(Query, WhereATableIsEmpty) {
  populate(1500, 1, 0, 2, 3, 0, 2);
  check_all();
}

TEST_F(Query, WhereIndicesAreFarApart) {
  populate(2000, 2, 2, 2, 2, 3, 4);
  destroy_some(1);
  populate(10, 1, 2, 1, 1, 1, 2);
  check_all();
}

TEST_F(Query, WhereEntitiesCameAndWent) {
  for (int round = 0; round < 4; ++round) {
    populate(800, 2, 3, 2, 4, 3, 2);
    destroy_some(3);
  }
  check_all();
}

TEST_F(Query, AWalkOfTheWriterChangesSparseRowsToo) {
  populate(2000, 2, 2, 2, 2, 2, 2);
  auto done = database_.write([](stoa::Writer& writer) {
    writer.each<Burning, const Poisoned>([](Entity, Burning& burning, const Poisoned&) { burning.number += 1; });
    writer.each<Poisoned>([](Entity, Poisoned& poisoned) { poisoned.number += 2; });
  });
  ASSERT_TRUE(done) << done.error().message();
  const stoa::Snapshot s = database_.snapshot();
  std::size_t rows = 0;
  s.each<Burning>([&](Entity entity, const Burning& burning) {
    EXPECT_EQ(burning.number, entity.index() + (sets_.poisoned.contains(entity) ? 1 : 0));
    ++rows;
  });
  s.each<Poisoned>([&](Entity entity, const Poisoned& poisoned) {
    EXPECT_EQ(poisoned.number, entity.index() + 2);
    ++rows;
  });
  EXPECT_EQ(rows, sets_.burning.size() + sets_.poisoned.size());
}

}  // namespace
