// What threads do to one another: a reader beside a flat-out writer, producers beside producers, and how long a thread
// waits for its own commits.
#include "histogram.h"
#include "in_flight.h"
#include "lmdb_file.h"
#include "peers/store.h"
#include "suite.h"
#include "world.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

/// A row says which it is and whether it is whole, so that a reader can tell a torn one without a lock. All its numbers
/// are whole ones that a float has exactly.
Place row_of(std::size_t key, std::size_t change) {
  const auto x = static_cast<float>(change % 4096);
  const auto y = static_cast<float>(key % 4096);
  return {x, y, x + y};
}
bool is_right(const Place& row, std::size_t key) {
  return row.y == static_cast<float>(key % 4096) && row.z == row.x + row.y;
}
bool same(const Place& a, const Place& b) { return a.x == b.x && a.y == b.y && a.z == b.z; }

/// The i-th of a sequence of keys in no order: splitmix64.
std::size_t random_key(std::uint64_t i, std::size_t rows) {
  std::uint64_t x = i * 0x9E37'79B9'7F4A'7C15U;
  x = (x ^ (x >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
  x = (x ^ (x >> 27U)) * 0x94D0'49BB'1331'11EBU;
  return (x ^ (x >> 31U)) % rows;
}

enum class Submit { step, in_flight };

/// stoa with one table. Keys count from 0.
class StoaRows {
 public:
  StoaRows(std::size_t rows, Submit submit) : submit_(submit), db_(open(submit)), in_flight_(1000) {
    stoa::Transaction tx = db_.begin();
    entities_ = tx.create(rows);
    std::vector<Place> first;
    for (std::size_t key = 0; key < rows; ++key) first.push_back(row_of(key, 0));
    tx.insert(entities_, first);
    (void)value_of(std::move(tx).commit());
  }

  class Reader {
   public:
    explicit Reader(StoaRows& rows) : rows_(rows) {}
    [[nodiscard]] Place get(std::size_t key) { return *rows_.db_.snapshot().get<Place>(rows_.entities_[key]); }

   private:
    StoaRows& rows_;
  };

  [[nodiscard]] stoa::Transaction update(std::size_t key, const Place& row) {
    stoa::Transaction tx = db_.begin();
    tx.update(entities_[key], row);
    return tx;
  }
  void write(std::size_t key, const Place& row) {
    if (submit_ == Submit::in_flight) return in_flight_.submit(update(key, row));
    stoa::CommitTicket ticket = update(key, row).submit();
    db_.step(1);
    (void)value_of(ticket.get());
  }
  void end_writing() { in_flight_.wait(); }

 private:
  static stoa::Database open(Submit submit) {
    stoa::Schema schema("concurrency");
    schema.table<Place>("place");
    return submit == Submit::step ? open_manual(schema) : value_of(stoa::Database::in_memory(schema));
  }

  Submit submit_;
  stoa::Database db_;
  InFlight in_flight_;
  std::vector<stoa::Entity> entities_;
};

/// Into memory that is mapped for writing, and a reader that renews its transaction: the faster of LMDB's ways.
class LmdbRows {
 public:
  explicit LmdbRows(std::size_t rows) : file_(std::size_t{1} << 30U, MDB_WRITEMAP) {
    LmdbTransaction txn(file_.get(), 0);
    table_ = txn.open("place");
    for (std::size_t key = 0; key < rows; ++key) txn.put(table_, key, row_of(key, 0), MDB_APPEND);
    txn.commit();
  }

  class Reader {
   public:
    explicit Reader(LmdbRows& rows) : rows_(rows), txn_(rows.file_.get(), MDB_RDONLY) {}
    [[nodiscard]] Place get(std::size_t key) {
      txn_.renew();
      return txn_.get<Place>(rows_.table_, key);
    }

   private:
    LmdbRows& rows_;
    LmdbTransaction txn_;
  };

  void write(std::size_t key, const Place& row) {
    LmdbTransaction txn(file_.get(), 0);
    txn.put(table_, key, row);
    txn.commit();
  }
  void end_writing() {}

 private:
  LmdbFile file_;
  MDB_dbi table_ = 0;
};

/// Rows, and what they must be: the last change of each.
template <typename Rows>
struct Known {
  template <typename... Argument>
  explicit Known(std::size_t count, Argument... argument) : rows(count, argument...), changes(count) {}
  [[nodiscard]] bool holds() {
    typename Rows::Reader reader(rows);
    for (std::size_t key = 0; key < changes.size(); ++key) {
      if (!same(reader.get(key), row_of(key, changes[key]))) return false;
    }
    return true;
  }

  Rows rows;
  std::vector<std::size_t> changes;
};

// -- a reader beside a writer --

struct Phase {
  Histogram latency;
  std::size_t wrong = 0;
};

template <typename Rows>
struct Beside {
  std::optional<Known<Rows>> known;
  Phase alone, beside;
  std::size_t written_before = 0;
  std::size_t written = 0;
  double write_ns = 0;
};

// Each read's end is the next one's beginning: a look at the clock is in each, the same for all.
template <typename Rows>
void read(Rows& rows, std::size_t row_count, std::size_t count, Phase& phase) {
  typename Rows::Reader reader(rows);
  auto before = SteadyClock::now();
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t key = random_key(i, row_count);
    phase.wrong += is_right(reader.get(key), key) ? 0 : 1;
    const auto now = SteadyClock::now();
    phase.latency.add(static_cast<std::uint64_t>((now - before).count()));
    before = now;
  }
}

// Writes until it is told to end, changes being numbered from where the last run stopped.
template <typename Rows>
void write_until(Beside<Rows>& state, const std::atomic<bool>& end, std::atomic<std::size_t>& progress) {
  const std::size_t rows = state.known->changes.size();
  const auto before = SteadyClock::now();
  // relaxed, as is its partner in read_beside_writer(): nothing else is to become visible by it.
  while (!end.load(std::memory_order_relaxed)) {
    const std::size_t change = ++state.written;
    const std::size_t key = random_key(~change, rows);
    state.known->rows.write(key, row_of(key, change));
    // relaxed: says only that writing has begun; the rows are read through the store.
    progress.store(change, std::memory_order_relaxed);
  }
  state.known->rows.end_writing();
  const std::chrono::duration<double, std::nano> took = SteadyClock::now() - before;
  state.write_ns = took.count() / static_cast<double>(state.written - state.written_before);
}

template <typename Rows>
void read_beside_writer(Beside<Rows>& state, std::size_t row_count, std::size_t reads) {
  std::atomic<bool> end{false};
  std::atomic<std::size_t> progress{state.written};
  auto writer = std::async(std::launch::async, [&] { write_until(state, end, progress); });
  // A writer that fails ends the waiting, and get() then says why.
  const auto failed = [&] { return writer.wait_for(std::chrono::seconds(0)) == std::future_status::ready; };
  // relaxed: see write_until(), as for `end` below; what the writer left is visible once get() returns.
  while (progress.load(std::memory_order_relaxed) == state.written_before && !failed()) {
  }
  read(state.known->rows, row_count, reads, state.beside);
  end.store(true, std::memory_order_relaxed);
  writer.get();
}

template <typename Rows, typename... Argument>
void add_reader(Suite& suite, const std::string& system, Argument... argument) {
  const std::size_t rows = suite.scale().rows;
  const std::size_t reads = 5 * suite.scale().operations;
  const std::string subject = "get of a random row through a fresh snapshot";
  auto state = std::make_shared<Beside<Rows>>();
  suite.add({.subject = subject,
             .system = system,
             .items = 0,
             .prepare =
                 [=] {
                   if (!state->known) state->known.emplace(rows, argument...);
                   state->alone = {};
                   state->beside = {};
                   state->written_before = state->written;
                 },
             .run =
                 [=] {
                   read(state->known->rows, rows, reads, state->alone);
                   read_beside_writer(*state, rows, reads);
                 },
             .check =
                 [=] {
                   for (std::size_t change = state->written_before + 1; change <= state->written; ++change) {
                     state->known->changes[random_key(~change, rows)] = change;
                   }
                   return state->alone.wrong == 0 && state->beside.wrong == 0 &&
                          state->written > state->written_before && state->known->holds();
                 },
             .figures =
                 [=] {
                   const Histogram& alone = state->alone.latency;
                   const Histogram& beside = state->beside.latency;
                   std::vector<Figure> out = percentiles(alone, subject + ", alone", system, {0.5, 0.99, 0.999, 1});
                   for (Figure& figure :
                        percentiles(beside, subject + ", beside a flat-out writer", system, {0.5, 0.99, 0.999, 1})) {
                     out.push_back(std::move(figure));
                   }
                   const double ratio =
                       static_cast<double>(beside.quantile(0.99)) / static_cast<double>(alone.quantile(0.99));
                   out.push_back({subject + ", beside a flat-out writer: p99, to that alone", system, "times", ratio});
                   out.push_back({"update of a random row by that writer", system, "ns", state->write_ns});
                   return out;
                 }});
}

// -- producers --

using SharedKnown = std::shared_ptr<std::unique_ptr<Known<StoaRows>>>;

// Each has keys of its own, so that it is known what is last.
std::size_t key_of(std::size_t producer, std::size_t i, std::size_t rows, std::size_t producers) {
  const std::size_t keys = rows / producers;
  return producer * keys + random_key(i, keys);
}

void add_producers(Suite& suite, std::size_t producers, const SharedKnown& known) {
  const std::size_t rows = suite.scale().rows;
  const std::size_t each = suite.scale().operations / producers;
  auto round = std::make_shared<std::size_t>(0);
  suite.add({.subject = fmt::format("random update, {} in flight of all producers", in_flight_max),
             .system = fmt::format("stoa, {} producer{}", producers, producers == 1 ? "" : "s"),
             .items = each * producers,
             .prepare =
                 [=] {
                   if (!*known) *known = std::make_unique<Known<StoaRows>>(rows, Submit::in_flight);
                   ++*round;
                 },
             .run =
                 [=] {
                   std::vector<std::future<void>> all;
                   for (std::size_t producer = 0; producer < producers; ++producer) {
                     all.push_back(std::async(std::launch::async, [=] {
                       InFlight in_flight(in_flight_max / producers);
                       for (std::size_t i = 0; i < each; ++i) {
                         const std::size_t key = key_of(producer, i, rows, producers);
                         in_flight.submit((*known)->rows.update(key, row_of(key, *round + i)));
                       }
                       in_flight.wait();
                     }));
                   }
                   for (auto& producer : all) producer.get();
                 },
             .check =
                 [=] {
                   for (std::size_t producer = 0; producer < producers; ++producer) {
                     for (std::size_t i = 0; i < each; ++i) {
                       (*known)->changes[key_of(producer, i, rows, producers)] = *round + i;
                     }
                   }
                   return (*known)->holds();
                 }});
}

// -- a thread that waits --

void add_waiting(Suite& suite, const SharedKnown& known) {
  const std::size_t rows = suite.scale().rows;
  const std::size_t count = suite.scale().operations_waited;
  const std::string subject = "random update, each waited for by commit()";
  struct State {
    Histogram latency;
    std::size_t round = 0;
  };
  auto state = std::make_shared<State>();
  suite.add({.subject = subject,
             .system = "stoa",
             .items = count,
             .prepare =
                 [=] {
                   if (!*known) *known = std::make_unique<Known<StoaRows>>(rows, Submit::in_flight);
                   ++state->round;
                   state->latency = {};
                 },
             .run =
                 [=] {
                   auto before = SteadyClock::now();
                   for (std::size_t i = 0; i < count; ++i) {
                     const std::size_t key = random_key(i, rows);
                     (void)value_of((*known)->rows.update(key, row_of(key, state->round + i)).commit());
                     const auto now = SteadyClock::now();
                     state->latency.add(static_cast<std::uint64_t>((now - before).count()));
                     before = now;
                   }
                 },
             .check =
                 [=] {
                   for (std::size_t i = 0; i < count; ++i) (*known)->changes[random_key(i, rows)] = state->round + i;
                   return (*known)->holds();
                 },
             .figures =
                 [=] {
                   return percentiles(state->latency, subject, "stoa", {0.5, 0.99, 0.999, 1});
                 }});
}

}  // namespace

void add_concurrency(Suite& suite) {
  add_reader<LmdbRows>(suite, "lmdb");
  add_reader<StoaRows>(suite, "stoa, step", Submit::step);
  // Three threads: where there are two cores, the reader has to give way to the others.
  add_reader<StoaRows>(suite, "stoa, 1000 in flight", Submit::in_flight);
  suite.run();
  auto known = std::make_shared<std::unique_ptr<Known<StoaRows>>>();
  for (std::size_t producers : {1, 2, 4, 8}) add_producers(suite, producers, known);
  add_waiting(suite, known);
}

}  // namespace bench
