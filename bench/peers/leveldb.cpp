#include "peers/leveldb.h"

#include "peers/peers.h"

#include <string>
#include <utility>

namespace bench {
namespace level {

Files::Files() : cache_(leveldb::NewLRUCache(std::size_t{512} << 20U)), filter_(leveldb::NewBloomFilterPolicy(10)) {
  leveldb::Options options;
  options.create_if_missing = true;
  options.compression = leveldb::kNoCompression;
  options.write_buffer_size = std::size_t{64} << 20U;  // what RocksDB has without asking
  options.max_file_size = std::size_t{64} << 20U;
  options.block_cache = cache_.get();
  options.filter_policy = filter_.get();
  leveldb::DB* db = nullptr;
  check(leveldb::DB::Open(options, folder_.path().string(), &db));
  db_.reset(db);
}

}  // namespace level

namespace {

using level::Key;

constexpr char of_position = 'p';
constexpr char of_velocity = 'v';

// A handle is the key.
class LeveldbStore final : public Store {
 public:
  explicit LeveldbStore(std::size_t rows) : rows_(rows) {
    for (std::size_t key = 0; key < rows; ++key) {
      put(of_position, key, first_position(key));
      put(of_velocity, key, first_velocity(key));
      if (key % 1000 == 999) files_.write(batch_);
    }
    files_.write(batch_);
  }

  [[nodiscard]] std::size_t rows() const override { return rows_; }
  [[nodiscard]] Handle handle(std::uint32_t key) const override { return key; }

  void insert(std::span<const Position> rows, std::size_t rows_per_transaction) override {
    for_each_batch(rows, rows_per_transaction, [this](std::span<const Position> some) {
      for (const Position& row : some) put(of_position, rows_++, row);
      files_.write(batch_);
    });
  }
  void update(std::span<const Write> writes, std::size_t writes_per_transaction) override {
    for_each_batch(writes, writes_per_transaction, [this](std::span<const Write> some) {
      for (const Write& write : some) put(of_position, write.handle, write.row);
      files_.write(batch_);
    });
  }
  void erase(std::span<const Handle> handles, std::size_t handles_per_transaction) override {
    for_each_batch(handles, handles_per_transaction, [this](std::span<const Handle> some) {
      for (Handle handle : some) {
        for (char table : {of_position, of_velocity}) batch_.Delete(level::slice_of(Key(handle, table)));
      }
      files_.write(batch_);
    });
  }
  [[nodiscard]] std::uint64_t get(std::span<const Handle> handles) override {
    leveldb::ReadOptions options;
    options.snapshot = files_.db().GetSnapshot();
    const std::uint64_t sum = sum_of(handles, options);
    files_.db().ReleaseSnapshot(options.snapshot);
    return sum;
  }
  // A read takes a snapshot of its own.
  [[nodiscard]] std::uint64_t get_fresh(std::span<const Handle> handles) override { return sum_of(handles, {}); }
  [[nodiscard]] std::uint64_t scan_one() override {
    std::uint64_t sum = 0;
    for_positions([&](const Position& position) { sum += digest(position); });
    return sum;
  }
  [[nodiscard]] std::uint64_t scan_two() override {
    std::uint64_t sum = 0;
    for_both([&](const leveldb::Slice&, const Position& position, const Velocity& velocity) {
      sum += digest(position) + digest(velocity);
    });
    return sum;
  }
  void move_all() override {
    for_both([&](const leveldb::Slice& key, const Position& position, const Velocity& velocity) {
      batch_.Put(key, level::slice_of(moved(position, velocity)));
    });
    files_.write(batch_);
  }
  [[nodiscard]] std::vector<Position> dump() override {
    std::vector<Position> out;
    for_positions([&](const Position& position) { out.push_back(position); });
    return out;
  }

 private:
  template <typename Row>
  void put(char table, std::uint64_t key, const Row& row) {
    batch_.Put(level::slice_of(Key(key, table)), level::slice_of(row));
  }
  [[nodiscard]] std::uint64_t sum_of(std::span<const Handle> handles, const leveldb::ReadOptions& options) {
    std::uint64_t sum = 0;
    std::string buffer;
    for (Handle handle : handles) sum += digest(files_.get<Position>(options, Key(handle, of_position), buffer));
    return sum;
  }
  template <typename Function>
  void for_positions(Function function) {
    const auto rows = files_.iterator();
    for (rows->Seek(level::slice_of(Key(0, of_position))); rows->Valid() && rows->key()[0] == of_position;
         rows->Next()) {
      function(level::row_of<Position>(rows->value()));
    }
    level::check(rows->status());
  }
  template <typename Function>
  void for_both(Function function) {
    const auto velocities = files_.iterator();
    velocities->Seek(level::slice_of(Key(0, of_velocity)));
    const auto positions = files_.iterator();
    for (positions->Seek(level::slice_of(Key(0, of_position)));
         positions->Valid() && positions->key()[0] == of_position && velocities->Valid(); positions->Next()) {
      function(positions->key(), level::row_of<Position>(positions->value()),
               level::row_of<Velocity>(velocities->value()));
      velocities->Next();
    }
    level::check(positions->status());
    level::check(velocities->status());
  }

  std::size_t rows_;
  level::Files files_;
  leveldb::WriteBatch batch_;
};

}  // namespace

std::unique_ptr<Store> make_leveldb(std::size_t rows) { return std::make_unique<LeveldbStore>(rows); }

}  // namespace bench
