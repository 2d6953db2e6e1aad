#include "peers/rocksdb.h"

#include "peers/peers.h"

#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

namespace bench {
namespace rocks {

Tables::Tables(const std::vector<std::string>& names) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.compression = rocksdb::kNoCompression;
  options.allow_mmap_reads = true;
  options.allow_concurrent_memtable_write = false;
  options.enable_write_thread_adaptive_yield = false;
  options.info_log_level = rocksdb::FATAL_LEVEL;
  options.stats_dump_period_sec = 0;
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  write_options_.disableWAL = true;

  std::vector<rocksdb::ColumnFamilyDescriptor> families{{rocksdb::kDefaultColumnFamilyName, options}};
  for (const std::string& name : names) families.emplace_back(name, options);
  rocksdb::DB* db = nullptr;
  check(rocksdb::DB::Open(options, folder_.path().string(), families, &tables_, &db));
  db_.reset(db);
  check(db_->DestroyColumnFamilyHandle(tables_.front()));
  tables_.erase(tables_.begin());
}

Tables::~Tables() {
  for (rocksdb::ColumnFamilyHandle* table : tables_) (void)db_->DestroyColumnFamilyHandle(table);
}

rocksdb::ReadOptions Tables::read_options() {
  rocksdb::ReadOptions options;
  options.verify_checksums = false;
  return options;
}

}  // namespace rocks

namespace {

enum : std::size_t { positions, velocities };

// A handle is the key.
class RocksdbStore final : public Store {
 public:
  explicit RocksdbStore(std::size_t rows) : rows_(rows), tables_({"position", "velocity"}) {
    for (std::size_t key = 0; key < rows; ++key) {
      put(positions, key, first_position(key));
      put(velocities, key, first_velocity(key));
      if (key % 1000 == 999) tables_.write(batch_);
    }
    tables_.write(batch_);
  }

  [[nodiscard]] std::size_t rows() const override { return rows_; }
  [[nodiscard]] Handle handle(std::uint32_t key) const override { return key; }

  void insert(std::span<const Position> rows, std::size_t rows_per_transaction) override {
    for_each_batch(rows, rows_per_transaction, [this](std::span<const Position> some) {
      for (const Position& row : some) put(positions, rows_++, row);
      tables_.write(batch_);
    });
  }
  void update(std::span<const Write> writes, std::size_t writes_per_transaction) override {
    for_each_batch(writes, writes_per_transaction, [this](std::span<const Write> some) {
      for (const Write& write : some) put(positions, write.handle, write.row);
      tables_.write(batch_);
    });
  }
  void erase(std::span<const Handle> handles, std::size_t handles_per_transaction) override {
    for_each_batch(handles, handles_per_transaction, [this](std::span<const Handle> some) {
      for (Handle handle : some) {
        for (std::size_t at : {positions, velocities}) {
          rocks::check(batch_.Delete(tables_.table(at), rocks::slice_of(BigEndianKey<>(handle))));
        }
      }
      tables_.write(batch_);
    });
  }
  [[nodiscard]] std::uint64_t get(std::span<const Handle> handles) override {
    rocksdb::ManagedSnapshot snapshot(&tables_.db());
    rocksdb::ReadOptions options = rocks::Tables::read_options();
    options.snapshot = snapshot.snapshot();
    return sum_of(handles, options);
  }
  // A read takes a snapshot of its own.
  [[nodiscard]] std::uint64_t get_fresh(std::span<const Handle> handles) override {
    return sum_of(handles, rocks::Tables::read_options());
  }
  [[nodiscard]] std::uint64_t scan_one() override {
    const auto rows = tables_.iterator(positions);
    std::uint64_t sum = 0;
    for (rows->SeekToFirst(); rows->Valid(); rows->Next()) sum += digest(rocks::row_of<Position>(rows->value()));
    rocks::check(rows->status());
    return sum;
  }
  [[nodiscard]] std::uint64_t scan_two() override {
    std::uint64_t sum = 0;
    for_both([&](const rocksdb::Slice&, const Position& position, const Velocity& velocity) {
      sum += digest(position) + digest(velocity);
    });
    return sum;
  }
  void move_all() override {
    for_both([&](const rocksdb::Slice& key, const Position& position, const Velocity& velocity) {
      rocks::check(batch_.Put(tables_.table(positions), key, rocks::slice_of(moved(position, velocity))));
    });
    tables_.write(batch_);
  }
  [[nodiscard]] std::vector<Position> dump() override {
    const auto rows = tables_.iterator(positions);
    std::vector<Position> out;
    for (rows->SeekToFirst(); rows->Valid(); rows->Next()) out.push_back(rocks::row_of<Position>(rows->value()));
    rocks::check(rows->status());
    return out;
  }

 private:
  template <typename Row>
  void put(std::size_t table, std::uint64_t key, const Row& row) {
    rocks::check(batch_.Put(tables_.table(table), rocks::slice_of(BigEndianKey<>(key)), rocks::slice_of(row)));
  }
  [[nodiscard]] std::uint64_t sum_of(std::span<const Handle> handles, const rocksdb::ReadOptions& options) {
    std::uint64_t sum = 0;
    for (Handle handle : handles) sum += digest(tables_.get<Position>(options, positions, handle));
    return sum;
  }
  template <typename Function>
  void for_both(Function function) {
    const auto left = tables_.iterator(positions);
    const auto right = tables_.iterator(velocities);
    right->SeekToFirst();
    for (left->SeekToFirst(); left->Valid() && right->Valid(); left->Next(), right->Next()) {
      function(left->key(), rocks::row_of<Position>(left->value()), rocks::row_of<Velocity>(right->value()));
    }
    rocks::check(left->status());
    rocks::check(right->status());
  }

  std::size_t rows_;
  rocks::Tables tables_;
  rocksdb::WriteBatch batch_;
};

}  // namespace

std::unique_ptr<Store> make_rocksdb(std::size_t rows) { return std::make_unique<RocksdbStore>(rows); }

}  // namespace bench
