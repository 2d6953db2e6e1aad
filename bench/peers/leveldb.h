// LevelDB as a peer: files in memory, which it never syncs, no compression; a Bloom filter, and a cache that holds all
// that it reads. It cannot do without its log. A table is the first byte of its keys.
#pragma once

#include "folder.h"
#include "peers/big_endian.h"

#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/filter_policy.h>
#include <leveldb/write_batch.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace bench::level {

using Key = BigEndianKey<1>;

inline void check(const leveldb::Status& status) {
  if (!status.ok()) throw std::runtime_error("leveldb: " + status.ToString());
}

template <typename Row>
[[nodiscard]] leveldb::Slice slice_of(const Row& row) {
  return {reinterpret_cast<const char*>(&row), sizeof row};
}
[[nodiscard]] inline leveldb::Slice slice_of(const Key& key) { return {key.data(), key.size()}; }

template <typename Row>
[[nodiscard]] Row row_of(const leveldb::Slice& slice) {
  if (slice.size() != sizeof(Row)) throw std::runtime_error("leveldb: a row of another size");
  Row out;
  std::memcpy(&out, slice.data(), sizeof out);
  return out;
}

class Files {
 public:
  Files();

  [[nodiscard]] leveldb::DB& db() { return *db_; }
  void write(leveldb::WriteBatch& batch) {
    check(db_->Write({}, &batch));
    batch.Clear();
  }
  /// `buffer` is used again, so that a read allocates nothing.
  template <typename Row>
  [[nodiscard]] Row get(const leveldb::ReadOptions& options, const Key& key, std::string& buffer) {
    check(db_->Get(options, slice_of(key), &buffer));
    return row_of<Row>(buffer);
  }
  [[nodiscard]] std::unique_ptr<leveldb::Iterator> iterator() {
    return std::unique_ptr<leveldb::Iterator>(db_->NewIterator({}));
  }

 private:
  Folder folder_{in_memory(peer_bytes)};
  std::unique_ptr<leveldb::Cache> cache_;
  std::unique_ptr<const leveldb::FilterPolicy> filter_;
  std::unique_ptr<leveldb::DB> db_;
};

}  // namespace bench::level
