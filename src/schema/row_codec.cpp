#include "schema/row_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>

#include "schema/kinds.h"
#include "schema/value_codec.h"

namespace stoa::schema {
namespace {

Error at_field(const TableModel& table, std::string_view field, const Error& error) {
  return {error.code(), fmt::format("{}.{}: {}", table.name, field, error.reason())};
}

std::string_view field_at(const TableModel& table, std::uint32_t offset) {
  for (const FieldModel& field : table.fields) {
    if (offset >= field.offset && offset < field.offset + field.bytes) return field.name;
  }
  return "?";
}

template <typename T>
bool elements_in_range(const FieldModel& field, const void* cell) {
  using Wide = std::conditional_t<std::is_floating_point_v<T>, double,
                                  std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>;
  // Compilation gave the bounds the field's own widest type.
  const Wide* min = field.min ? std::get_if<Wide>(&field.min->variant()) : nullptr;
  const Wide* max = field.max ? std::get_if<Wide>(&field.max->variant()) : nullptr;
  for (std::uint32_t i = 0; i < element_count(field.type); ++i) {
    T element;
    std::memcpy(&element, static_cast<const std::byte*>(cell) + i * sizeof(T), sizeof(T));
    const Wide value = element;
    if (min != nullptr && !(value >= *min)) return false;  // negated: NaN compares false with everything
    if (max != nullptr && !(value <= *max)) return false;
  }
  return true;
}

// The bools, enums and texts in [offset, offset + bytes) of a row, whose bytes are at `range`.
std::expected<void, Error> check_range(const SchemaModel& schema, const TableModel& table, std::uint32_t offset,
                                       std::uint32_t bytes, const std::byte* range) {
  const auto within = [&](std::uint32_t at) { return at >= offset && at < offset + bytes; };
  for (const Leaf& leaf : table.checked) {
    if (!within(leaf.offset)) continue;
    const std::byte* cell = range + leaf.offset - offset;
    if (leaf.kind == FieldKind::boolean) {
      if (*cell > std::byte{1}) {
        return std::unexpected(
            at_field(table, table.field(leaf.field).name, Error::invalid("a bool that is not 0 or 1")));
      }
      continue;
    }
    const EnumModel& model = schema.enums[leaf.definition];
    const std::int64_t value = load_enum(model.base, cell);
    if (find_variant(model, value) == nullptr) {
      return std::unexpected(at_field(table, table.field(leaf.field).name,
                                      Error::invalid(fmt::format("{} is no variant of {}", value, model.name))));
    }
  }
  std::uint64_t together = 0;
  for (const std::uint32_t blob : table.blobs) {
    if (!within(blob)) continue;
    std::uint32_t size;  // the first word of a text's cell
    std::memcpy(&size, range + blob - offset, sizeof size);
    if (size > blob_bytes_max) {
      return std::unexpected(
          at_field(table, field_at(table, blob),
                   Error(ErrorCode::too_large, fmt::format("{} bytes, more than {}", size, blob_bytes_max))));
    }
    together += size;
    if (together > row_blob_bytes_max) {
      return std::unexpected(
          at_field(table, field_at(table, blob),
                   Error(ErrorCode::too_large, fmt::format("with this the row's texts have {} bytes, "
                                                           "more than {}",
                                                           together, row_blob_bytes_max))));
    }
  }
  return {};
}

}  // namespace

void copy_row(const TableModel& table, const void* from, void* to) {
  if (!table.is_padded()) {
    if (table.bytes != 0) std::memcpy(to, from, table.bytes);
    return;
  }
  std::memset(to, 0, table.bytes);
  for (const ByteRun& run : table.runs) {
    std::memcpy(static_cast<std::byte*>(to) + run.offset, static_cast<const std::byte*>(from) + run.offset, run.bytes);
  }
}

const std::byte* canonical_rows(const TableModel& table, const std::byte* rows, std::size_t count,
                                std::vector<std::byte>& room) {
  if (!table.is_padded()) return rows;
  room.resize(std::max<std::size_t>(room.size(), count * table.bytes));
  for (std::size_t i = 0; i != count; ++i) copy_row(table, rows + i * table.bytes, room.data() + i * table.bytes);
  return room.data();
}

std::expected<void, Error> check_row(const SchemaModel& schema, const TableModel& table, const void* row) {
  return check_range(schema, table, 0, table.bytes, static_cast<const std::byte*>(row));
}

std::expected<void, Error> check_field(const SchemaModel& schema, const TableModel& table, const FieldModel& field,
                                       const void* cell) {
  return check_range(schema, table, field.offset, field.bytes, static_cast<const std::byte*>(cell));
}

void copy_field(const TableModel& table, const FieldModel& field, const void* from, void* to) {
  std::memset(to, 0, field.bytes);
  const std::uint32_t end = field.offset + field.bytes;
  for (const ByteRun& run : table.runs) {
    const std::uint32_t first = std::max(run.offset, field.offset);
    const std::uint32_t last = std::min(run.offset + run.bytes, end);
    if (first >= last) continue;
    std::memcpy(static_cast<std::byte*>(to) + first - field.offset,
                static_cast<const std::byte*>(from) + first - field.offset, last - first);
  }
}

bool in_range(const FieldModel& field, const void* cell) {
  if (!field.min && !field.max) return true;
  switch (field.type.kind) {
    case FieldKind::i8: return elements_in_range<std::int8_t>(field, cell);
    case FieldKind::i16: return elements_in_range<std::int16_t>(field, cell);
    case FieldKind::i32: return elements_in_range<std::int32_t>(field, cell);
    case FieldKind::i64: return elements_in_range<std::int64_t>(field, cell);
    case FieldKind::u8: return elements_in_range<std::uint8_t>(field, cell);
    case FieldKind::u16: return elements_in_range<std::uint16_t>(field, cell);
    case FieldKind::u32: return elements_in_range<std::uint32_t>(field, cell);
    case FieldKind::u64: return elements_in_range<std::uint64_t>(field, cell);
    case FieldKind::f32: return elements_in_range<float>(field, cell);
    case FieldKind::f64: return elements_in_range<double>(field, cell);
    default: return true;  // no bounds: the schema refuses them
  }
}

std::expected<void, Error> set_field(const SchemaModel& schema, const TableModel& table, const FieldModel& field,
                                     void* row, const Value& value) {
  std::expected<void, Error> done = write_value(schema, field.type, static_cast<std::byte*>(row) + field.offset, value);
  if (!done) return std::unexpected(at_field(table, field.name, done.error()));
  return done;
}

Value get_field(const SchemaModel& schema, const FieldModel& field, const void* row) {
  return read_value(schema, field.type, static_cast<const std::byte*>(row) + field.offset);
}

void default_row(const SchemaModel& schema, const TableModel& table, void* row) {
  if (table.bytes != 0) std::memset(row, 0, table.bytes);
  for (const FieldModel& field : table.fields) {
    if (!field.default_value) continue;
    [[maybe_unused]] const auto done =
        write_value(schema, field.type, static_cast<std::byte*>(row) + field.offset, *field.default_value);
    assert(done && "compilation checked the defaults");
  }
}

}  // namespace stoa::schema
