// What a store is to YCSB: one table of 100 bytes under a number. A call does a whole run's work, operation by
// operation, each of them a transaction of its own, so that the virtual call costs nothing. It does not measure.
#pragma once

#include "peers/store.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace bench {

/// YCSB's ten fields of ten bytes, as 100 plain ones.
using Payload = std::array<std::uint32_t, 25>;
static_assert(sizeof(Payload) == 100);

/// The first word is the version, the others follow from both.
[[nodiscard]] inline Payload payload_of(std::uint64_t key, std::uint32_t version) {
  const std::uint32_t seed = (static_cast<std::uint32_t>(key) * 0x9E3779B1U) ^ (version * 0x85EBCA77U);
  Payload out;
  for (std::uint32_t i = 0; i < out.size(); ++i) out[i] = seed * (2 * i + 1) + i;
  out[0] = version;
  return out;
}
[[nodiscard]] inline std::uint64_t digest(const Payload& payload) {
  std::uint64_t sum = 0;
  for (std::uint32_t word : payload) sum += word;
  return sum;
}

struct Operation {
  enum class Kind : std::uint8_t {
    read,
    update,  ///< the whole payload, unseen
    insert,
    scan,    ///< from the key on, in order of the keys
    modify,  ///< reads the record, and writes it with the next version
  };
  Kind kind;
  std::uint32_t length = 0;  ///< of a scan, in records
  std::uint64_t key;
  std::uint32_t version = 0;  ///< that is written
  Handle handle;              ///< of the key
};

/// Errors: throws std::runtime_error, with what the store says, where anything fails.
class Records {
 public:
  Records() = default;
  Records(const Records&) = delete;
  Records& operator=(const Records&) = delete;
  virtual ~Records() = default;

  /// Whatever leads to the record fastest.
  [[nodiscard]] virtual Handle handle(std::uint64_t key) const = 0;
  /// The sum of the digests of all that was read.
  [[nodiscard]] virtual std::uint64_t run(std::span<const Operation> operations) = 0;
};

/// An engine is made of the keys that are there at first, with version 0, in the order of their insertion, and has a
/// function for each kind of operation.
template <typename Engine>
class RecordsOf final : public Records {
 public:
  explicit RecordsOf(std::span<const std::uint64_t> keys) : engine_(keys) {}
  [[nodiscard]] Handle handle(std::uint64_t key) const override {
    if constexpr (requires { engine_.handle(key); }) return engine_.handle(key);
    return key;
  }
  [[nodiscard]] std::uint64_t run(std::span<const Operation> operations) override {
    std::uint64_t sum = 0;
    for (const Operation& at : operations) {
      switch (at.kind) {
        case Operation::Kind::read: sum += engine_.read(at.handle); break;
        case Operation::Kind::update: engine_.update(at.handle, payload_of(at.key, at.version)); break;
        case Operation::Kind::insert: engine_.insert(at.key, payload_of(at.key, at.version)); break;
        case Operation::Kind::scan: sum += engine_.scan(at.key, at.length); break;
        case Operation::Kind::modify: sum += engine_.modify(at.handle, at.key); break;
      }
    }
    return sum;
  }

 private:
  Engine engine_;
};

/// What a modify operation writes over what it read.
[[nodiscard]] inline Payload next_of(std::uint64_t key, const Payload& seen) { return payload_of(key, seen[0] + 1); }

using MakeRecords = std::unique_ptr<Records> (*)(std::span<const std::uint64_t> keys);
[[nodiscard]] std::unique_ptr<Records> make_hash_map_records(std::span<const std::uint64_t> keys);
[[nodiscard]] std::unique_ptr<Records> make_map_records(std::span<const std::uint64_t> keys);
[[nodiscard]] std::unique_ptr<Records> make_lmdb_records(std::span<const std::uint64_t> keys);
[[nodiscard]] std::unique_ptr<Records> make_sqlite_records(std::span<const std::uint64_t> keys);
[[nodiscard]] std::unique_ptr<Records> make_rocksdb_records(std::span<const std::uint64_t> keys);
[[nodiscard]] std::unique_ptr<Records> make_leveldb_records(std::span<const std::uint64_t> keys);
/// No scans: its keys have no order.
[[nodiscard]] std::unique_ptr<Records> make_redis_records(std::span<const std::uint64_t> keys);
/// Through the index of a key field.
[[nodiscard]] std::unique_ptr<Records> make_stoa_records_by_key(std::span<const std::uint64_t> keys);
/// Through the entity's id, without a key field. No scans: entities have no order.
[[nodiscard]] std::unique_ptr<Records> make_stoa_records_by_entity(std::span<const std::uint64_t> keys);

}  // namespace bench
