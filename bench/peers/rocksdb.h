// RocksDB as a peer: files in memory, no log, no compression, no checks of its own when it reads; a Bloom filter, and
// blocks read where they are mapped; one writer, so that the memtable need not be for several. A table is a column
// family.
#pragma once

#include "folder.h"
#include "peers/big_endian.h"

#include <rocksdb/db.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench::rocks {

inline void check(const rocksdb::Status& status) {
  if (!status.ok()) throw std::runtime_error("rocksdb: " + status.ToString());
}

template <typename Row>
[[nodiscard]] rocksdb::Slice slice_of(const Row& row) {
  return {reinterpret_cast<const char*>(&row), sizeof row};
}
[[nodiscard]] inline rocksdb::Slice slice_of(const BigEndianKey<>& key) { return {key.data(), key.size()}; }

template <typename Row>
[[nodiscard]] Row row_of(const rocksdb::Slice& slice) {
  if (slice.size() != sizeof(Row)) throw std::runtime_error("rocksdb: a row of another size");
  Row out;
  std::memcpy(&out, slice.data(), sizeof out);
  return out;
}

class Tables {
 public:
  explicit Tables(const std::vector<std::string>& names);
  ~Tables();
  Tables(const Tables&) = delete;
  Tables& operator=(const Tables&) = delete;

  [[nodiscard]] rocksdb::DB& db() { return *db_; }
  [[nodiscard]] rocksdb::ColumnFamilyHandle* table(std::size_t at) const { return tables_[at]; }
  void write(rocksdb::WriteBatch& batch) {
    check(db_->Write(write_options_, &batch));
    batch.Clear();
  }
  template <typename Row>
  void put(std::size_t at, std::uint64_t key, const Row& row) {
    check(db_->Put(write_options_, tables_[at], slice_of(BigEndianKey<>(key)), slice_of(row)));
  }
  template <typename Row>
  [[nodiscard]] Row get(const rocksdb::ReadOptions& options, std::size_t at, std::uint64_t key) {
    rocksdb::PinnableSlice value;
    check(db_->Get(options, tables_[at], slice_of(BigEndianKey<>(key)), &value));
    return row_of<Row>(value);
  }
  [[nodiscard]] std::unique_ptr<rocksdb::Iterator> iterator(std::size_t at) {
    return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(read_options(), tables_[at]));
  }
  [[nodiscard]] static rocksdb::ReadOptions read_options();

 private:
  Folder folder_{in_memory(peer_bytes)};
  rocksdb::WriteOptions write_options_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> tables_;
};

}  // namespace bench::rocks
