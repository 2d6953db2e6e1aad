#include "peers/lmdb.h"

#include "folder.h"
#include "peers/peers.h"

#include <algorithm>

namespace bench {
namespace lmdb {

Environment::Environment(std::size_t bytes_max) {
  // Only its open files are needed, and a killed process leaves none behind.
  const Folder folder(in_memory(peer_bytes));
  check(mdb_env_create(&env_), "mdb_env_create");
  try {
    check(mdb_env_set_maxdbs(env_, 2), "mdb_env_set_maxdbs");
    check(mdb_env_set_mapsize(env_, bytes_max), "mdb_env_set_mapsize");
    check(mdb_env_open(env_, folder.path().c_str(), MDB_WRITEMAP | MDB_NOSYNC, 0600), "mdb_env_open");
  } catch (...) {
    mdb_env_close(env_);
    throw;
  }
}

MDB_dbi open_table(const Transaction& txn, const char* name) {
  MDB_dbi table = 0;
  check(mdb_dbi_open(txn.get(), name, MDB_CREATE | MDB_INTEGERKEY, &table), "mdb_dbi_open");
  return table;
}

}  // namespace lmdb

namespace {

using lmdb::Cursor;
using lmdb::Transaction;

// A handle is the key.
class LmdbStore final : public Store {
 public:
  explicit LmdbStore(std::size_t rows) : rows_(rows), env_(std::size_t{1} << 30U) {
    Transaction txn(env_, 0);
    positions_ = lmdb::open_table(txn, "position");
    velocities_ = lmdb::open_table(txn, "velocity");
    for (std::size_t key = 0; key < rows; ++key) {
      lmdb::put(txn, positions_, key, first_position(key), MDB_APPEND);
      lmdb::put(txn, velocities_, key, first_velocity(key), MDB_APPEND);
    }
    txn.commit();
  }

  [[nodiscard]] std::size_t rows() const override { return rows_; }
  [[nodiscard]] Handle handle(std::uint32_t key) const override { return key; }

  void insert(std::span<const Position> rows, std::size_t rows_per_transaction) override {
    for_each_batch(rows, rows_per_transaction, [this](std::span<const Position> batch) {
      Transaction txn(env_, 0);
      for (const Position& row : batch) lmdb::put(txn, positions_, rows_++, row);
      txn.commit();
    });
  }
  void update(std::span<const Write> writes, std::size_t writes_per_transaction) override {
    for_each_batch(writes, writes_per_transaction, [this](std::span<const Write> batch) {
      Transaction txn(env_, 0);
      for (const Write& write : batch) lmdb::put(txn, positions_, write.handle, write.row);
      txn.commit();
    });
  }
  void erase(std::span<const Handle> handles, std::size_t handles_per_transaction) override {
    for_each_batch(handles, handles_per_transaction, [this](std::span<const Handle> batch) {
      Transaction txn(env_, 0);
      for (Handle handle : batch) {
        lmdb::erase(txn, positions_, handle);
        lmdb::erase(txn, velocities_, handle);
      }
      txn.commit();
    });
  }
  [[nodiscard]] std::uint64_t get(std::span<const Handle> handles) override {
    const Transaction txn(env_, MDB_RDONLY);
    std::uint64_t sum = 0;
    for (Handle handle : handles) sum += digest(lmdb::get<Position>(txn, positions_, handle));
    return sum;
  }
  [[nodiscard]] std::uint64_t get_fresh(std::span<const Handle> handles) override {
    Transaction txn(env_, MDB_RDONLY);
    std::uint64_t sum = 0;
    for (Handle handle : handles) {
      txn.reset();
      txn.renew();
      sum += digest(lmdb::get<Position>(txn, positions_, handle));
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
      while (const auto* row = positions.next<Position>()) positions.put(moved(*row, *velocities.next<Velocity>()));
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
  std::size_t rows_;
  lmdb::Environment env_;
  MDB_dbi positions_ = 0;
  MDB_dbi velocities_ = 0;
};

}  // namespace

std::unique_ptr<Store> make_lmdb(std::size_t rows) { return std::make_unique<LmdbStore>(rows); }

}  // namespace bench
