#include "delta/replay.h"

#include "delta/transaction_delta.h"
#include "delta/varint.h"
#include "schema/row_codec.h"

#include <cstring>
#include <limits>
#include <string>

namespace stoa::delta {
namespace {

using storage::Outcome;
using storage::WriteBuffer;

std::unexpected<Error> corrupt(std::string reason) {
  return std::unexpected(Error(ErrorCode::corrupt, std::move(reason)));
}

std::expected<void, Error> expect_done(Outcome outcome) {
  switch (outcome) {
    case Outcome::done: return {};
    case Outcome::no_entity: return corrupt("an operation on an entity that is not there");
    case Outcome::no_row: return corrupt("an operation on a row that is not there");
    case Outcome::too_large: return corrupt("a row whose texts have more than 1 GiB");
    case Outcome::row_exists: return corrupt("an insert of a row that is there");
  }
  return {};
}

}  // namespace

Replay::Replay(const detail::WorldInfo& world) : world_(world), row_(row_bytes_max) {
  for (const TableModel& table : world.schema->model().tables) row_bytes_.emplace_back(table);
}

std::expected<void, Error> Replay::apply(std::span<const std::byte> body, WriteBuffer& buffer) {
  std::span<const std::byte> in = body;
  while (!in.empty()) {
    const std::size_t offset = body.size() - in.size();
    if (auto applied = apply_op(in, buffer); !applied) {
      Place place;
      place.source = "delta";
      place.offset = offset;
      return std::unexpected(Error(ErrorCode::corrupt, std::move(place), std::string(applied.error().reason())));
    }
  }
  return {};
}

std::expected<void, Error> Replay::apply_op(std::span<const std::byte>& in, WriteBuffer& buffer) {
  const auto code = static_cast<OpCode>(in[0]);
  in = in.subspan(1);
  std::uint64_t index = 0;
  std::uint64_t generation = 0;
  if (!take_varint(in, index) || !take_varint(in, generation) ||
      index > std::numeric_limits<std::uint32_t>::max() - 1 || generation == 0 || generation > detail::generation_max) {
    return corrupt("not an entity's id");
  }
  const Entity entity(static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(generation));
  if (code == OpCode::create_entity) return expect_done(buffer.create(entity));
  if (code == OpCode::delete_entity) return expect_done(buffer.destroy(entity));

  std::uint64_t table = 0;
  if (!take_varint(in, table) || table >= world_.tables.size()) return corrupt("not a table of the schema");
  const TableId id{static_cast<std::uint16_t>(table)};
  switch (code) {
    case OpCode::remove: return expect_done(buffer.remove(id, entity));
    case OpCode::insert: return apply_insert(in, id, entity, buffer);
    case OpCode::update: return apply_update(in, id, entity, buffer);
    default: return corrupt("an unknown operation");
  }
}

std::expected<void, Error> Replay::apply_insert(std::span<const std::byte>& in, TableId table, Entity entity,
                                                WriteBuffer& buffer) {
  const TableModel& model = world_.model(table);
  std::memset(row_.data(), 0, model.bytes);
  if (!row_bytes_[to_index(table)].decode(in, row_.data())) return corrupt("a row of " + model.name + " is cut off");
  if (auto checked = schema::check_row(world_.schema->model(), model, row_.data()); !checked) return checked;
  const storage::RowImage image{table, row_.data()};
  return expect_done(buffer.insert(entity, {&image, 1}));
}

std::expected<void, Error> Replay::apply_update(std::span<const std::byte>& in, TableId table, Entity entity,
                                                WriteBuffer& buffer) {
  const TableModel& model = world_.model(table);
  const std::byte* now = buffer.find_row(table, entity);
  if (now == nullptr) return corrupt("an update of a row that is not there");
  std::memcpy(row_.data(), now, model.bytes);
  std::uint64_t count = 0;
  if (!take_varint(in, count) || count > model.fields.size()) return corrupt("a wrong number of fields");
  for (; count != 0; --count) {
    std::uint64_t field = 0;
    if (!take_varint(in, field) || field >= model.fields.size()) return corrupt("not a field of " + model.name);
    const FieldId number{static_cast<std::uint16_t>(field)};
    if (!row_bytes_[to_index(table)].decode_field(number, in, row_.data())) {
      return corrupt("a field of " + model.name + " is cut off");
    }
  }
  if (auto checked = schema::check_row(world_.schema->model(), model, row_.data()); !checked) return checked;
  return expect_done(buffer.update(table, entity, row_.data()));
}

}  // namespace stoa::delta
