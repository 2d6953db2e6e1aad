// Bytes as an encoded delta whose checksum is right: decoded without a schema and with one, walked, encoded again, and
// applied to a replica.
#include "fuzz/envelope.h"
#include "fuzz/harness.h"
#include "fuzz/world.h"

#include <stoa/stoa.h>

#include <algorithm>
#include <expected>
#include <span>
#include <utility>
#include <vector>

namespace stoa::fuzz {
namespace {

bool same_ops(std::span<const DeltaOp> a, std::span<const DeltaOp> b) {
  return std::ranges::equal(a, b, [](const DeltaOp& x, const DeltaOp& y) {
    return x.kind == y.kind && x.table == y.table && x.entity == y.entity && x.field_offset == y.field_offset &&
           std::ranges::equal(x.data, y.data);
  });
}

std::expected<Delta, Error> decode(std::span<const std::byte> bytes, const CompiledSchema* schema) {
  return schema == nullptr ? Delta::decode(bytes) : Delta::decode(bytes, *schema);
}

// A row's padding is in no encoding, and is less than eight bytes for each byte beside it.
void require_no_more_than(std::size_t input_bytes, const Delta& delta) {
  std::size_t sum = 0;
  for (const DeltaOp& op : delta.ops()) sum += op.data.size();
  require(sum <= 8 * input_bytes, "operations have the bytes that came in, and padding");
}

// Whether rows of tables are named that encode() leaves out.
bool has_local_rows(const Delta& delta) {
  const TableId local = compiled()->table_of<Hint>();
  return std::ranges::any_of(delta.ops(), [&](const DeltaOp& op) { return op.table == local; });
}

void require_same_again(const Delta& delta, const CompiledSchema* schema) {
  const std::vector<std::byte> bytes = delta.encode();
  const auto again = decode(bytes, schema);
  require(again.has_value(), "what encode() gave is decoded");
  require(again->encode() == bytes, "it is encoded as it was");
  require(again->from() == delta.from() && again->to() == delta.to() && again->tag() == delta.tag() &&
              again->is_full() == delta.is_full(),
          "it is of the same versions");
  if (schema == nullptr || !has_local_rows(delta)) {
    require(same_ops(delta.ops(), again->ops()), "it has the same operations");
  }
}

template <typename T>
void visit(const Delta& delta) {
  std::size_t inserted = 0;
  T last{};
  delta.each<T>([&](Entity, const T& row) { last = row, ++inserted; },
                [&](Entity, const RowUpdate<T>& update) { update.apply_to(last); }, [](Entity) {});
  const TableId table = compiled()->table_of<T>();
  const auto is_insert = [&](const DeltaOp& op) { return op.kind == DeltaOp::Kind::insert && op.table == table; };
  require(std::ranges::count_if(delta.ops(), is_insert) == static_cast<std::ptrdiff_t>(inserted),
          "each() tells of the rows that ops() has");
}

Database replica_of(const Delta& delta) {
  Database replica = empty_world();
  if (delta.from() == 0) return replica;
  require(replica.apply(Delta::decode(settled_delta()).value()).has_value(), "a replica begins with a settled world");
  return replica;
}

// What a replica that took a delta can do next: be followed, and go on by itself.
void require_whole(Database& replica, bool has_local) {
  const Snapshot now = replica.snapshot();
  read_all(now);
  if (!has_local) {
    Database next = empty_world();
    require(next.apply(Delta::full(now)).has_value(), "another begins with all that the replica has");
    require(next.snapshot().state_hash() == now.state_hash(), "it has the same then");
  }
  const auto promoted = replica.promote();
  require(promoted && *promoted == now.version(), "it is promoted with the version that it has");
  Transaction tx = replica.begin();
  const Entity fresh = tx.create();  // null where an entity has the last index that there is
  require(!now.alive(fresh), "an id is not given out twice");
  tx.insert(fresh, Active{});
  const auto done = std::move(tx).commit();
  require(done.has_value() == static_cast<bool>(fresh), "it takes writes");
  if (done) require(done->version > now.version(), "its versions go on");
  read_all(replica.snapshot());
}

bool apply(const Delta& delta) {
  Database replica = replica_of(delta);
  const Version version = replica.version();
  const auto before = replica.snapshot().state_hash();
  const auto applied = replica.apply(delta);
  const auto after = replica.snapshot().state_hash();
  if (!applied) {
    require(after == before && replica.version() == version, "a refused delta leaves no trace");
    read_all(replica.snapshot());
    return false;
  }
  require(applied->version == replica.version(), "the answer is the replica's version");
  require(applied->version == std::max(version, delta.to()), "it is what the delta leads to, or what was there");
  const auto again = replica.apply(delta);
  require(again && again->version == applied->version && replica.snapshot().state_hash() == after,
          "a delta that comes again is ignored");
  require_whole(replica, has_local_rows(delta));
  return true;
}

}  // namespace

Reached run(std::span<const std::byte> input) {
  std::vector<std::byte> bytes(input.begin(), input.end());
  mend_envelope(bytes);
  const auto bare = Delta::decode(bytes);
  if (bare) {
    require_no_more_than(input.size(), *bare);
    require_same_again(*bare, nullptr);
  }
  const auto delta = Delta::decode(bytes, *compiled());
  if (!delta) return bare ? Reached::read : Reached::refused;
  require_same_again(*delta, &*compiled());
  visit<Position>(*delta);
  visit<Health>(*delta);
  visit<Name>(*delta);
  visit<Cargo>(*delta);
  visit<Label>(*delta);
  return apply(*delta) ? Reached::taken : Reached::read;
}

}  // namespace stoa::fuzz
