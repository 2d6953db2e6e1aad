#include <stoa/detail/index_place.h>

#include "storage/index_lookup.h"
#include "storage/index_set.h"
#include "storage/index_value.h"

#include <cmath>
#include <cstddef>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace stoa::detail {
namespace {

using storage::BTree;
using storage::BTreeCursor;
using storage::BTreeNode;
using storage::IndexKey;
using storage::TextKey;

template <typename Key>
constexpr bool is_as_places_say = offsetof(BTreeNode<Key>, count) == 0 &&
                                  offsetof(BTreeNode<Key>, keys) == IndexPlace::keys_offset&& offsetof(Key, entity) ==
                                      sizeof(Key) - sizeof(std::uint64_t);
static_assert(is_as_places_say<IndexKey> && is_as_places_say<TextKey>);

template <typename Key>
IndexPlace place_of(const Root& root, std::uint32_t index, const BTreeCursor<Key>& at) noexcept {
  IndexPlace out{.root = &root, .index = index, .key_bytes = sizeof(Key)};
  if (at.valid()) {
    out.leaf = reinterpret_cast<const std::byte*>(at.leaf());
    out.at = static_cast<std::uint16_t>(at.index());
  }
  return out;
}

// Calls function(tree) with the index's tree, whose keys are of either kind.
template <typename Function>
IndexPlace with_tree(const Root& root, std::uint32_t index, Function&& function) noexcept {
  if (root.world->indexes[index].form == IndexInfo::Form::text) {
    return place_of(root, index, function(storage::index_at<TextKey>(root, index)));
  }
  return place_of(root, index, function(storage::index_at<IndexKey>(root, index)));
}

constexpr std::uint64_t entity_max = ~std::uint64_t{0};

// What a key is to lie next to: all that have the value, before or behind them, or one of them.
enum class Side : std::uint8_t { before, behind, within };

TextCell load_text(const std::byte* cell) {
  TextCell out;
  std::memcpy(static_cast<void*>(&out), cell, sizeof out);
  return out;
}

template <typename Float>
bool is_nan(const std::byte* cell) {
  Float value;
  std::memcpy(&value, cell, sizeof value);
  return std::isnan(value);
}
bool is_nan(const FieldModel& field, const std::byte* cell) {
  return (field.type.kind == FieldKind::f32 && is_nan<float>(cell)) ||
         (field.type.kind == FieldKind::f64 && is_nan<double>(cell));
}

// Both zeros are one number, as a bound, and the index has them one after the other.
template <typename Float>
std::optional<std::uint64_t> bound_of_float(const SchemaModel& schema, const FieldModel& field, const std::byte* cell,
                                            Side side) {
  Float value;
  std::memcpy(&value, cell, sizeof value);
  if (value == 0 && side != Side::within) value = side == Side::before ? -Float{0} : Float{0};
  return storage::ordered_value(schema, field, reinterpret_cast<const std::byte*>(&value));
}

// Null is below every reference.
std::uint64_t bound(const Root& root, const FieldModel& field, const std::byte* cell, Side side) {
  const SchemaModel& schema = root.world->schema->model();
  switch (field.type.kind) {
    case FieldKind::f32: return bound_of_float<float>(schema, field, cell, side).value_or(0);
    case FieldKind::f64: return bound_of_float<double>(schema, field, cell, side).value_or(0);
    default: return storage::ordered_value(schema, field, cell).value_or(0);
  }
}

template <typename Key>
Key bound_key(const Root& root, const FieldModel& field, const std::byte* cell, Side side, Entity within = {}) {
  const std::uint64_t entity = side == Side::behind ? entity_max : entity_rank(within);
  if constexpr (std::is_same_v<Key, TextKey>) {
    return {load_text(cell), entity};
  } else {
    return {bound(root, field, cell, side), entity};
  }
}

template <typename Key>
bool ascending(const Root& root, const FieldModel& field, const std::byte* low, const std::byte* high) {
  return !below(bound_key<Key>(root, field, high, Side::behind), bound_key<Key>(root, field, low, Side::before));
}

}  // namespace

void IndexPlace::next_leaf() noexcept {
  --at;
  *this = with_tree(*root, index, [this]<typename Key>(const BTree<Key>& tree) {
    BTreeCursor<Key> cursor(tree, reinterpret_cast<const BTreeNode<Key>*>(leaf), at);
    cursor.next();
    return cursor;
  });
}

void IndexPlace::prev_leaf() noexcept {
  *this = with_tree(*root, index, [this]<typename Key>(const BTree<Key>& tree) {
    if (leaf == nullptr) return last(tree);
    BTreeCursor<Key> cursor(tree, reinterpret_cast<const BTreeNode<Key>*>(leaf), at);
    cursor.prev();
    return cursor;
  });
}

void IndexPlace::to_first() noexcept {
  *this = with_tree(*root, index, [](const auto& tree) { return first(tree); });
}

OrderedIndex ordered_index(const WorldInfo& world, TableId table, std::string_view field, std::string_view call) {
  const TableModel& model = world.model(table);
  const FieldModel& wanted = *model.find(field);
  const auto number = storage::find_ordered_index(world, table, wanted.number);
  if (!number) {
    throw std::logic_error("stoa: " + std::string(call) + ": " + model.name + "." + wanted.name +
                           " has no ordered index: its table does not ask for index<>() of it");
  }
  return {*number, &wanted};
}

IndexPlace first_place(const Root& root, const OrderedIndex& index) noexcept {
  return with_tree(root, index.number, [](const auto& tree) { return first(tree); });
}

IndexPlace place_not_below(const Root& root, const OrderedIndex& index, const std::byte* cell, Entity entity) noexcept {
  return with_tree(root, index.number, [&]<typename Key>(const BTree<Key>& tree) {
    return lower_bound(tree, bound_key<Key>(root, *index.field, cell, entity ? Side::within : Side::before, entity));
  });
}

IndexPlace place_above(const Root& root, const OrderedIndex& index, const std::byte* cell) noexcept {
  return with_tree(root, index.number, [&]<typename Key>(const BTree<Key>& tree) {
    return lower_bound(tree, bound_key<Key>(root, *index.field, cell, Side::behind));
  });
}

std::pair<IndexPlace, IndexPlace> places_between(const Root& root, const OrderedIndex& index, const std::byte* low,
                                                 const std::byte* high) noexcept {
  const FieldModel& field = *index.field;
  const bool text = root.world->indexes[index.number].form == IndexInfo::Form::text;
  const bool in_order =
      !is_nan(field, low) && !is_nan(field, high) &&
      (text ? ascending<TextKey>(root, field, low, high) : ascending<IndexKey>(root, field, low, high));
  if (!in_order) return {};
  return {place_not_below(root, index, low), place_above(root, index, high)};
}

Entity find_unique(const Root& root, TableId table, std::string_view field, const std::byte* cell) {
  const TableModel& model = root.world->model(table);
  const FieldModel& wanted = *model.find(field);
  const auto index = storage::find_unique_index(*root.world, table, wanted.number);
  if (!index) throw std::logic_error("stoa: find: " + model.name + "." + wanted.name + " is not unique");
  // The index reads a whole row; only the one field of this one matters.
  std::vector<std::byte> row(model.bytes);
  std::memcpy(row.data() + wanted.offset, cell, wanted.bytes);
  return storage::find_holder(root, *index, row.data());
}

}  // namespace stoa::detail
