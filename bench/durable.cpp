// Transactions of one row that are on the disk when they are answered: one thread that waits for each, eight that do,
// and one that has 1,000 on their way. Beside them the system's own price, and stores that share a sync among threads.
#include "folder.h"
#include "found.h"
#include "histogram.h"
#include "in_flight.h"
#include "peers/store.h"
#include "suite.h"
#include "world.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <leveldb/db.h>
#include <rocksdb/db.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <future>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bench {
namespace {

Position row_of(std::uint64_t key) { return first_position(key); }

class DurableStore {
 public:
  DurableStore() = default;
  DurableStore(const DurableStore&) = delete;
  DurableStore& operator=(const DurableStore&) = delete;
  virtual ~DurableStore() = default;
  /// A new key's row, on the disk when this returns. Threads: any.
  virtual void commit(std::uint64_t key) = 0;
  /// Keys from 0, many on their way at a time; returns when all are on the disk.
  virtual void commit_many(std::size_t) { throw std::logic_error("this store cannot have many on their way"); }
  /// Closes, and reads what is on the disk.
  [[nodiscard]] virtual Found reopened() = 0;
};

/// A frame of stoa's log: its header, and for each transaction a header and a body with an entity and a row.
constexpr std::size_t frame_header_bytes = 56;
constexpr std::size_t record_header_bytes = 32;
constexpr std::size_t body_bytes = 16;
constexpr std::size_t frame_bytes(std::size_t records) {
  return frame_header_bytes + records * (record_header_bytes + body_bytes);
}

/// A file that was written full of zeros before, so that a sync has no more to write than what is new: what the system
/// takes for a log of as many bytes as stoa's, and nothing else.
class RawLog final : public DurableStore {
 public:
  explicit RawLog(std::size_t records) : folder_(on_disk()), file_(folder_.path() / "log", O_RDWR | O_CREAT) {
    write(std::vector<char>(records * frame_bytes(1)));
    if (::fsync(file_.get()) != 0) throw std::runtime_error("raw log: fsync failed");
    end_ = 0;
  }
  void commit(std::uint64_t key) override { commit(key, 1); }
  void commit_many(std::size_t count) override {
    for (std::size_t first = 0; first < count; first += in_flight_max) {
      commit(first, std::min(in_flight_max, count - first));
    }
  }
  [[nodiscard]] Found reopened() override {
    std::vector<char> all(end_);
    if (::pread(file_.get(), all.data(), all.size(), 0) != static_cast<ssize_t>(all.size())) {
      throw std::runtime_error("raw log: pread failed");
    }
    Found out;
    for (std::size_t at = 0; at < all.size();) {
      std::size_t records = 0;
      std::memcpy(&records, &all[at], sizeof records);
      for (std::size_t i = 0; i < records; ++i) {
        Position row;
        std::memcpy(&row, &all[at + frame_bytes(i)], sizeof row);
        out.add(row);
      }
      at += frame_bytes(records);
    }
    return out;
  }

 private:
  void commit(std::uint64_t first, std::size_t records) {
    buffer_.assign(frame_bytes(records), '\1');
    std::memcpy(buffer_.data(), &records, sizeof records);
    for (std::size_t i = 0; i < records; ++i) {
      const Position row = row_of(first + i);
      std::memcpy(&buffer_[frame_bytes(i)], &row, sizeof row);
    }
    write(buffer_);
    if (::fdatasync(file_.get()) != 0) throw std::runtime_error("raw log: fdatasync failed");
  }
  void write(std::span<const char> bytes) {
    const ssize_t done = ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(end_));
    if (done != static_cast<ssize_t>(bytes.size())) throw std::runtime_error("raw log: pwrite failed");
    end_ += bytes.size();
  }

  Folder folder_;
  OpenFile file_;
  std::size_t end_ = 0;
  std::vector<char> buffer_;
};

class DurableStoa final : public DurableStore {
 public:
  DurableStoa() : folder_(on_disk()) {
    open();
    // Begins the log, as the others do when they are opened.
    stoa::Transaction tx = db_->begin();
    (void)tx.create();
    (void)value_of(std::move(tx).commit());
  }

  void commit(std::uint64_t key) override { (void)value_of(insert(key).commit()); }
  void commit_many(std::size_t count) override {
    InFlight in_flight(in_flight_max);
    for (std::size_t key = 0; key < count; ++key) in_flight.submit(insert(key));
    in_flight.wait();
  }
  [[nodiscard]] Found reopened() override {
    if (db_->durable_version() != db_->version()) throw std::runtime_error("stoa: answered before it was durable");
    if (auto closed = db_->close(); !closed) throw std::runtime_error("stoa: " + closed.error().message());
    check_log();
    open();
    Found out;
    db_->snapshot().each<Place>([&](stoa::Entity, const Place& row) { out.add(row); });
    return out;
  }

 private:
  void open() {
    stoa::Schema schema("durable");
    schema.table<Place>("place");
    stoa::Options options;
    options.durability = stoa::Durability::sync();
    db_.reset();
    db_ = std::make_unique<stoa::Database>(value_of(stoa::Database::open(folder_.path(), schema, options)));
  }
  // What the raw log writes is what stoa's does.
  void check_log() const {
    auto log = value_of(stoa::LogReader::open(folder_.path()));
    (void)value_of(log.next());
    const auto logged = value_of(log.next());
    if (!logged || logged->bytes != body_bytes) throw std::runtime_error("stoa: a log of another size");
  }
  [[nodiscard]] stoa::Transaction insert(std::uint64_t key) {
    const Position row = row_of(key);
    stoa::Transaction tx = db_->begin();
    tx.insert(tx.create(), Place{row.x, row.y, row.z});
    return tx;
  }

  Folder folder_;
  std::unique_ptr<stoa::Database> db_;
};

/// RocksDB and LevelDB: the one began as the other, and what is needed of them still has the same names.
template <typename Library>
class DurableLsm final : public DurableStore {
 public:
  explicit DurableLsm(std::size_t records) : folder_(on_disk()) {
    open();
    Library::make_ready(*db_, records);
    write_options_.sync = true;
  }
  void commit(std::uint64_t key) override {
    const Position row = row_of(key);
    need(db_->Put(write_options_, slice_of(key), slice_of(row)), "Put");
  }
  [[nodiscard]] Found reopened() override {
    db_.reset();
    open();
    Found out;
    std::unique_ptr<typename Library::Iterator> at(db_->NewIterator({}));
    for (at->SeekToFirst(); at->Valid(); at->Next()) {
      Position row;
      if (at->value().size() != sizeof row) throw std::runtime_error("a value of another size");
      std::memcpy(&row, at->value().data(), sizeof row);
      out.add(row);
    }
    return out;
  }

 private:
  template <typename T>
  static typename Library::Slice slice_of(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
  }
  static void need(const auto& status, const char* call) {
    if (!status.ok()) throw std::runtime_error(fmt::format("{}: {}", call, status.ToString()));
  }
  void open() {
    typename Library::DB* db = nullptr;
    need(Library::DB::Open(Library::options(), folder_.path().string(), &db), "Open");
    db_.reset(db);
  }

  Folder folder_;
  std::unique_ptr<typename Library::DB> db_;
  typename Library::WriteOptions write_options_;
};

// Its best: threads share a sync by themselves, and the log goes into a file that was a log before, whose blocks the
// file system need not set aside any more. Pipelined writes were no faster.
struct Rocks {
  using DB = rocksdb::DB;
  using Iterator = rocksdb::Iterator;
  using Slice = rocksdb::Slice;
  using WriteOptions = rocksdb::WriteOptions;
  static rocksdb::Options options() {
    rocksdb::Options out;
    out.create_if_missing = true;
    out.recycle_log_file_num = 2;
    return out;
  }
  static void make_ready(DB& db, std::size_t records) {
    const std::string room(records * 2 * frame_bytes(1), '\1');
    if (!db.Put({}, "room", room).ok() || !db.Flush({}).ok() || !db.Delete({}, "room").ok()) {
      throw std::runtime_error("rocksdb: cannot make a log to use again");
    }
  }
};

// As it comes: it has no option that bears on this.
struct Level {
  using DB = leveldb::DB;
  using Iterator = leveldb::Iterator;
  using Slice = leveldb::Slice;
  using WriteOptions = leveldb::WriteOptions;
  static leveldb::Options options() {
    leveldb::Options out;
    out.create_if_missing = true;
    return out;
  }
  static void make_ready(DB&, std::size_t) {}
};

struct System {
  std::string_view name;
  std::unique_ptr<DurableStore> (*make)(std::size_t records);
};
constexpr System raw{"raw fdatasync", [](std::size_t records) -> std::unique_ptr<DurableStore> {
                       return std::make_unique<RawLog>(records);
                     }};
constexpr System rocks{"rocksdb", [](std::size_t records) -> std::unique_ptr<DurableStore> {
                         return std::make_unique<DurableLsm<Rocks>>(records);
                       }};
constexpr System level{"leveldb", [](std::size_t records) -> std::unique_ptr<DurableStore> {
                         return std::make_unique<DurableLsm<Level>>(records);
                       }};
constexpr System stoa_itself{
    "stoa", [](std::size_t) -> std::unique_ptr<DurableStore> { return std::make_unique<DurableStoa>(); }};

struct Run {
  std::unique_ptr<DurableStore> store;
  Histogram latency;
};

/// `work` is what is measured.
template <typename Work>
Case make_case(const std::string& subject, const System& system, std::size_t count, const std::shared_ptr<Run>& run,
               Work work) {
  return {.subject = subject + disk_note(),
          .system = std::string(system.name),
          .items = count,
          .prepare =
              [=, make = system.make] {
                run->store.reset();
                run->store = make(count);
                run->latency = {};
              },
          .run = [=] { work(*run); },
          .check =
              [=] {
                const bool right = run->store->reopened() == first_found(count);
                run->store.reset();
                return right;
              }};
}

void add_one_thread(Suite& suite, const System& system) {
  const std::string subject = "durable commit of one row, by a thread that waits for each";
  // A sync may take as little as 40 us, and as much as 4 ms: few of them are enough.
  const std::size_t count = suite.scale().operations_waited / 40;
  auto run = std::make_shared<Run>();
  Case measured = make_case(subject, system, count, run, [count](Run& at) {
    auto before = std::chrono::steady_clock::now();
    for (std::size_t key = 0; key < count; ++key) {
      at.store->commit(key);
      const auto now = std::chrono::steady_clock::now();
      at.latency.add(static_cast<std::uint64_t>((now - before).count()));
      before = now;
    }
  });
  measured.figures = [run, subject, name = measured.system] {
    return percentiles(run->latency, subject + disk_note(), name, {0.5, 0.99});
  };
  suite.add(std::move(measured));
}

void add_threads(Suite& suite, const System& system) {
  constexpr std::size_t threads = 8;
  const std::size_t count = suite.scale().operations_waited / 8 / threads * threads;
  suite.add(make_case(fmt::format("durable commit of one row, by {} threads that each wait", threads), system, count,
                      std::make_shared<Run>(), [count](Run& at) {
                        std::vector<std::future<void>> all;
                        for (std::size_t thread = 0; thread < threads; ++thread) {
                          all.push_back(std::async(std::launch::async, [&at, count, thread] {
                            for (std::size_t key = thread; key < count; key += threads) at.store->commit(key);
                          }));
                        }
                        for (auto& thread : all) thread.get();
                      }));
}

void add_in_flight(Suite& suite, const System& system) {
  const std::size_t count = suite.scale().operations;
  suite.add(make_case(fmt::format("durable commit of one row, {} of one thread on their way", in_flight_max), system,
                      count, std::make_shared<Run>(), [count](Run& at) { at.store->commit_many(count); }));
}

}  // namespace

void add_durable(Suite& suite) {
  for (const System& system : {raw, rocks, level, stoa_itself}) add_one_thread(suite, system);
  for (const System& system : {rocks, level, stoa_itself}) add_threads(suite, system);
  for (const System& system : {raw, stoa_itself}) add_in_flight(suite, system);
}

}  // namespace bench
