// LMDB's handles as objects. NOSYNC and WRITEMAP on a file in memory: its fastest, and no disk is measured.
#pragma once

#include <lmdb.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace bench::lmdb {

inline void check(int status, const char* call) {
  if (status != MDB_SUCCESS) throw std::runtime_error(std::string("lmdb: ") + call + ": " + mdb_strerror(status));
}

class Environment {
 public:
  explicit Environment(std::size_t bytes_max);
  ~Environment() { mdb_env_close(env_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  [[nodiscard]] MDB_env* get() const { return env_; }

 private:
  MDB_env* env_ = nullptr;
};

class Transaction {
 public:
  Transaction(const Environment& env, unsigned flags) {
    check(mdb_txn_begin(env.get(), nullptr, flags, &txn_), "mdb_txn_begin");
  }
  ~Transaction() {
    if (txn_ != nullptr) mdb_txn_abort(txn_);
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  [[nodiscard]] MDB_txn* get() const { return txn_; }
  void commit() { check(mdb_txn_commit(std::exchange(txn_, nullptr)), "mdb_txn_commit"); }
  // For one that only reads: lets go of its snapshot, and takes the newest one. One handle for all is the faster of
  // LMDB's ways.
  void reset() { mdb_txn_reset(txn_); }
  void renew() { check(mdb_txn_renew(txn_), "mdb_txn_renew"); }

 private:
  MDB_txn* txn_ = nullptr;
};

/// A table whose keys are integers.
[[nodiscard]] MDB_dbi open_table(const Transaction& txn, const char* name);

template <typename Row>
void put(const Transaction& txn, MDB_dbi table, std::uint64_t key, const Row& row, unsigned flags = 0) {
  MDB_val key_value{sizeof key, &key};
  MDB_val value{sizeof row, const_cast<Row*>(&row)};
  check(mdb_put(txn.get(), table, &key_value, &value, flags), "mdb_put");
}

/// Valid until the transaction writes or ends; LMDB aligns rows to two bytes only, which these processors do not mind.
template <typename Row>
[[nodiscard]] const Row& get(const Transaction& txn, MDB_dbi table, std::uint64_t key) {
  MDB_val key_value{sizeof key, &key};
  MDB_val value{};
  check(mdb_get(txn.get(), table, &key_value, &value), "mdb_get");
  return *static_cast<const Row*>(value.mv_data);
}

inline void erase(const Transaction& txn, MDB_dbi table, std::uint64_t key) {
  MDB_val key_value{sizeof key, &key};
  check(mdb_del(txn.get(), table, &key_value, nullptr), "mdb_del");
}

class Cursor {
 public:
  Cursor(const Transaction& txn, MDB_dbi table) {
    check(mdb_cursor_open(txn.get(), table, &cursor_), "mdb_cursor_open");
  }
  ~Cursor() { mdb_cursor_close(cursor_); }
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  /// For one of a transaction that only reads, after its renew().
  void renew(const Transaction& txn) { check(mdb_cursor_renew(txn.get(), cursor_), "mdb_cursor_renew"); }
  /// The next row, the first one at first; nullptr after the last.
  template <typename Row>
  [[nodiscard]] const Row* next() {
    return at<Row>(MDB_NEXT);
  }
  /// The first row whose key is not below.
  template <typename Row>
  [[nodiscard]] const Row* seek(std::uint64_t key) {
    key_ = {sizeof key, &key};
    return at<Row>(MDB_SET_RANGE);
  }
  /// Replaces the row that next() found.
  template <typename Row>
  void put(const Row& row) {
    MDB_val value{sizeof row, const_cast<Row*>(&row)};
    check(mdb_cursor_put(cursor_, &key_, &value, MDB_CURRENT), "mdb_cursor_put");
  }

 private:
  template <typename Row>
  [[nodiscard]] const Row* at(MDB_cursor_op op) {
    const int status = mdb_cursor_get(cursor_, &key_, &value_, op);
    if (status == MDB_NOTFOUND) return nullptr;
    check(status, "mdb_cursor_get");
    return static_cast<const Row*>(value_.mv_data);
  }

  MDB_cursor* cursor_ = nullptr;
  MDB_val key_{};
  MDB_val value_{};
};

}  // namespace bench::lmdb
