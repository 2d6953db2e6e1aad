// A manual writer is deterministic: the same submissions give the same versions, answers, rows in the same order, and
// the same bytes in the files, where clock and random numbers are the same.
#include "base/file_memory.h"
#include "base/testing/seed.h"
#include "database/core.h"

#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace stoa::detail {
namespace {

struct Spot {
  double x, y;
};
BOOST_DESCRIBE_STRUCT(Spot, (), (x, y))
struct Named {
  Text name;
};
BOOST_DESCRIBE_STRUCT(Named, (), (name))
struct Follows {
  Entity leader;
};
BOOST_DESCRIBE_STRUCT(Follows, (), (leader))
struct Marked {};
BOOST_DESCRIBE_STRUCT(Marked, (), ())

class StoppedClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t now_wall_ns() const override { return 1; }
  [[nodiscard]] std::int64_t now_steady_ns() const override { return 1; }
};

/// What can be seen of a run.
struct Trace {
  std::vector<std::string> answers;
  std::array<std::uint64_t, 2> state_hash{};
  std::vector<Entity> places, marked;  ///< in the order in which a query meets them
  std::map<std::string, std::vector<std::byte>> files;
  friend bool operator==(const Trace&, const Trace&) = default;
};

/// A random program, which reads what it wrote.
class Program {
 public:
  explicit Program(std::uint64_t seed) : random_(seed) {}

  Trace run() {
    for (int step = 0; step != 800; ++step) {
      std::vector<CommitTicket> tickets;
      for (std::uint64_t left = below(6); left != 0; --left) tickets.push_back(submit());
      if (below(4) == 0) answer(core_->engine().run(WriteFunction::to(function_)));
      while (core_->engine().step(1 + below(3), SteadyTime::max()) != 0) {
      }
      for (CommitTicket& ticket : tickets) answer(ticket.get());
    }
    {
      const Snapshot snapshot = core_->snapshot();
      out_.state_hash = snapshot.state_hash();
      snapshot.each<Spot>([this](Entity entity, const Spot&) { out_.places.push_back(entity); });
      snapshot.each<Marked>([this](Entity entity, const Marked&) { out_.marked.push_back(entity); });
    }
    EXPECT_TRUE(core_->close());
    const std::vector<std::string> names = files_.list("world").value();
    for (const std::string& name : names) out_.files[name] = files_.contents("world/" + name);
    return std::move(out_);
  }

 private:
  static std::shared_ptr<const CompiledSchema> schema() {
    Schema schema("program");
    schema.table<Spot>("place");
    schema.table<Named>("named").key<&Named::name>();
    schema.table<Follows>("follows").reference<&Follows::leader>(OnDelete::cascade);
    schema.table<Marked>("marked").sparse();
    return schema.compile().value();
  }
  static Options options() {
    Options out;
    out.writer = WriterMode::manual;
    out.durability = Durability::none();  // else the log is sealed when the real clock says so
    out.segment_bytes_max = 4096;
    return out;
  }

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  Entity any() { return entities_.empty() ? Entity() : entities_[below(entities_.size())]; }
  double number() { return static_cast<double>(below(1000)); }

  CommitTicket submit() {
    Transaction transaction = core_->engine().begin();
    for (std::uint64_t left = 1 + below(8); left != 0; --left) operate(transaction);
    return std::move(transaction).submit();
  }
  // Some of it cannot be done, and fails the transaction.
  template <typename Target>
  void operate(Target& target) {
    switch (below(9)) {
      case 0:
      case 1:
      case 2: {
        const Entity entity = target.create();
        entities_.push_back(entity);
        target.insert(entity, Spot{number(), number()});
        if (below(2) == 0) target.insert(entity, Named{"name " + std::to_string(below(400))});
        if (below(3) == 0) target.insert(entity, Follows{any()});
        break;
      }
      case 3: target.destroy(any()); break;
      case 4: target.template remove<Spot>(any()); break;
      case 5: target.upsert(any(), Marked{}); break;
      case 6: target.upsert(any(), Named{"a name that is longer than a cell " + std::to_string(below(400))}); break;
      default: target.upsert(any(), Spot{number(), number()}); break;
    }
  }
  template <typename T>
  void answer(const std::expected<T, Error>& result) {
    out_.answers.push_back(result ? std::to_string(result->version) : result.error().message());
  }

  std::mt19937_64 random_;
  MemoryFileSystem files_;
  SeededRandom salts_{5};
  StoppedClock clock_;
  std::unique_ptr<DatabaseCore> core_ =
      DatabaseCore::open({files_, salts_, clock_}, "world", schema(), options()).value();
  std::vector<Entity> entities_;
  std::function<void(Writer&)> function_ = [this](Writer& writer) {
    writer.each<Spot>([](Entity, Spot& place) { place.x += 1; });
    operate(writer);
  };
  Trace out_;
};

TEST(ManualWriter, DoesTheSameEachTime) {
  const std::uint64_t seed = test::test_seed();
  const Trace first = Program(seed).run();
  const Trace second = Program(seed).run();
  EXPECT_EQ(first.answers, second.answers);
  EXPECT_EQ(first.state_hash, second.state_hash);
  EXPECT_EQ(first.places, second.places);
  EXPECT_EQ(first.marked, second.marked);
  EXPECT_TRUE(first.files == second.files);
  EXPECT_GT(first.files.size(), 4U) << "segments, so that their ends are compared too";
  EXPECT_GT(first.places.size(), 10U);
  EXPECT_FALSE(Program(seed + 1).run().files == first.files) << "the test sees no difference";
}

}  // namespace
}  // namespace stoa::detail
