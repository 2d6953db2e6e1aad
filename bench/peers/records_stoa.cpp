// stoa under YCSB: a snapshot for each read, and for each write a transaction through the queue, the caller's thread
// being the writer. By the index of a key field, as the peers do it, and by the entity's id, as a program that keeps
// ids does it.
#include "peers/records.h"
#include "world.h"

#include <array>
#include <optional>
#include <stdexcept>
#include <vector>

namespace bench {

struct KeyedRecord {
  std::uint64_t key;
  Payload payload;
};
BOOST_DESCRIBE_STRUCT(KeyedRecord, (), (key, payload))
struct LooseRecord {
  Payload payload;
};
BOOST_DESCRIBE_STRUCT(LooseRecord, (), (payload))

namespace {

constexpr std::size_t scan_max = 100;

class StoaRecordsByKey {
 public:
  explicit StoaRecordsByKey(std::span<const std::uint64_t> keys) : database_(open_manual(schema())) {
    create_entities(database_, keys.size(), [&](stoa::Transaction& tx, stoa::Entity entity, std::size_t i) {
      tx.insert(entity, KeyedRecord{keys[i], payload_of(keys[i], 0)});
    });
  }
  [[nodiscard]] std::uint64_t read(Handle key) {
    const stoa::Snapshot now = database_.snapshot();
    return digest(row_of(now, key).payload);
  }
  void update(Handle key, const Payload& payload) {
    const stoa::Entity entity = database_.snapshot().find<&KeyedRecord::key>(key);
    stoa::Transaction tx = database_.begin();
    tx.set<&KeyedRecord::payload>(entity, payload);
    commit(database_, std::move(tx));
  }
  void insert(std::uint64_t key, const Payload& payload) {
    stoa::Transaction tx = database_.begin();
    tx.insert(tx.create(), KeyedRecord{key, payload});
    commit(database_, std::move(tx));
  }
  [[nodiscard]] std::uint64_t scan(std::uint64_t key, std::size_t length) {
    const stoa::Snapshot now = database_.snapshot();
    std::array<stoa::Entity, scan_max> entities;
    std::size_t count = 0;
    for (auto at = now.cursor<&KeyedRecord::key>(key); at.valid() && count < length; at.next()) {
      entities.at(count++) = at.entity();
    }
    std::uint64_t sum = 0;
    now.get_many<KeyedRecord>(std::span(entities).first(count),
                              [&](std::size_t, const KeyedRecord* row) { sum += digest(row->payload); });
    return sum;
  }
  [[nodiscard]] std::uint64_t modify(Handle, std::uint64_t key) {
    std::uint64_t seen = 0;
    (void)value_of(database_.write([&](stoa::Writer& writer) {
      const stoa::Entity entity = writer.find<&KeyedRecord::key>(key);
      const KeyedRecord& row = *writer.get<KeyedRecord>(entity);
      seen = digest(row.payload);
      writer.set<&KeyedRecord::payload>(entity, next_of(key, row.payload));
    }));
    return seen;
  }

 private:
  static stoa::Schema schema() {
    stoa::Schema out("ycsb");
    out.table<KeyedRecord>("record").key<&KeyedRecord::key>();
    return out;
  }
  static const KeyedRecord& row_of(const stoa::Snapshot& now, std::uint64_t key) {
    const auto* row = now.get<KeyedRecord>(now.find<&KeyedRecord::key>(key));
    if (row == nullptr) throw std::runtime_error("stoa: a record is missing");
    return *row;
  }

  stoa::Database database_;
};

class StoaRecordsByEntity {
 public:
  explicit StoaRecordsByEntity(std::span<const std::uint64_t> keys) : database_(open_manual(schema())) {
    const std::vector<stoa::Entity> entities =
        create_entities(database_, keys.size(), [&](stoa::Transaction& tx, stoa::Entity entity, std::size_t i) {
          tx.insert(entity, LooseRecord{payload_of(keys[i], 0)});
        });
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (keys[i] >= entities_.size()) entities_.resize(keys[i] + 1);
      entities_[keys[i]] = entities[i];
    }
  }
  [[nodiscard]] Handle handle(std::uint64_t key) const { return entities_.at(key).bits(); }
  [[nodiscard]] std::uint64_t read(Handle handle) {
    const stoa::Snapshot now = database_.snapshot();
    return digest(now.get<LooseRecord>(stoa::Entity::from_bits(handle))->payload);
  }
  void update(Handle handle, const Payload& payload) {
    stoa::Transaction tx = database_.begin();
    tx.update(stoa::Entity::from_bits(handle), LooseRecord{payload});
    commit(database_, std::move(tx));
  }
  void insert(std::uint64_t, const Payload& payload) {
    stoa::Transaction tx = database_.begin();
    tx.insert(tx.create(), LooseRecord{payload});
    commit(database_, std::move(tx));
  }
  [[nodiscard]] std::uint64_t scan(std::uint64_t, std::size_t) {
    throw std::logic_error("stoa: entities have no order");
  }
  [[nodiscard]] std::uint64_t modify(Handle handle, std::uint64_t key) {
    const stoa::Entity entity = stoa::Entity::from_bits(handle);
    std::uint64_t seen = 0;
    (void)value_of(database_.write([&](stoa::Writer& writer) {
      const LooseRecord& row = *writer.get<LooseRecord>(entity);
      seen = digest(row.payload);
      writer.update(entity, LooseRecord{next_of(key, row.payload)});
    }));
    return seen;
  }

 private:
  static stoa::Schema schema() {
    stoa::Schema out("ycsb");
    out.table<LooseRecord>("record");
    return out;
  }

  stoa::Database database_;
  std::vector<stoa::Entity> entities_;  // by key
};

}  // namespace

std::unique_ptr<Records> make_stoa_records_by_key(std::span<const std::uint64_t> keys) {
  return std::make_unique<RecordsOf<StoaRecordsByKey>>(keys);
}
std::unique_ptr<Records> make_stoa_records_by_entity(std::span<const std::uint64_t> keys) {
  return std::make_unique<RecordsOf<StoaRecordsByEntity>>(keys);
}

}  // namespace bench
