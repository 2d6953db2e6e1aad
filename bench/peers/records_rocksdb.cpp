#include "peers/records.h"
#include "peers/rocksdb.h"

namespace bench {
namespace {

// Without transactions, which would only cost it: nobody else writes between a modify's read and its write.
class RocksdbRecords {
 public:
  explicit RocksdbRecords(std::span<const std::uint64_t> keys) {
    for (std::uint64_t key : keys) insert(key, payload_of(key, 0));
  }
  [[nodiscard]] std::uint64_t read(Handle key) { return digest(get(key)); }
  void update(Handle key, const Payload& payload) { insert(key, payload); }
  void insert(std::uint64_t key, const Payload& payload) { tables_.put(0, key, payload); }
  [[nodiscard]] std::uint64_t scan(std::uint64_t key, std::size_t length) {
    if (rows_ == nullptr) rows_ = tables_.iterator(0);
    rocks::check(rows_->Refresh());  // to the newest state: cheaper than another iterator
    std::uint64_t sum = 0;
    for (rows_->Seek(rocks::slice_of(BigEndianKey<>(key))); rows_->Valid() && length != 0; rows_->Next(), --length) {
      sum += digest(rocks::row_of<Payload>(rows_->value()));
    }
    rocks::check(rows_->status());
    return sum;
  }
  [[nodiscard]] std::uint64_t modify(Handle, std::uint64_t key) {
    const Payload seen = get(key);
    update(key, next_of(key, seen));
    return digest(seen);
  }

 private:
  [[nodiscard]] Payload get(std::uint64_t key) { return tables_.get<Payload>(options_, 0, key); }

  rocks::Tables tables_{{"record"}};
  rocksdb::ReadOptions options_ = rocks::Tables::read_options();
  std::unique_ptr<rocksdb::Iterator> rows_;
};

}  // namespace

std::unique_ptr<Records> make_rocksdb_records(std::span<const std::uint64_t> keys) {
  return std::make_unique<RecordsOf<RocksdbRecords>>(keys);
}

}  // namespace bench
