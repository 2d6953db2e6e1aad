// Foreign keys: children that name one of many parents, and a parent that takes its children along. Beside it SQLite in
// memory.
#include "in_flight.h"
#include "suite.h"
#include "world.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bench {

struct Parent {
  std::uint32_t number;
};
BOOST_DESCRIBE_STRUCT(Parent, (), (number))
struct Child {
  stoa::Entity parent;
  std::uint32_t value;
};
BOOST_DESCRIBE_STRUCT(Child, (), (parent, value))

namespace {

constexpr std::size_t children_per_parent = 100;

/// Parents are numbered from 0, children in the order of their making: child i names parent i % parents, and has value
/// i. What is left of them is told as their number and a sum over each and its parent.
struct Left {
  std::uint64_t children = 0;
  std::uint64_t sum = 0;
  void add(std::uint64_t parent, std::uint64_t value) {
    ++children;
    sum += (parent + 1) * (value + 1);
  }
  friend bool operator==(const Left&, const Left&) = default;
};

/// Each insert is judged by the rule that there is a parent.
class Family {
 public:
  Family() = default;
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;
  virtual ~Family() = default;
  /// The next `count` children, in transactions of so many.
  virtual void insert(std::size_t count, std::size_t rows_per_transaction) = 0;
  /// Each in a transaction, with its children.
  virtual void erase(std::span<const std::uint32_t> parents) = 0;
  /// Of all children, also of those whose parent is gone.
  [[nodiscard]] virtual Left left() = 0;
  /// Whether a child is turned away whose parent does not exist.
  [[nodiscard]] virtual bool refuses_orphan() = 0;
};

// Its best for one thread: no mutexes, prepared statements, a single row without BEGIN. The journal stays at memory,
// the default of a database that is there: without one a failed statement would leave half of itself.
class SqliteFamily final : public Family {
 public:
  explicit SqliteFamily(std::size_t parents) : parents_(parents) {
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    need(sqlite3_open_v2(":memory:", &db_, flags, nullptr), SQLITE_OK, "open");
    execute("PRAGMA foreign_keys = ON");
    execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)");
    execute(
        "CREATE TABLE child (id INTEGER PRIMARY KEY, value INTEGER NOT NULL,"
        " parent INTEGER NOT NULL REFERENCES parent (id) ON DELETE CASCADE)");
    execute("CREATE INDEX child_parent ON child (parent)");
    insert_ = prepared("INSERT INTO child (value, parent) VALUES (?1, ?2)");
    erase_ = prepared("DELETE FROM parent WHERE id = ?1");
    sqlite3_stmt* add = prepared("INSERT INTO parent (id) VALUES (?1)");
    execute("BEGIN");
    for (std::size_t i = 0; i < parents; ++i) run(add, i);
    execute("COMMIT");
    sqlite3_finalize(add);
  }
  ~SqliteFamily() override {
    sqlite3_finalize(insert_);
    sqlite3_finalize(erase_);
    sqlite3_close(db_);
  }

  void insert(std::size_t count, std::size_t rows_per_transaction) override {
    for (const std::size_t end = children_ + count; children_ < end;) {
      if (rows_per_transaction == 1) {
        insert_next();
        continue;
      }
      execute("BEGIN");
      for (std::size_t last = std::min(end, children_ + rows_per_transaction); children_ < last;) insert_next();
      execute("COMMIT");
    }
  }
  void erase(std::span<const std::uint32_t> parents) override {
    for (std::uint32_t parent : parents) run(erase_, parent);
  }
  [[nodiscard]] Left left() override {
    Left out;
    sqlite3_stmt* all = prepared("SELECT parent, value FROM child");
    while (sqlite3_step(all) == SQLITE_ROW) {
      out.add(static_cast<std::uint64_t>(sqlite3_column_int64(all, 0)),
              static_cast<std::uint64_t>(sqlite3_column_int64(all, 1)));
    }
    sqlite3_finalize(all);
    return out;
  }
  [[nodiscard]] bool refuses_orphan() override {
    sqlite3_bind_int64(insert_, 1, 0);
    sqlite3_bind_int64(insert_, 2, static_cast<sqlite3_int64>(parents_));
    const int status = sqlite3_step(insert_);
    sqlite3_reset(insert_);
    return status == SQLITE_CONSTRAINT;
  }

 private:
  void need(int status, int expected, const char* call) const {
    if (status != expected) throw std::runtime_error(std::string("sqlite: ") + call + ": " + sqlite3_errmsg(db_));
  }
  void execute(const char* sql) const { need(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr), SQLITE_OK, sql); }
  [[nodiscard]] sqlite3_stmt* prepared(const char* sql) const {
    sqlite3_stmt* out = nullptr;
    need(sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &out, nullptr), SQLITE_OK, sql);
    return out;
  }
  void run(sqlite3_stmt* statement, std::size_t first) const {
    sqlite3_bind_int64(statement, 1, static_cast<sqlite3_int64>(first));
    need(sqlite3_step(statement), SQLITE_DONE, "step");
    sqlite3_reset(statement);
  }
  void insert_next() {
    sqlite3_bind_int64(insert_, 2, static_cast<sqlite3_int64>(children_ % parents_));
    run(insert_, children_);
    ++children_;
  }

  std::size_t parents_;
  std::size_t children_ = 0;
  sqlite3* db_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* erase_ = nullptr;
};

enum class Submit { step, in_flight };

class StoaFamily final : public Family {
 public:
  StoaFamily(std::size_t parents, Submit submit) : submit_(submit), db_(open(submit)), in_flight_(in_flight_max) {
    stoa::Transaction tx = db_.begin();
    for (std::size_t i = 0; i < parents; ++i) {
      parents_.push_back(tx.create());
      tx.insert(parents_.back(), Parent{static_cast<std::uint32_t>(i)});
    }
    commit_tx(std::move(tx));
    in_flight_.wait();
  }

  void insert(std::size_t count, std::size_t rows_per_transaction) override {
    for (const std::size_t end = children_ + count; children_ < end;) {
      stoa::Transaction tx = db_.begin();
      for (std::size_t last = std::min(end, children_ + rows_per_transaction); children_ < last; ++children_) {
        tx.insert(tx.create(), Child{parents_[children_ % parents_.size()], static_cast<std::uint32_t>(children_)});
      }
      commit_tx(std::move(tx));
    }
    in_flight_.wait();
  }
  void erase(std::span<const std::uint32_t> parents) override {
    for (std::uint32_t parent : parents) {
      stoa::Transaction tx = db_.begin();
      tx.destroy(parents_[parent]);
      commit_tx(std::move(tx));
    }
    in_flight_.wait();
  }
  [[nodiscard]] Left left() override {
    const stoa::Snapshot now = db_.snapshot();
    Left out;
    now.each<Child>([&](stoa::Entity, const Child& child) {
      if (const Parent* parent = now.get<Parent>(child.parent)) out.add(parent->number, child.value);
    });
    // Children that lost their parent and stayed are too many, and the index has to know as many.
    std::size_t indexed = 0;
    for (stoa::Entity parent : parents_) {
      for ([[maybe_unused]] stoa::Entity child : now.referrers<&Child::parent>(parent)) ++indexed;
    }
    if (now.count<Child>() != out.children || indexed != out.children) throw std::runtime_error("stoa: orphans");
    return out;
  }
  [[nodiscard]] bool refuses_orphan() override {
    stoa::Transaction tx = db_.begin();
    const stoa::Entity orphan = tx.create();
    tx.insert(orphan, Child{orphan, 0});  // alive by then, and no parent
    stoa::CommitTicket ticket = std::move(tx).submit();
    if (submit_ == Submit::step) db_.step();
    const auto answer = ticket.get();
    return !answer && answer.error().code() == stoa::ErrorCode::constraint_violation;
  }

 private:
  static stoa::Database open(Submit submit) {
    stoa::Schema schema("family");
    schema.table<Parent>("parent");
    schema.table<Child>("child").required<&Child::parent>().foreign_key<&Child::parent>("parent",
                                                                                        stoa::OnDelete::cascade);
    return submit == Submit::step ? open_manual(schema) : value_of(stoa::Database::in_memory(schema));
  }
  void commit_tx(stoa::Transaction tx) {
    if (submit_ == Submit::step) {
      commit(db_, std::move(tx));
    } else {
      in_flight_.submit(std::move(tx));
    }
  }

  Submit submit_;
  stoa::Database db_;
  InFlight in_flight_;
  std::vector<stoa::Entity> parents_;
  std::size_t children_ = 0;
};

struct System {
  const char* name;
  std::unique_ptr<Family> (*make)(std::size_t parents);
};
constexpr System systems[] = {
    {"sqlite", [](std::size_t parents) -> std::unique_ptr<Family> { return std::make_unique<SqliteFamily>(parents); }},
    {"stoa, step",
     [](std::size_t parents) -> std::unique_ptr<Family> {
       return std::make_unique<StoaFamily>(parents, Submit::step);
     }},
    {"stoa, 1000 in flight",
     [](std::size_t parents) -> std::unique_ptr<Family> {
       return std::make_unique<StoaFamily>(parents, Submit::in_flight);
     }},
};

using SharedFamily = std::shared_ptr<std::unique_ptr<Family>>;

void add_insert(Suite& suite, const System& system, std::size_t rows_per_transaction) {
  const std::size_t count = suite.scale().operations;
  const std::size_t parents = suite.scale().rows_small;
  auto family = std::make_shared<std::unique_ptr<Family>>();
  suite.add({.subject = fmt::format("insert of a child of one of {} parents, {} to a transaction", parents,
                                    rows_per_transaction),
             .system = system.name,
             .items = count,
             .prepare =
                 [=, make = system.make] {
                   family->reset();
                   *family = make(parents);
                 },
             .run = [=] { (*family)->insert(count, rows_per_transaction); },
             .check =
                 [=] {
                   Left expected;
                   for (std::size_t i = 0; i < count; ++i) expected.add(i % parents, i);
                   const bool right = (*family)->left() == expected && (*family)->refuses_orphan();
                   family->reset();
                   return right;
                 }});
}

// Half of the parents go, in no order, so that the other half can tell whether theirs stayed.
void add_cascade(Suite& suite, const System& system) {
  const std::size_t parents = std::max<std::size_t>(2, suite.scale().operations / children_per_parent);
  auto family = std::make_shared<std::unique_ptr<Family>>();
  auto erased = std::make_shared<std::vector<std::uint32_t>>();
  for (std::uint32_t parent = 0; parent < parents; parent += 2) erased->push_back(parent);
  std::shuffle(erased->begin(), erased->end(), std::mt19937_64(1));
  suite.add({.subject = fmt::format("delete of a parent, and with it of its {} children", children_per_parent),
             .system = system.name,
             .items = erased->size(),
             .prepare =
                 [=, make = system.make] {
                   family->reset();
                   *family = make(parents);
                   (*family)->insert(parents * children_per_parent, 1000);
                 },
             .run = [=] { (*family)->erase(*erased); },
             .check =
                 [=] {
                   Left expected;
                   for (std::size_t i = 0; i < parents * children_per_parent; ++i) {
                     if (i % parents % 2 != 0) expected.add(i % parents, i);
                   }
                   const bool right = (*family)->left() == expected;
                   family->reset();
                   return right;
                 }});
}

}  // namespace

void add_relations(Suite& suite) {
  for (std::size_t rows_per_transaction : {std::size_t{1}, std::size_t{1000}}) {
    for (const System& system : systems) add_insert(suite, system, rows_per_transaction);
  }
  for (const System& system : systems) add_cascade(suite, system);
}

}  // namespace bench
