#include "storage/index_set.h"

#include "base/hash.h"
#include "storage/paged_array.h"

#include <bit>
#include <cstring>

namespace stoa::storage {
namespace {

using detail::IndexInfo;

template <typename T>
T load(const std::byte* at) {
  T out;
  std::memcpy(&out, at, sizeof out);
  return out;
}

constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63U;

// Ascending as the numbers are: the sign bit turned for integers, and all bits of negative floats.
std::uint64_t ordered_integer(std::int64_t value) { return static_cast<std::uint64_t>(value) ^ sign_bit; }
std::uint64_t ordered_float(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  return (bits & sign_bit) != 0 ? ~bits : bits ^ sign_bit;
}

std::optional<std::uint64_t> scalar_value(FieldKind kind, const std::byte* at) {
  switch (kind) {
    case FieldKind::boolean:
    case FieldKind::u8: return load<std::uint8_t>(at);
    case FieldKind::u16: return load<std::uint16_t>(at);
    case FieldKind::u32: return load<std::uint32_t>(at);
    case FieldKind::u64: return load<std::uint64_t>(at);
    case FieldKind::i8: return ordered_integer(load<std::int8_t>(at));
    case FieldKind::i16: return ordered_integer(load<std::int16_t>(at));
    case FieldKind::i32: return ordered_integer(load<std::int32_t>(at));
    case FieldKind::i64: return ordered_integer(load<std::int64_t>(at));
    case FieldKind::f32: return ordered_float(static_cast<double>(load<float>(at)));
    case FieldKind::f64: return ordered_float(load<double>(at));
    case FieldKind::entity: return load<Entity>(at).bits();
    default: return std::nullopt;
  }
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
      if (field.reference) out.push_back({IndexInfo::Kind::reference, table.number, {field.number}});
      if (field.unique || field.key) out.push_back({IndexInfo::Kind::unique, table.number, {field.number}});
    }
    for (const auto& fields : table.unique_together) {
      out.push_back({IndexInfo::Kind::unique, table.number, fields});
    }
  }
  return out;
}

std::optional<std::uint64_t> index_value(const detail::WorldInfo& world, const IndexInfo& index, const std::byte* row) {
  const TableModel& table = world.model(index.table);
  std::uint64_t hash = 0;
  for (FieldId number : index.fields) {
    const FieldModel& field = table.field(number);
    if (field.type.kind == FieldKind::entity && field.type.extent == 0 && !load<Entity>(row + field.offset)) {
      return std::nullopt;
    }
    if (index.fields.size() == 1 && field.type.extent == 0) {
      if (auto value = scalar_value(field.type.kind, row + field.offset)) return value;
    }
    hash = hash_field(field, row, hash);
  }
  return hash;
}

bool same_in_index(const detail::WorldInfo& world, const IndexInfo& index, const std::byte* a, const std::byte* b) {
  const TableModel& table = world.model(index.table);
  for (FieldId number : index.fields) {
    const FieldModel& field = table.field(number);
    if (is_text(field)) {
      if (load<detail::TextCell>(a + field.offset) != load<detail::TextCell>(b + field.offset)) return false;
    } else if (std::memcmp(a + field.offset, b + field.offset, field.bytes) != 0) {
      return false;
    }
  }
  return true;
}

const BTree& index_at(const detail::Root& root, std::uint32_t number) noexcept {
  static_assert(sizeof(BTree) == 24, "a cell of the root's index directory");
  const void* page = detail::page_unchecked(root.indexes, number >> detail::directory_page_bits);
  return static_cast<const BTree*>(page)[number & ((1U << detail::directory_page_bits) - 1)];
}

IndexSet::IndexSet(const detail::WorldInfo& world) : world_(world), by_table_(world.tables.size()) {
  for (std::uint32_t number = 0; number < world.indexes.size(); ++number) {
    by_table_[to_index(world.indexes[number].table)].push_back(number);
  }
}

void IndexSet::row_added(memory::PageWriter& pages, detail::Root& root, TableId table, Entity entity,
                         const std::byte* row) {
  for (std::uint32_t number : by_table_[to_index(table)]) {
    if (auto value = index_value(world_, world_.indexes[number], row)) {
      BTree& tree = edit_cell<BTree>(pages, root.indexes, number, detail::directory_page_bits);
      insert(pages, tree, {*value, entity.bits()});
    }
  }
}

void IndexSet::row_removed(memory::PageWriter& pages, detail::Root& root, TableId table, Entity entity,
                           const std::byte* row) {
  for (std::uint32_t number : by_table_[to_index(table)]) {
    if (auto value = index_value(world_, world_.indexes[number], row)) {
      BTree& tree = edit_cell<BTree>(pages, root.indexes, number, detail::directory_page_bits);
      erase(pages, tree, {*value, entity.bits()});
    }
  }
}

void IndexSet::row_changed(memory::PageWriter& pages, detail::Root& root, TableId table, Entity entity,
                           const std::byte* before, const std::byte* after) {
  for (std::uint32_t number : by_table_[to_index(table)]) {
    const auto from = index_value(world_, world_.indexes[number], before);
    const auto to = index_value(world_, world_.indexes[number], after);
    if (from == to) continue;
    BTree& tree = edit_cell<BTree>(pages, root.indexes, number, detail::directory_page_bits);
    if (from) erase(pages, tree, {*from, entity.bits()});
    if (to) insert(pages, tree, {*to, entity.bits()});
  }
}

}  // namespace stoa::storage
