#include "peers/lmdb.h"

#include "peers/records.h"

namespace bench {
namespace {

class LmdbRecords {
 public:
  explicit LmdbRecords(std::span<const std::uint64_t> keys)
      : env_(std::size_t{2} << 30U), reader_(open(keys), MDB_RDONLY) {
    reader_.reset();  // one that is not would keep pages from being used again
  }
  [[nodiscard]] std::uint64_t read(Handle key) {
    reader_.renew();
    const std::uint64_t out = digest(lmdb::get<Payload>(reader_, table_, key));
    reader_.reset();
    return out;
  }
  void update(Handle key, const Payload& payload) { insert(key, payload); }
  void insert(std::uint64_t key, const Payload& payload) {
    lmdb::Transaction txn(env_, 0);
    lmdb::put(txn, table_, key, payload);
    txn.commit();
  }
  [[nodiscard]] std::uint64_t scan(std::uint64_t key, std::size_t length) {
    reader_.renew();
    if (cursor_ == nullptr) {
      cursor_ = std::make_unique<lmdb::Cursor>(reader_, table_);
    } else {
      cursor_->renew(reader_);
    }
    std::uint64_t sum = 0;
    for (const auto* row = cursor_->seek<Payload>(key); row != nullptr; row = cursor_->next<Payload>()) {
      sum += digest(*row);
      if (--length == 0) break;
    }
    reader_.reset();
    return sum;
  }
  [[nodiscard]] std::uint64_t modify(Handle, std::uint64_t key) {
    lmdb::Transaction txn(env_, 0);
    const Payload seen = lmdb::get<Payload>(txn, table_, key);
    lmdb::put(txn, table_, key, next_of(key, seen));
    txn.commit();
    return digest(seen);
  }

 private:
  const lmdb::Environment& open(std::span<const std::uint64_t> keys) {
    lmdb::Transaction txn(env_, 0);
    table_ = lmdb::open_table(txn, "record");
    for (std::uint64_t key : keys) lmdb::put(txn, table_, key, payload_of(key, 0));
    txn.commit();
    return env_;
  }

  MDB_dbi table_ = 0;
  lmdb::Environment env_;
  lmdb::Transaction reader_;
  std::unique_ptr<lmdb::Cursor> cursor_;
};

}  // namespace

std::unique_ptr<Records> make_lmdb_records(std::span<const std::uint64_t> keys) {
  return std::make_unique<RecordsOf<LmdbRecords>>(keys);
}

}  // namespace bench
