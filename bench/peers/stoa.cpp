// stoa as a store: a database in memory, always through its write queue. A handle is the entity's bits.
#include <stoa/stoa.h>

#include "folder.h"
#include "in_flight.h"
#include "peers/store.h"
#include "world.h"

#include <boost/describe.hpp>

#include <algorithm>
#include <expected>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace bench {

BOOST_DESCRIBE_STRUCT(Position, (), (x, y, z))
BOOST_DESCRIBE_STRUCT(Velocity, (), (x, y, z))

namespace {

using Submit = StoaWay::Submit;
using Scan = StoaWay::Scan;

stoa::Schema bench_schema() {
  stoa::Schema out("bench");
  out.table<Position>("position");
  out.table<Velocity>("velocity");
  return out;
}

// `folder` is nullptr for a database in memory.
stoa::Database open(Submit submit, const Folder* folder) {
  const stoa::Schema schema = bench_schema();
  stoa::Options options;
  options.writer = submit == Submit::step ? stoa::WriterMode::manual : stoa::WriterMode::thread;
  options.durability = stoa::Durability::none();
  if (folder != nullptr) return value_of(stoa::Database::open(folder->path() / "db", schema, options));
  return value_of(stoa::Database::in_memory(schema, options));
}

class StoaStore final : public Store {
 public:
  StoaStore(std::size_t rows, StoaWay way)
      : folder_(way.logged ? std::make_unique<Folder>(in_memory(peer_bytes)) : nullptr),
        db_(open(way.submit, folder_.get())),
        way_(way) {
    constexpr std::size_t rows_per_transaction = 10'000;
    for (std::size_t first = 0; first < rows; first += rows_per_transaction) {
      stoa::Transaction tx = db_.begin();
      for (std::size_t key = first; key < std::min(rows, first + rows_per_transaction); ++key) {
        entities_.push_back(tx.create());
        tx.insert(entities_.back(), first_position(key)).insert(entities_.back(), first_velocity(key));
      }
      value_of(std::move(tx).commit());
    }
    if (way_.begun == 0) return;
    stoa::Transaction tx = db_.begin();
    begun_ = tx.create(way_.begun);
    value_of(std::move(tx).commit());
  }

  [[nodiscard]] std::size_t rows() const override { return entities_.size(); }
  [[nodiscard]] Handle handle(std::uint32_t key) const override { return entities_[key].bits(); }

  void insert(std::span<const Position> rows, std::size_t rows_per_transaction) override {
    entities_.reserve(entities_.size() + rows.size());
    commit_all(rows, rows_per_transaction, [this](stoa::Transaction& tx, std::span<const Position> some) {
      if (!way_.spans) {
        for (const Position& row : some) tx.insert(entities_.emplace_back(next(tx)), row);
        return;
      }
      const std::size_t first = entities_.size();
      for (std::size_t i = 0; i != some.size(); ++i) entities_.push_back(next(tx));
      tx.insert(std::span<const stoa::Entity>(entities_).subspan(first), some);
    });
  }
  void update(std::span<const Write> writes, std::size_t writes_per_transaction) override {
    commit_all(writes, writes_per_transaction, [](stoa::Transaction& tx, std::span<const Write> some) {
      for (const Write& write : some) tx.update(stoa::Entity::from_bits(write.handle), write.row);
    });
  }
  void erase(std::span<const Handle> handles, std::size_t handles_per_transaction) override {
    commit_all(handles, handles_per_transaction, [](stoa::Transaction& tx, std::span<const Handle> some) {
      for (Handle handle : some) tx.destroy(stoa::Entity::from_bits(handle));
    });
  }
  [[nodiscard]] std::uint64_t get(std::span<const Handle> handles) override {
    const stoa::Snapshot snapshot = db_.snapshot();
    std::uint64_t sum = 0;
    if (way_.get == StoaWay::Get::many) {
      std::vector<stoa::Entity> entities;
      entities.reserve(handles.size());
      for (Handle handle : handles) entities.push_back(stoa::Entity::from_bits(handle));
      snapshot.get_many<Position>(entities, [&](std::size_t, const Position* position) { sum += digest(*position); });
      return sum;
    }
    for (Handle handle : handles) sum += digest(*snapshot.get<Position>(stoa::Entity::from_bits(handle)));
    return sum;
  }
  [[nodiscard]] std::uint64_t get_fresh(std::span<const Handle> handles) override {
    std::uint64_t sum = 0;
    for (Handle handle : handles) {
      const stoa::Snapshot snapshot = db_.snapshot();
      sum += digest(*snapshot.get<Position>(stoa::Entity::from_bits(handle)));
    }
    return sum;
  }
  [[nodiscard]] std::uint64_t scan_one() override {
    const stoa::Snapshot snapshot = db_.snapshot();
    std::uint64_t sum = 0;
    if (way_.scan == Scan::each) {
      snapshot.each<Position>([&](stoa::Entity, const Position& position) { sum += digest(position); });
      return sum;
    }
    for (auto chunk : snapshot.chunks<Position>()) {
      for (const Position& position : chunk.column<Position>()) sum += digest(position);
    }
    return sum;
  }
  [[nodiscard]] std::uint64_t scan_two() override {
    const stoa::Snapshot snapshot = db_.snapshot();
    std::uint64_t sum = 0;
    if (way_.scan == Scan::each) {
      snapshot.each<Position, Velocity>([&](stoa::Entity, const Position& position, const Velocity& velocity) {
        sum += digest(position) + digest(velocity);
      });
      return sum;
    }
    for (auto chunk : snapshot.chunks<Position, Velocity>()) {
      const auto positions = chunk.column<Position>();
      const auto velocities = chunk.column<Velocity>();
      for (std::size_t row = 0; row < positions.size(); ++row) {
        sum += digest(positions[row]) + digest(velocities[row]);
      }
    }
    return sum;
  }
  void move_all() override {
    value_of(db_.write([](stoa::Writer& writer) {
      writer.each<Position, const Velocity>([](stoa::Entity, Position& position, const Velocity& velocity) {
        position.x += velocity.x;
        position.y += velocity.y;
        position.z += velocity.z;
      });
    }));
  }
  [[nodiscard]] std::vector<Position> dump() override {
    if (folder_ != nullptr) check_log();
    const stoa::Snapshot snapshot = db_.snapshot();
    std::vector<Position> out;
    for (stoa::Entity entity : entities_) {
      if (const Position* row = snapshot.get<Position>(entity)) {
        out.push_back(*row);
      } else if (snapshot.alive(entity)) {
        throw std::runtime_error("stoa: an entity without a position");
      }
    }
    return out;
  }

 private:
  // The last transaction is in the log, with a new position of every entity.
  void check_log() const {
    stoa::LogReader log = value_of(stoa::LogReader::open(folder_->path() / "db", bench_schema(), db_.version()));
    const auto last = value_of(log.next());
    std::size_t changed = 0;
    if (last && last->version == db_.version()) {
      last->delta.each<Position>([](stoa::Entity, const Position&) {}, [&](stoa::Entity, const auto&) { ++changed; },
                                 [](stoa::Entity) {});
    }
    if (changed != entities_.size()) throw std::runtime_error("stoa: the log has not every row");
  }
  // Whose the next row is.
  stoa::Entity next(stoa::Transaction& tx) { return begun_.empty() ? tx.create() : begun_[entities_.size()]; }

  template <typename Item, typename Record>
  void commit_all(std::span<const Item> items, std::size_t items_per_transaction, Record record) {
    InFlight in_flight(way_.submit == Submit::in_flight ? in_flight_max : 1);
    while (!items.empty()) {
      const auto batch = items.first(std::min(items_per_transaction, items.size()));
      items = items.subspan(batch.size());
      stoa::Transaction tx = db_.begin();
      record(tx, batch);
      switch (way_.submit) {
        case Submit::in_flight: in_flight.submit(std::move(tx)); break;
        case Submit::step: commit(db_, std::move(tx)); break;
        case Submit::wait: (void)value_of(std::move(tx).commit()); break;
      }
    }
    in_flight.wait();
  }

  std::unique_ptr<Folder> folder_;  // of the database, if it has one
  stoa::Database db_;
  StoaWay way_;
  std::vector<stoa::Entity> begun_;
  std::vector<stoa::Entity> entities_;
};

}  // namespace

std::unique_ptr<Store> make_stoa(std::size_t rows, StoaWay way) { return std::make_unique<StoaStore>(rows, way); }

}  // namespace bench
