#include "storage/index_value.h"

#include "base/hash.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>

namespace stoa::storage {
namespace {

using detail::IndexInfo;
using Form = IndexInfo::Form;
using Kind = IndexInfo::Kind;

template <typename T>
T load(const std::byte* at) {
  T out;
  std::memcpy(static_cast<void*>(&out), at, sizeof out);
  return out;
}

// Ascending as the numbers are: the sign bit turned for integers, and all bits of negative floats.
std::uint64_t ordered_integer(std::int64_t value) {
  return static_cast<std::uint64_t>(value) ^ std::uint64_t{1} << 63U;
}
template <typename Bits>
std::uint64_t ordered_float(Bits bits) {
  const Bits sign = Bits{1} << (8 * sizeof(Bits) - 1);
  return (bits & sign) != 0 ? static_cast<Bits>(~bits) : bits ^ sign;
}

bool is_text(const FieldModel& field) {
  return field.type.extent == 0 && (field.type.kind == FieldKind::text || field.type.kind == FieldKind::bytes);
}

std::uint64_t hash_field(const FieldModel& field, const std::byte* row, std::uint64_t seed) {
  if (is_text(field)) {
    const std::string_view text = reinterpret_cast<const detail::TextCell*>(row + field.offset)->view();
    return hash64(std::as_bytes(std::span(text)), seed);
  }
  return hash64({row + field.offset, field.bytes}, seed);
}

}  // namespace

std::vector<IndexInfo> derive_indexes(const SchemaModel& schema) {
  std::vector<IndexInfo> out;
  for (const TableModel& table : schema.tables) {
    for (const FieldModel& field : table.fields) {
      const auto add = [&](Kind kind, Form form) { out.push_back({kind, form, table.number, {field.number}}); };
      const bool text = is_text(field);
      if (field.reference) add(Kind::reference, Form::number);
      if (field.unique || field.key) add(Kind::unique, text ? Form::hash : Form::number);
      if (field.index && text) add(Kind::ordered, Form::text);
      if (field.index && !text && !field.reference && !field.unique && !field.key) add(Kind::ordered, Form::number);
    }
    for (const auto& fields : table.unique_together) {
      out.push_back({Kind::unique, Form::hash, table.number, fields});
    }
  }
  return out;
}

std::optional<std::uint64_t> ordered_value(const SchemaModel& schema, const FieldModel& field, const std::byte* cell) {
  const FieldKind kind =
      field.type.kind == FieldKind::enumeration ? schema.enums[field.type.definition].base : field.type.kind;
  switch (kind) {
    case FieldKind::boolean:
    case FieldKind::u8: return load<std::uint8_t>(cell);
    case FieldKind::u16: return load<std::uint16_t>(cell);
    case FieldKind::u32: return load<std::uint32_t>(cell);
    case FieldKind::u64: return load<std::uint64_t>(cell);
    case FieldKind::i8: return ordered_integer(load<std::int8_t>(cell));
    case FieldKind::i16: return ordered_integer(load<std::int16_t>(cell));
    case FieldKind::i32: return ordered_integer(load<std::int32_t>(cell));
    case FieldKind::i64: return ordered_integer(load<std::int64_t>(cell));
    case FieldKind::f32: return ordered_float(load<std::uint32_t>(cell));
    case FieldKind::f64: return ordered_float(load<std::uint64_t>(cell));
    case FieldKind::entity: {
      const auto entity = load<Entity>(cell);
      return entity ? std::optional(detail::entity_rank(entity)) : std::nullopt;
    }
    default: return std::nullopt;
  }
}

std::optional<IndexKey> index_key(const detail::WorldInfo& world, const IndexInfo& index, Entity entity,
                                  const std::byte* row) {
  const TableModel& table = world.model(index.table);
  if (index.form == Form::number) {
    const FieldModel& field = table.field(index.fields[0]);
    const auto value = ordered_value(world.schema->model(), field, row + field.offset);
    return value ? std::optional(IndexKey{*value, detail::entity_rank(entity)}) : std::nullopt;
  }
  std::uint64_t hash = 0;
  for (FieldId number : index.fields) {
    const FieldModel& field = table.field(number);
    if (field.type.kind == FieldKind::entity && field.type.extent == 0 && !load<Entity>(row + field.offset)) {
      return std::nullopt;
    }
    hash = hash_field(field, row, hash);
  }
  return IndexKey{hash, detail::entity_rank(entity)};
}

TextKey text_key(const detail::WorldInfo& world, const IndexInfo& index, Entity entity, const std::byte* row) {
  const FieldModel& field = world.model(index.table).field(index.fields[0]);
  return {load<detail::TextCell>(row + field.offset), detail::entity_rank(entity)};
}

bool same_cells(const detail::WorldInfo& world, const IndexInfo& index, const std::byte* a,
                const std::byte* b) noexcept {
  const TableModel& table = world.model(index.table);
  return std::ranges::all_of(index.fields, [&](FieldId number) {
    const FieldModel& field = table.field(number);
    return std::memcmp(a + field.offset, b + field.offset, field.bytes) == 0;
  });
}

bool same_in_index(const detail::WorldInfo& world, const IndexInfo& index, const std::byte* a, const std::byte* b) {
  const TableModel& table = world.model(index.table);
  return std::ranges::all_of(index.fields, [&](FieldId number) {
    const FieldModel& field = table.field(number);
    if (is_text(field)) {
      return load<detail::TextCell>(a + field.offset) == load<detail::TextCell>(b + field.offset);
    }
    return std::memcmp(a + field.offset, b + field.offset, field.bytes) == 0;
  });
}

}  // namespace stoa::storage
