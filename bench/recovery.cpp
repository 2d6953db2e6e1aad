// Opening a folder: with a million transactions of one row in the log, beside LevelDB with as many in its own, and with
// a checkpoint, beside reading that file. The system's cache has none of the files: stoa drops what it reads of a log
// from it in any case, so only so are the others in the same state.
#include "folder.h"
#include "found.h"
#include "in_flight.h"
#include "peers/store.h"
#include "suite.h"
#include "world.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <leveldb/db.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bench {
namespace {

Place place_of(std::size_t key) {
  const Position row = first_position(key);
  return {row.x, row.y, row.z};
}

// -- stoa --

stoa::Database open_stoa(const Folder& folder) {
  stoa::Schema schema("recovery");
  schema.table<Place>("place");
  schema.table<Speed>("speed");
  stoa::Options options;
  options.durability = stoa::Durability::none();  // what is there is made quickly; opening does not look at it
  return value_of(stoa::Database::open(folder.path(), schema, options));
}

void close(stoa::Database& database) {
  if (auto closed = database.close(); !closed) throw std::runtime_error("stoa: " + closed.error().message());
}

/// `make` fills it; then it is opened by the benchmark as often as is asked for, which leaves it as it is.
struct StoaFolder {
  template <typename Make>
  explicit StoaFolder(Make make) : folder(on_disk()) {
    stoa::Database database = open_stoa(folder);
    make(database);
    close(database);
  }
  [[nodiscard]] Found found() {
    Found out;
    opened->snapshot().each<Place>([&](stoa::Entity, const Place& row) { out.add(row); });
    return out;
  }
  void shut() {
    close(*opened);
    opened.reset();
  }

  Folder folder;
  std::optional<stoa::Database> opened;
};

void insert_one_by_one(stoa::Database& database, std::size_t rows) {
  InFlight in_flight(in_flight_max);
  for (std::size_t key = 0; key < rows; ++key) {
    stoa::Transaction tx = database.begin();
    tx.insert(tx.create(), place_of(key));
    in_flight.submit(std::move(tx));
  }
  in_flight.wait();
}

void add_stoa_log(Suite& suite, const std::string& subject) {
  const std::size_t rows = suite.scale().rows;
  auto state = std::make_shared<std::unique_ptr<StoaFolder>>();
  suite.add({.subject = subject,
             .system = "stoa",
             .items = rows,
             .prepare =
                 [=] {
                   if (!*state) {
                     *state = std::make_unique<StoaFolder>(
                         [rows](stoa::Database& database) { insert_one_by_one(database, rows); });
                   }
                   make_cold((*state)->folder.path());
                 },
             .run = [=] { (*state)->opened.emplace(open_stoa((*state)->folder)); },
             .check =
                 [=] {
                   const bool from_log = (*state)->opened->recovery().transactions == rows;
                   const bool right = from_log && (*state)->found() == first_found(rows);
                   (*state)->shut();
                   return right;
                 }});
}

// -- LevelDB --

/// All of the log is there when it is closed, as the table in memory is larger than all that is written.
///
/// Its best: the log is taken up where it is, rather than written into a table first and begun anew. That also leaves
/// the folder as it is for the next time.
struct LevelFolder {
  explicit LevelFolder(std::size_t rows) : folder(on_disk()) {
    open();
    for (std::size_t key = 0; key < rows; ++key) {
      const Position row = first_position(key);
      need(opened->Put({}, {reinterpret_cast<const char*>(&key), sizeof key},
                       {reinterpret_cast<const char*>(&row), sizeof row}));
    }
    opened.reset();
  }
  void open() {
    leveldb::Options options;
    options.create_if_missing = true;
    options.reuse_logs = true;
    options.write_buffer_size = std::size_t{1} << 30U;
    leveldb::DB* db = nullptr;
    need(leveldb::DB::Open(options, folder.path().string(), &db));
    opened.reset(db);
  }
  [[nodiscard]] Found found() const {
    Found out;
    const std::unique_ptr<leveldb::Iterator> at(opened->NewIterator({}));
    for (at->SeekToFirst(); at->Valid(); at->Next()) {
      Position row;
      if (at->value().size() != sizeof row) throw std::runtime_error("leveldb: a value of another size");
      std::memcpy(&row, at->value().data(), sizeof row);
      out.add(row);
    }
    return out;
  }
  static void need(const leveldb::Status& status) {
    if (!status.ok()) throw std::runtime_error("leveldb: " + status.ToString());
  }
  // Nothing is in tables: what was found came from the log.
  [[nodiscard]] bool from_log() const {
    std::string files;
    return opened->GetProperty("leveldb.num-files-at-level0", &files) && files == "0";
  }

  Folder folder;
  std::unique_ptr<leveldb::DB> opened;
};

void add_level_log(Suite& suite, const std::string& subject) {
  const std::size_t rows = suite.scale().rows;
  auto state = std::make_shared<std::unique_ptr<LevelFolder>>();
  suite.add({.subject = subject,
             .system = "leveldb",
             .items = rows,
             .prepare =
                 [=] {
                   if (!*state) *state = std::make_unique<LevelFolder>(rows);
                   make_cold((*state)->folder.path());
                 },
             .run = [=] { (*state)->open(); },
             .check =
                 [=] {
                   const bool right = (*state)->from_log() && (*state)->found() == first_found(rows);
                   (*state)->opened.reset();
                   return right;
                 }});
}

// -- a checkpoint --

struct Checkpoint {
  explicit Checkpoint(std::size_t rows) : made([rows](stoa::Database& database) { fill(database, rows); }) {
    for (const auto& entry : std::filesystem::directory_iterator(made.folder.path())) {
      const std::string name = entry.path().filename().string();
      // Of two the second is what is opened: their names are of one length, and in order.
      if (name.starts_with("checkpoint-") && name > file.filename().string()) file = entry.path();
    }
    bytes = std::filesystem::file_size(file);
  }
  // Two checkpoints, as a database has that has run for some time: all that is before the first is gone from the log.
  static void fill(stoa::Database& database, std::size_t rows) {
    stoa::Entity first;
    for (std::size_t key = 0; key < rows;) {
      stoa::Transaction tx = database.begin();
      for (const std::size_t end = std::min(rows, key + 10'000); key < end; ++key) {
        const stoa::Entity entity = tx.create();
        if (key == 0) first = entity;
        tx.insert(entity, place_of(key)).insert(entity, Speed{1, 2, 3});
      }
      (void)value_of(std::move(tx).commit());
    }
    (void)value_of(database.checkpoint());
    stoa::Transaction tx = database.begin();
    tx.update(first, Speed{4, 5, 6});
    (void)value_of(std::move(tx).commit());
    (void)value_of(database.checkpoint());
  }
  void read_file() {
    const OpenFile in(file, O_RDONLY);
    (void)::posix_fadvise(in.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    read_bytes = 0;
    while (const ssize_t got = ::read(in.get(), buffer.data(), buffer.size())) {
      if (got < 0) throw std::runtime_error("cannot read " + file.string());
      read_bytes += static_cast<std::size_t>(got);
    }
  }

  StoaFolder made;
  std::filesystem::path file;
  std::size_t bytes = 0;
  std::vector<std::byte> buffer = std::vector<std::byte>(std::size_t{1} << 20U);
  std::size_t read_bytes = 0;
  std::chrono::nanoseconds took{};
};
using SharedCheckpoint = std::shared_ptr<std::unique_ptr<Checkpoint>>;

void add_checkpoint(Suite& suite, const char* system, const SharedCheckpoint& state, void (*run)(Checkpoint&),
                    bool (*is_right)(Checkpoint&, std::size_t rows)) {
  const std::size_t rows = suite.scale().rows;
  const std::string subject =
      fmt::format("opening a folder from a checkpoint of {} rows in two tables{}", rows, disk_note());
  suite.add({.subject = subject,
             .system = system,
             .items = rows,
             .prepare =
                 [=] {
                   if (!*state) *state = std::make_unique<Checkpoint>(rows);
                   make_cold((*state)->made.folder.path());
                 },
             .run =
                 [=] {
                   const auto before = std::chrono::steady_clock::now();
                   run(**state);
                   (*state)->took = std::chrono::steady_clock::now() - before;
                 },
             .check = [=] { return is_right(**state, rows); },
             .figures =
                 [=] {
                   const double megabytes = static_cast<double>((*state)->bytes) / 1e6;
                   const double seconds = std::chrono::duration<double>((*state)->took).count();
                   return std::vector<Figure>{{subject + ": rate", system, "MB/s", megabytes / seconds}};
                 }});
}

void add_checkpoint(Suite& suite) {
  auto state = std::make_shared<std::unique_ptr<Checkpoint>>();
  add_checkpoint(
      suite, "reading the file", state, [](Checkpoint& at) { at.read_file(); },
      [](Checkpoint& at, std::size_t) { return at.read_bytes == at.bytes; });
  add_checkpoint(
      suite, "stoa", state, [](Checkpoint& at) { at.made.opened.emplace(open_stoa(at.made.folder)); },
      [](Checkpoint& at, std::size_t rows) {
        const stoa::Recovery& recovery = at.made.opened->recovery();
        const bool right = recovery.transactions == 0 && recovery.checkpoint == recovery.version &&
                           at.made.found() == first_found(rows);
        at.made.shut();
        return right;
      });
}

}  // namespace

void add_recovery(Suite& suite) {
  const std::string subject =
      fmt::format("opening a folder with {} transactions of one row in its log{}", suite.scale().rows, disk_note());
  add_level_log(suite, subject);
  add_stoa_log(suite, subject);
  add_checkpoint(suite);
}

}  // namespace bench
