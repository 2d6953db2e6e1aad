// A steady load: as much goes as comes. After a warm-up it takes nothing from the heap and nothing from the system.
#include "counted_new.h"

#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <optional>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using stoa::Entity;

struct Position {
  float x, y, z;
};
BOOST_DESCRIBE_STRUCT(Position, (), (x, y, z))
struct Velocity {
  float x, y, z;
};
BOOST_DESCRIBE_STRUCT(Velocity, (), (x, y, z))
struct Name {
  stoa::Text name;
};
BOOST_DESCRIBE_STRUCT(Name, (), (name))
struct Docked {
  Entity port;
};
BOOST_DESCRIBE_STRUCT(Docked, (), (port))
struct Burning {
  std::uint32_t since;
};
BOOST_DESCRIBE_STRUCT(Burning, (), (since))
struct Marked {};
BOOST_DESCRIBE_STRUCT(Marked, (), ())

class Steady : public testing::Test {
 protected:
  static constexpr std::size_t population = 20'000;
#if defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__)
  static constexpr std::uint64_t operations = 1'000'000;
#else
  static constexpr std::uint64_t operations = 60'000;  // the same work; only slower
#endif
  static constexpr std::uint64_t per_transaction = 10;

  Steady() : database_(open()) {
    for (std::size_t i = 0; i < population; i += 1000) {
      stoa::Transaction tx = database_.begin();
      for (int k = 0; k < 1000; ++k) insert(tx);
      commit(std::move(tx));
    }
  }

  static stoa::Database open() {
    stoa::Schema schema("steady");
    schema.table<Position>("position");
    schema.table<Velocity>("velocity");
    schema.table<Name>("name").unique<&Name::name>();
    schema.table<Docked>("docked").foreign_key<&Docked::port>("name", stoa::OnDelete::remove);
    schema.table<Burning>("burning").sparse();
    schema.table<Marked>("marked").sparse();
    stoa::Options options;
    options.writer = stoa::WriterMode::manual;  // the same code as the writer thread's, and every step is ours
    options.history_bytes_max = std::size_t{256} << 10U;  // full once it is warm
    return *stoa::Database::in_memory(schema, options);
  }

  void commit(stoa::Transaction tx) {
    stoa::CommitTicket ticket = std::move(tx).submit();
    database_.step();
    if (auto done = ticket.get(); !done) ADD_FAILURE() << done.error().message();
  }

  void insert(stoa::Transaction& tx) {
    const Entity entity = tx.create();
    const std::uint64_t number = next_++;
    tx.insert(entity, Position{1, 2, 3}).insert(entity, Velocity{1, 0, 0});
    // Not with a std::string: the test itself must not allocate.
    const int size =
        std::snprintf(name_, sizeof name_, "an entity with the number %llu", static_cast<unsigned long long>(number));
    if (number % 4 == 0) tx.insert(entity, Name{std::string_view(name_, static_cast<std::size_t>(size))});
    if (number % 4 == 1 && !alive_.empty()) {
      // The newest one with a name.
      for (std::size_t back = 1; back <= 4 && back <= alive_.size(); ++back) {
        if ((number - back) % 4 == 0) tx.insert(entity, Docked{alive_[alive_.size() - back]});
      }
    }
    if (number % 3 == 0) tx.insert(entity, Burning{1});
    if (number % 5 == 0) tx.insert(entity, Marked{});
    alive_.push_back(entity);
  }

  // Two inserts, two deletes and the rest updates.
  void transaction() {
    stoa::Transaction tx = database_.begin();
    for (int k = 0; k < 2; ++k) {
      tx.destroy(alive_.front());
      alive_.pop_front();
      insert(tx);
    }
    for (std::uint64_t left = per_transaction - 4; left != 0; --left) {
      tx.update(alive_[100 + random_() % (population - 200)], Position{1, 2, 4});
      tx.set<&Position::x>(alive_[100 + random_() % (population - 200)], static_cast<float>(left));
    }
    commit(std::move(tx));
  }

  void read(const stoa::Snapshot& snapshot) {
    std::size_t rows = 0;
    snapshot.each<Position, const Velocity>([&](Entity, const Position&, const Velocity&) { ++rows; });
    EXPECT_EQ(rows, population);
    EXPECT_GT((snapshot.count<Burning, Marked>()), 0U);
  }

  // Runs the load; the heap and the system must give nothing after the warm-up.
  void run(bool readers) {
    const auto work = [&](std::uint64_t transactions) {
      for (std::uint64_t i = 0; i < transactions; ++i) {
        transaction();
        if (!readers) continue;
        // Snapshots come and go, and overlap: up to a thousand commits apart.
        if (i % 500 == 0) {
          early_ = std::move(late_);
          late_ = database_.snapshot();
          read(*late_);
        }
      }
    };
    // Until each entity has been replaced, and the ids that lie ready have been used: two in each transaction.
    work(std::max<std::uint64_t>(operations / per_transaction / 2, (population + 8192) / 2));
    const stoa::Metrics before = database_.metrics();
    const std::uint64_t allocations = stoa::test::heap_allocations.load();
    work(operations / per_transaction);
    const std::uint64_t allocated = stoa::test::heap_allocations.load() - allocations;
    const stoa::Metrics after = database_.metrics();
    std::cout << operations << " operations: " << allocated << " heap allocations, "
              << after.system_allocations - before.system_allocations << " from the system, "
              << after.bytes_in_use / 1024 << " KiB in use, " << after.bytes_reserved / 1024 << " KiB reserved\n";
    EXPECT_EQ(allocated, 0U);
    EXPECT_EQ(after.system_allocations, before.system_allocations);
    EXPECT_EQ(after.bytes_reserved, before.bytes_reserved);
  }

  stoa::Database database_;
  /// A ring: a std::deque would allocate as it moves on.
  class Ring {
   public:
    [[nodiscard]] bool empty() const { return begin_ == end_; }
    [[nodiscard]] std::size_t size() const { return end_ - begin_; }
    [[nodiscard]] Entity operator[](std::size_t at) const { return entities_[(begin_ + at) % entities_.size()]; }
    [[nodiscard]] Entity front() const { return (*this)[0]; }
    void pop_front() { ++begin_; }
    void push_back(Entity entity) { entities_[end_++ % entities_.size()] = entity; }

   private:
    std::vector<Entity> entities_ = std::vector<Entity>(population + 1);
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
  };
  Ring alive_;
  std::uint64_t next_ = 0;
  char name_[64];
  std::mt19937_64 random_{1};
  std::optional<stoa::Snapshot> early_;
  std::optional<stoa::Snapshot> late_;
};

TEST_F(Steady, TakesNothingFromHeapAndSystem) { run(false); }

TEST_F(Steady, TakesNothingWithReadersThatComeAndGo) { run(true); }

}  // namespace
