#include "workload.h"

#include "registers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <latch>
#include <random>
#include <thread>
#include <utility>

namespace stoa::test {
namespace {

using Kind = Record::Kind;

// Of all threads. No shared counter: that would order their accesses, and hide a race from ThreadSanitizer.
std::uint64_t stamp() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : bits_(seed) {}
  [[nodiscard]] std::uint32_t below(std::uint32_t end) { return static_cast<std::uint32_t>(bits_() % end); }
  [[nodiscard]] bool chance(std::uint32_t percent) { return below(100) < percent; }
  /// Low ones more often, so that there is something to fight for.
  [[nodiscard]] Register some_register(std::uint32_t count) { return std::min(below(count), below(count)); }

 private:
  std::mt19937_64 bits_;
};

// What all threads know.
struct Scene {
  Database& db;
  const Registers& registers;
  std::latch start;
  std::atomic<std::uint32_t> producing;  // threads that still write
  std::uint32_t versions_expected;       // about
};

// A thread, and its part of the history.
class Actor {
 public:
  Actor(Scene& scene, std::uint32_t thread, TransactionId first, std::uint32_t count, std::uint64_t seed)
      : scene_(scene), random_(seed), count_(count), thread_(thread), first_(first) {
    records_.reserve(count);
  }

  [[nodiscard]] const std::vector<Record>& records() const { return records_; }

 protected:
  // Stays where it is.
  Record& begin(Kind kind) { return records_.emplace_back(Record{.kind = kind, .thread = thread_, .begin = stamp()}); }

  Value add_write(Record& record, Register reg) const {
    const Value value{first_ + static_cast<TransactionId>(&record - records_.data()),
                      static_cast<std::uint32_t>(record.ops.size())};
    record.ops.push_back({Op::Kind::write, reg, value});
    return value;
  }
  template <typename World>
  void read(Record& record, World& world, Register reg) const {
    record.ops.push_back({Op::Kind::read, reg, scene_.registers.read(world, reg)});
  }

  Scene& scene_;
  Random random_;
  std::uint32_t count_;

 private:
  std::uint32_t thread_;
  TransactionId first_;
  std::vector<Record> records_;
};

class Producer : public Actor {
 public:
  using Actor::Actor;

  void run() {
    scene_.start.arrive_and_wait();
    for (std::uint32_t left = count_; left != 0; --left) {
      const std::uint32_t dice = random_.below(10);
      dice < 5 ? run_function() : dice < 7 ? run_checked() : submit_blind();
      while (open_.size() > open_max_) settle_oldest();
      if (open_.empty() && random_.chance(20)) open_max_ = random_.below(12);
    }
    while (!open_.empty()) settle_oldest();
    scene_.producing.fetch_sub(1, std::memory_order_relaxed);  // relaxed: tells that there is nothing to wait for
  }

 private:
  struct Open {
    Record& record;
    bool is_right;
    CommitTicket ticket;
  };

  std::vector<Register> some_registers(
      std::uint32_t count, bool (*fits)(Register) = [](Register) { return true; }) {
    std::vector<Register> out;
    for (std::uint32_t tries = 0; out.size() < count && tries < 4 * count; ++tries) {
      const Register reg = random_.some_register(scene_.registers.count());
      if (fits(reg) && std::ranges::find(out, reg) == out.end()) out.push_back(reg);
    }
    return out;
  }

  void run_function() {
    Record& record = begin(Kind::function);
    const bool gives_up = random_.chance(10);
    const bool is_right = !gives_up && random_.chance(90);
    const auto answer = scene_.db.write([&](Writer& writer) -> std::expected<void, Error> {
      function(writer, record);  // on the writer's thread, while this one waits
      if (gives_up) return std::unexpected(Error::invalid("it gives up"));
      if (!is_right) scene_.registers.spoil(writer, random_.chance(50));
      return {};
    });
    finish(record, answer, is_right);
  }

  void function(Writer& writer, Record& record) {
    for (Register reg : some_registers(random_.below(4))) read(record, writer, reg);
    if (random_.chance(4)) {
      scene_.registers.write_dense(writer, [&](Register reg, Value old) {
        record.ops.push_back({Op::Kind::read, reg, old});
        return add_write(record, reg);
      });
    }
    for (Register reg : some_registers(random_.below(5))) {
      read(record, writer, reg);
      for (std::uint32_t times = random_.chance(15) ? 2 : 1; times-- != 0;) {
        scene_.registers.write(writer, reg, add_write(record, reg), random_.chance(25));
      }
      if (random_.chance(15)) read(record, writer, reg);
    }
  }

  // Decides by a snapshot, and writes if that still holds.
  void run_checked() {
    Record& record = begin(Kind::checked);
    const Snapshot seen = scene_.db.snapshot();
    Transaction transaction = scene_.db.begin();
    for (Register reg : some_registers(1 + random_.below(3))) {
      read(record, seen, reg);
      scene_.registers.expect_unchanged(transaction, seen, reg);
      if (random_.chance(75)) scene_.registers.write(transaction, seen, reg, add_write(record, reg));
    }
    const auto answer = std::move(transaction).commit();
    finish(record, answer, answer || answer.error().code() != ErrorCode::conflict);
  }

  void submit_blind() {
    Record& record = begin(Kind::blind);
    const bool is_right = random_.chance(90);
    Transaction transaction = scene_.db.begin();
    for (Register reg : some_registers(1 + random_.below(4), Registers::is_blind)) {
      for (std::uint32_t times = random_.chance(15) ? 2 : 1; times-- != 0;) {
        scene_.registers.write(transaction, reg, add_write(record, reg), random_.chance(25));
      }
    }
    if (!is_right) scene_.registers.spoil(transaction, random_.chance(50));
    open_.push_back({record, is_right, std::move(transaction).submit()});
  }

  void settle_oldest() {
    Open& open = open_.front();
    finish(open.record, open.ticket.get(), open.is_right);
    open_.pop_front();
  }

  void finish(Record& record, const std::expected<Commit, Error>& answer, bool is_right) {
    record.end = stamp();
    record.committed = answer.has_value();
    if (answer) record.version = answer->version;
    EXPECT_EQ(answer.has_value(), is_right) << (answer ? "it committed" : answer.error().message());
  }

  std::deque<Open> open_;
  std::size_t open_max_ = 0;  // how many blind ones wait for their answer at most
};

class Reader : public Actor {
 public:
  using Actor::Actor;

  void run() {
    scene_.start.arrive_and_wait();
    for (std::uint32_t at = 0; at < count_; ++at) {
      // Spread over the whole history, and half of them right after a commit.
      wait_for(1 + std::uint64_t{scene_.versions_expected} * at / count_, std::chrono::milliseconds(1));
      if (random_.chance(50)) wait_for(scene_.db.version() + 1, std::chrono::microseconds(100));
      look();
    }
  }

 private:
  void wait_for(Version version, std::chrono::nanoseconds time) {
    // relaxed: nothing that is read depends on it.
    if (scene_.producing.load(std::memory_order_relaxed) != 0) (void)scene_.db.wait_for_version(version, time);
  }

  void look() {
    Record& record = begin(Kind::snapshot);
    Snapshot snapshot = scene_.db.snapshot();
    read_some(record, snapshot);
    if (random_.chance(15)) {  // an old one, and its copy, stay as they are
      wait_for(snapshot.version() + 2, std::chrono::microseconds(200));
      snapshot = snapshot.clone();
      read_some(record, snapshot);
    }
    record.end = stamp();
    record.committed = true;
    record.version = snapshot.version();
  }

  void read_some(Record& record, const Snapshot& snapshot) {
    if (random_.chance(15)) {
      const std::vector<Value> all = scene_.registers.read_all(snapshot);
      for (Register reg = 0; reg < all.size(); ++reg) record.ops.push_back({Op::Kind::read, reg, all[reg]});
    } else {
      for (std::uint32_t left = 1 + random_.below(8); left-- != 0;) {
        read(record, snapshot, random_.some_register(scene_.registers.count()));
      }
    }
  }
};

}  // namespace

Options random_options(std::uint64_t seed) {
  Random random(seed);
  Options out;
  for (std::uint32_t most : {0U, 2U, 10U}) {
    if (random.chance(25)) out.batch_transactions_max = 1 + random.below(most + 1);
  }
  if (random.chance(25)) out.in_flight_transactions_max = 1 + random.below(4);
  if (random.chance(25)) out.writer = WriterMode::manual;
  return out;
}

History record(Database& db, const Options& options, std::uint64_t seed, std::uint32_t transactions) {
  Random random(seed);
  History history;
  history.registers = std::uint32_t{4} << random.below(5);  // 4 to 64
  Record first{.kind = Kind::blind, .committed = true, .begin = stamp(), .version = 1};
  const auto registers = Registers::create(db, history.registers);
  first.end = stamp();
  EXPECT_TRUE(registers) << registers.error().message();
  if (!registers) return history;
  for (Register reg = 0; reg < history.registers; ++reg) first.ops.push_back({Op::Kind::write, reg, {0, reg}});
  history.records.push_back(std::move(first));

  const std::uint32_t producer_count = 2 + random.below(3);
  const std::uint32_t reader_count = 2 + random.below(3);
  const std::uint32_t writes = transactions * 2 / 3;
  Scene scene{db, *registers, std::latch(producer_count + reader_count), producer_count, writes * 3 / 4};
  std::deque<Producer> producers;  // these do not move
  std::deque<Reader> readers;
  TransactionId next = 1;
  std::uint32_t thread = 1;
  const auto share_out = [&](auto& actors, std::uint32_t count, std::uint32_t work) {
    for (std::uint32_t at = 0; at < count; ++at) {
      const std::uint32_t share = work * (at + 1) / count - work * at / count;
      actors.emplace_back(scene, thread++, next, share, seed + next);
      next += share;
    }
  };
  share_out(producers, producer_count, writes);
  share_out(readers, reader_count, transactions - 1 - writes);
  {
    std::vector<std::jthread> threads;
    for (Producer& producer : producers) threads.emplace_back([&] { producer.run(); });
    for (Reader& reader : readers) threads.emplace_back([&] { reader.run(); });
    if (options.writer == WriterMode::manual) {
      // relaxed: who is counted down has all its answers.
      while (scene.producing.load(std::memory_order_relaxed) != 0) {
        if (db.step(1 + random.below(8)) == 0) std::this_thread::yield();
      }
    }
  }
  const auto append = [&](const auto& actors) {
    for (const Actor& actor : actors) {
      history.records.insert(history.records.end(), actor.records().begin(), actor.records().end());
    }
  };
  append(producers);
  append(readers);
  EXPECT_EQ(db.version(), history.writers().size()) << "every effect has a version of its own, and nothing else has";
  return history;
}

}  // namespace stoa::test
