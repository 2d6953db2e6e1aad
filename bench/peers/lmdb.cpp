#include "peers/lmdb.h"

#include <lmdb.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>

namespace bench {
namespace {

void check(int status, const char* call) {
  if (status != MDB_SUCCESS) throw std::runtime_error(std::string("lmdb: ") + call + ": " + mdb_strerror(status));
}

/// A folder in memory where the system has one for it; its names are gone with this object.
class MemoryFolder {
 public:
  MemoryFolder() {
    const std::filesystem::path shm = "/dev/shm";
    std::string name =
        ((std::filesystem::exists(shm) ? shm : std::filesystem::temp_directory_path()) / "stoa-bench-XXXXXX");
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("lmdb: cannot make a folder like " + name);
    path_ = name;
  }
  ~MemoryFolder() { std::filesystem::remove_all(path_); }
  MemoryFolder(const MemoryFolder&) = delete;
  MemoryFolder& operator=(const MemoryFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class Transaction {
 public:
  Transaction(MDB_env* env, unsigned flags) { check(mdb_txn_begin(env, nullptr, flags, &txn_), "mdb_txn_begin"); }
  ~Transaction() {
    if (txn_ != nullptr) mdb_txn_abort(txn_);
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  [[nodiscard]] MDB_txn* get() const { return txn_; }
  void commit() { check(mdb_txn_commit(std::exchange(txn_, nullptr)), "mdb_txn_commit"); }

 private:
  MDB_txn* txn_ = nullptr;
};

class Cursor {
 public:
  Cursor(const Transaction& txn, MDB_dbi table) {
    check(mdb_cursor_open(txn.get(), table, &cursor_), "mdb_cursor_open");
  }
  ~Cursor() { mdb_cursor_close(cursor_); }
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  /// The next row, the first one at first; nullptr after the last.
  template <typename Row>
  [[nodiscard]] const Row* next() {
    const int status = mdb_cursor_get(cursor_, &key_, &value_, MDB_NEXT);
    if (status == MDB_NOTFOUND) return nullptr;
    check(status, "mdb_cursor_get");
    return static_cast<const Row*>(value_.mv_data);
  }
  /// Replaces the row that next() found.
  template <typename Row>
  void put(const Row& row) {
    MDB_val value{sizeof row, const_cast<Row*>(&row)};
    check(mdb_cursor_put(cursor_, &key_, &value, MDB_CURRENT), "mdb_cursor_put");
  }

 private:
  MDB_cursor* cursor_ = nullptr;
  MDB_val key_{};
  MDB_val value_{};
};

class LmdbStore final : public Store {
 public:
  explicit LmdbStore(std::size_t rows) : rows_(rows) {
    const MemoryFolder folder;  // only its open files are needed, and a killed process leaves none behind
    check(mdb_env_create(&env_), "mdb_env_create");
    check(mdb_env_set_maxdbs(env_, 2), "mdb_env_set_maxdbs");
    check(mdb_env_set_mapsize(env_, std::size_t{1} << 30U), "mdb_env_set_mapsize");
    check(mdb_env_open(env_, folder.path().c_str(), MDB_WRITEMAP | MDB_NOSYNC, 0600), "mdb_env_open");
    Transaction txn(env_, 0);
    positions_ = open(txn, "position");
    velocities_ = open(txn, "velocity");
    for (std::size_t key = 0; key < rows; ++key) {
      put(txn, positions_, key, first_position(key), MDB_APPEND);
      put(txn, velocities_, key, first_velocity(key), MDB_APPEND);
    }
    txn.commit();
  }
  ~LmdbStore() override { mdb_env_close(env_); }

  [[nodiscard]] std::size_t rows() const override { return rows_; }
  [[nodiscard]] Handle handle(std::uint32_t key) const override { return key; }

  void insert(std::span<const Position> rows, std::size_t rows_per_transaction) override {
    while (!rows.empty()) {
      const auto batch = rows.first(std::min(rows_per_transaction, rows.size()));
      rows = rows.subspan(batch.size());
      Transaction txn(env_, 0);
      for (const Position& row : batch) put(txn, positions_, rows_++, row, 0);
      txn.commit();
    }
  }
  void update(std::span<const Write> writes, std::size_t writes_per_transaction) override {
    while (!writes.empty()) {
      const auto batch = writes.first(std::min(writes_per_transaction, writes.size()));
      writes = writes.subspan(batch.size());
      Transaction txn(env_, 0);
      for (const Write& write : batch) put(txn, positions_, write.handle, write.row, 0);
      txn.commit();
    }
  }
  [[nodiscard]] std::uint64_t get(std::span<const Handle> handles) override {
    const Transaction txn(env_, MDB_RDONLY);
    std::uint64_t sum = 0;
    for (Handle handle : handles) sum += digest(position(txn, handle));
    return sum;
  }
  // One handle of a transaction, reset and renewed: the faster of LMDB's ways.
  [[nodiscard]] std::uint64_t get_fresh(std::span<const Handle> handles) override {
    const Transaction txn(env_, MDB_RDONLY);
    std::uint64_t sum = 0;
    for (Handle handle : handles) {
      mdb_txn_reset(txn.get());
      check(mdb_txn_renew(txn.get()), "mdb_txn_renew");
      sum += digest(position(txn, handle));
    }
    return sum;
  }
  [[nodiscard]] std::uint64_t scan_one() override {
    const Transaction txn(env_, MDB_RDONLY);
    Cursor cursor(txn, positions_);
    std::uint64_t sum = 0;
    while (const auto* row = cursor.next<Position>()) sum += digest(*row);
    return sum;
  }
  [[nodiscard]] std::uint64_t scan_two() override {
    const Transaction txn(env_, MDB_RDONLY);
    Cursor positions(txn, positions_);
    Cursor velocities(txn, velocities_);
    std::uint64_t sum = 0;
    while (const auto* row = positions.next<Position>()) sum += digest(*row) + digest(*velocities.next<Velocity>());
    return sum;
  }
  void move_all() override {
    Transaction txn(env_, 0);
    {
      Cursor positions(txn, positions_);
      Cursor velocities(txn, velocities_);
      while (const auto* row = positions.next<Position>()) {
        const auto& velocity = *velocities.next<Velocity>();
        positions.put(Position{row->x + velocity.x, row->y + velocity.y, row->z + velocity.z});
      }
    }
    txn.commit();
  }
  [[nodiscard]] std::vector<Position> dump() override {
    const Transaction txn(env_, MDB_RDONLY);
    Cursor cursor(txn, positions_);
    std::vector<Position> out;
    while (const auto* row = cursor.next<Position>()) out.push_back(*row);
    return out;
  }

 private:
  static MDB_dbi open(const Transaction& txn, const char* name) {
    MDB_dbi table = 0;
    check(mdb_dbi_open(txn.get(), name, MDB_CREATE | MDB_INTEGERKEY, &table), "mdb_dbi_open");
    return table;
  }
  template <typename Row>
  static void put(const Transaction& txn, MDB_dbi table, std::uint64_t key, const Row& row, unsigned flags) {
    MDB_val key_value{sizeof key, &key};
    MDB_val value{sizeof row, const_cast<Row*>(&row)};
    check(mdb_put(txn.get(), table, &key_value, &value, flags), "mdb_put");
  }
  [[nodiscard]] const Position& position(const Transaction& txn, std::uint64_t key) const {
    MDB_val key_value{sizeof key, &key};
    MDB_val value{};
    check(mdb_get(txn.get(), positions_, &key_value, &value), "mdb_get");
    return *static_cast<const Position*>(value.mv_data);
  }

  std::size_t rows_;
  MDB_env* env_ = nullptr;
  MDB_dbi positions_ = 0;
  MDB_dbi velocities_ = 0;
};

}  // namespace

std::unique_ptr<Store> make_lmdb(std::size_t rows) { return std::make_unique<LmdbStore>(rows); }

}  // namespace bench
