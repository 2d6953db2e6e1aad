// LMDB as it is, for what needs its transactions one by one: tables of rows by a number.
#pragma once

#include "folder.h"

#include <lmdb.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace bench {

inline void check_lmdb(int status, const char* call) {
  if (status != MDB_SUCCESS) throw std::runtime_error(std::string("lmdb: ") + call + ": " + mdb_strerror(status));
}

class LmdbTransaction {
 public:
  LmdbTransaction(MDB_env* env, unsigned flags) { check_lmdb(mdb_txn_begin(env, nullptr, flags, &txn_), "begin"); }
  ~LmdbTransaction() {
    if (txn_ != nullptr) mdb_txn_abort(txn_);
  }
  LmdbTransaction(const LmdbTransaction&) = delete;
  LmdbTransaction& operator=(const LmdbTransaction&) = delete;
  void commit() { check_lmdb(mdb_txn_commit(std::exchange(txn_, nullptr)), "commit"); }
  /// Of one that reads: it goes on with the newest version. The cheaper way to a transaction for each read.
  void renew() {
    mdb_txn_reset(txn_);
    check_lmdb(mdb_txn_renew(txn_), "renew");
  }

  template <typename Row>
  void put(MDB_dbi table, std::uint64_t key, const Row& row, unsigned flags = 0) {
    MDB_val key_value{sizeof key, &key};
    MDB_val value{sizeof row, const_cast<Row*>(&row)};
    check_lmdb(mdb_put(txn_, table, &key_value, &value, flags), "put");
  }
  template <typename Row>
  [[nodiscard]] const Row& get(MDB_dbi table, std::uint64_t key) const {
    MDB_val key_value{sizeof key, &key};
    MDB_val value{};
    check_lmdb(mdb_get(txn_, table, &key_value, &value), "get");
    return *static_cast<const Row*>(value.mv_data);
  }
  [[nodiscard]] MDB_dbi open(const char* name) {
    MDB_dbi table = 0;
    check_lmdb(mdb_dbi_open(txn_, name, MDB_CREATE | MDB_INTEGERKEY, &table), "dbi_open");
    return table;
  }

 private:
  MDB_txn* txn_ = nullptr;
};

/// Never synced; in memory, where the system has room for a folder there. As it has no name any more once it is open, a
/// killed process leaves nothing behind.
class LmdbFile {
 public:
  LmdbFile(std::size_t bytes_max, unsigned flags) {
    const Folder folder(in_memory(bytes_max));
    check_lmdb(mdb_env_create(&env_), "env_create");
    check_lmdb(mdb_env_set_maxdbs(env_, 2), "env_set_maxdbs");
    check_lmdb(mdb_env_set_mapsize(env_, bytes_max), "env_set_mapsize");
    check_lmdb(mdb_env_open(env_, folder.path().c_str(), MDB_NOSYNC | flags, 0600), "env_open");
  }
  ~LmdbFile() { mdb_env_close(env_); }
  LmdbFile(const LmdbFile&) = delete;
  LmdbFile& operator=(const LmdbFile&) = delete;
  [[nodiscard]] MDB_env* get() const { return env_; }
  /// Pages that were ever used.
  [[nodiscard]] std::size_t bytes() const {
    MDB_envinfo info;
    MDB_stat stat;
    check_lmdb(mdb_env_info(env_, &info), "env_info");
    check_lmdb(mdb_env_stat(env_, &stat), "env_stat");
    return (info.me_last_pgno + 1) * stat.ms_psize;
  }

 private:
  MDB_env* env_ = nullptr;
};

}  // namespace bench
