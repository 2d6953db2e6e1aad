#include "integrity/judge.h"

#include "base/reuse.h"
#include "base/steady_time.h"
#include "schema/row_codec.h"
#include "schema/rule_name.h"
#include "schema/value_codec.h"
#include "storage/index_lookup.h"
#include "storage/index_set.h"

#include <stoa/cell_text.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

namespace stoa::integrity {
namespace {

using detail::is_past;
using detail::SteadyTime;
using storage::Change;
using storage::WriteBuffer;

constexpr std::size_t violations_max = 64;
constexpr std::size_t between_looks = 256;  // at the clock

Entity load_entity(const std::byte* at) {
  Entity out;
  std::memcpy(static_cast<void*>(&out), at, sizeof out);
  return out;
}

Violation violation(Violation::Kind kind, const TableModel& table, const FieldModel& field, Entity entity,
                    Entity target = {}) {
  return {.kind = kind,
          .constraint = schema::rule_name(table, field),
          .table = table.name,
          .field = field.name,
          .entity = entity,
          .target = target,
          .referenced = {},
          .value = {},
          .bounds = {}};
}

// The start of what a field of a row has.
std::string value_text(const SchemaModel& schema, const FieldModel& field, const std::byte* row) {
  constexpr std::size_t bytes_max = 64;
  std::string out = format_value(schema, field, schema::read_value(schema, field.type, row + field.offset));
  if (out.size() > bytes_max) {
    std::size_t end = bytes_max;
    while (end != 0 && (static_cast<unsigned char>(out[end]) & 0xC0U) == 0x80U) --end;  // whole characters
    out.resize(end);
  }
  return out;
}

// A row that was written several times breaks a rule once, and so do two rows of one value.
void report(std::vector<Violation>& violations, Violation found) {
  if (violations.size() >= violations_max) return;
  const bool known = std::any_of(violations.begin(), violations.end(), [&](const Violation& other) {
    if (other.kind != found.kind || other.constraint != found.constraint) return false;
    const bool is_mirrored =
        found.kind == Violation::Kind::unique && other.entity == found.target && other.target == found.entity;
    return other.entity == found.entity || is_mirrored;
  });
  if (!known) violations.push_back(std::move(found));
}

// A reference that is not new restricts its target from going, and is no mistake of its row.
bool is_restricted(const std::vector<Violation>& violations, const Violation& missing) {
  return std::any_of(violations.begin(), violations.end(), [&](const Violation& other) {
    return other.kind == Violation::Kind::foreign_key_restrict && other.entity == missing.entity &&
           other.constraint == missing.constraint;
  });
}

bool is_there(const WriteBuffer& buffer, TableId table, Entity entity) {
  return table == no_table ? buffer.alive(entity) : buffer.find_row(table, entity) != nullptr;
}

bool is_missing(const FieldModel& field, const std::byte* row) {
  const std::byte* cell = row + field.offset;
  if (field.type.kind == FieldKind::entity) return !load_entity(cell);
  return reinterpret_cast<const detail::TextCell*>(cell)->size() == 0;
}

}  // namespace

void Judge::Closure::clear() {
  clear_for_reuse(out.ended);
  clear_for_reuse(out.removed);
  clear_for_reuse(out.nulled);
  out.restricted.clear();
  clear_for_reuse(gone);
  clear_for_reuse(touches);
  clear_for_reuse(restricted);
  ended.clear();
  removed.clear();
  followed = 0;
  last_key = nullptr;
}

std::expected<const Consequences*, Error> Judge::consequences(const WriteBuffer& buffer, SteadyTime deadline) {
  Closure& closure = closure_;
  closure.clear();
  collect_gone(buffer, closure);
  if (closure.gone.empty()) return &closure.out;
  const auto changes = buffer.changes().changes();
  for (std::size_t at = 0; at < changes.size(); ++at) {
    if (changes[at].table == no_table || constraints_.of_rows(changes[at].table).references.empty()) continue;
    closure.touches.push_back({changes[at].entity, at});
  }
  std::sort(closure.touches.begin(), closure.touches.end(), [](const Touch& a, const Touch& b) {
    return std::pair(a.entity.bits(), a.at) < std::pair(b.entity.bits(), b.at);
  });
  for (std::size_t at = 0; at < closure.gone.size(); ++at) {
    if (at % between_looks == 0 && is_past(deadline)) {
      return std::unexpected(Error(ErrorCode::timeout, "the deadline passed while cascades were followed"));
    }
    const Gone gone = closure.gone[at];
    for (const ForeignKey* key : constraints_.referring_to(gone.table)) {
      if (!follow(buffer, gone, *key, closure)) return std::unexpected(past_limit(buffer, *key, gone.entity));
    }
  }
  // A row that was to go or to lose a reference may belong to an entity that was found to end later.
  std::erase_if(closure.out.removed, [&](const auto& row) { return closure.ended.contains(no_table, row.entity); });
  std::erase_if(closure.out.nulled, [&](const auto& cell) {
    return closure.ended.contains(no_table, cell.entity) || closure.removed.contains(cell.table, cell.entity);
  });
  // Only now is it known what each thing counts as.
  if (closure.out.ended.size() + closure.out.removed.size() + closure.out.nulled.size() > cascade_rows_max_) {
    return std::unexpected(past_limit(buffer, *closure.last_key, closure.gone.front().entity));
  }
  for (const auto& [key, referrer, target] : closure.restricted) {
    if (closure.out.restricted.size() == violations_max) break;
    if (closure.ended.contains(no_table, referrer) || closure.removed.contains(key->table, referrer)) continue;
    closure.out.restricted.push_back(violation(Violation::Kind::foreign_key_restrict, buffer.world().model(key->table),
                                               *key->field, referrer, target));
  }
  return &closure.out;
}

Error Judge::past_limit(const WriteBuffer& buffer, const ForeignKey& key, Entity target) {
  return {{violation(Violation::Kind::cascade_limit, buffer.world().model(key.table), *key.field, {}, target)}};
}

// Rows and entities that were there and are not any more. A row removed and inserted again did not go.
void Judge::collect_gone(const WriteBuffer& buffer, Closure& closure) const {
  for (const Change& change : buffer.changes().changes()) {
    if (change.kind == Change::Kind::remove && !constraints_.referring_to(change.table).empty() &&
        buffer.find_row(change.table, change.entity) == nullptr) {
      add_gone_row(change.table, change.entity, closure);
    }
    if (change.kind == Change::Kind::destroy && !constraints_.referring_to(no_table).empty()) {
      closure.gone.push_back({no_table, change.entity});
    }
  }
}

bool Judge::follow(const WriteBuffer& buffer, const Gone& gone, const ForeignKey& key, Closure& closure) const {
  const auto& index = storage::index_at<storage::IndexKey>(buffer.root(), key.index);
  const std::uint64_t value = detail::entity_rank(gone.entity);
  for (auto at = storage::lower_bound(index, storage::IndexKey{value, 0}); at.valid() && at.key().value == value;
       at.next()) {
    const Entity referrer = detail::entity_of_rank(at.key().entity);
    if (closure.ended.contains(no_table, referrer)) continue;
    // A row that goes by another of its references may still end its entity: which is found first must not matter.
    const bool row_goes = closure.removed.contains(key.table, referrer);
    if (row_goes && key.on_delete != OnDelete::cascade) continue;
    if (set_here(buffer, closure.touches, key, referrer, gone.entity)) continue;
    switch (key.on_delete) {
      case OnDelete::restrict: closure.restricted.push_back({&key, referrer, gone.entity}); break;
      case OnDelete::set_null: closure.out.nulled.push_back({key.table, referrer, key.field}); break;
      case OnDelete::remove:
        if (add_gone_row(key.table, referrer, closure)) closure.out.removed.push_back({key.table, referrer});
        break;
      case OnDelete::cascade: end_entity(buffer, referrer, closure); break;
    }
    closure.last_key = &key;
    // Far enough for certain: what has ended stays so, and a thing is come to once by each key at most.
    if (closure.out.ended.size() > cascade_rows_max_) return false;
    if (++closure.followed / constraints_.key_count() > cascade_rows_max_) return false;
  }
  return true;
}

void Judge::end_entity(const WriteBuffer& buffer, Entity entity, Closure& closure) const {
  closure.ended.insert(no_table, entity);
  closure.out.ended.push_back(entity);
  closure.gone.push_back({no_table, entity});
  for (const TableModel& table : buffer.world().schema->model().tables) {
    if (constraints_.referring_to(table.number).empty()) continue;
    if (buffer.find_row(table.number, entity) != nullptr) add_gone_row(table.number, entity, closure);
  }
}

bool Judge::add_gone_row(TableId table, Entity entity, Closure& closure) {
  const bool fresh = closure.removed.insert(table, entity);
  if (fresh) closure.gone.push_back({table, entity});
  return fresh;
}

// Whether this transaction gave the referrer that target: the row is new, or its field named another before. Searched
// from the front: the first change that touched the field tells what it was.
bool Judge::set_here(const WriteBuffer& buffer, const std::vector<Touch>& touches, const ForeignKey& key,
                     Entity referrer, Entity target) {
  const auto changes = buffer.changes().changes();
  auto touch = std::lower_bound(touches.begin(), touches.end(), referrer.bits(),
                                [](const Touch& a, std::uint64_t bits) { return a.entity.bits() < bits; });
  for (; touch != touches.end() && touch->entity == referrer; ++touch) {
    const Change& change = changes[touch->at];
    if (change.table != key.table) continue;
    const std::byte* image = buffer.changes().image(change);
    const std::uint32_t offset = key.field->offset;
    switch (change.kind) {
      case Change::Kind::insert: return true;
      case Change::Kind::remove: return load_entity(image + offset) != target;
      case Change::Kind::update:
        if (offset < change.offset || offset >= change.offset + change.image_bytes) break;
        return load_entity(image + offset - change.offset) != target;
      default: break;
    }
  }
  return false;
}

std::expected<void, Error> Judge::check(const WriteBuffer& buffer, SteadyTime deadline,
                                        std::vector<Violation> violations) const {
  const SchemaModel& schema = buffer.world().schema->model();
  std::size_t at = 0;
  for (const Change& change : buffer.changes().changes()) {
    if (violations.size() >= violations_max) break;
    if (at++ % between_looks == 0 && is_past(deadline)) {
      return std::unexpected(Error(ErrorCode::timeout, "the deadline passed while its rows were checked"));
    }
    if (change.kind != Change::Kind::insert && change.kind != Change::Kind::update) continue;
    const RowRules& rules = constraints_.of_rows(change.table);
    if (rules.empty()) continue;
    const std::byte* row = buffer.find_row(change.table, change.entity);
    if (row == nullptr) continue;  // it went again
    const TableModel& table = buffer.world().model(change.table);
    for (const FieldModel* field : rules.required) {
      if (is_missing(*field, row)) {
        report(violations, violation(Violation::Kind::required, table, *field, change.entity));
      }
    }
    for (const FieldModel* field : rules.ranged) {
      if (!schema::in_range(*field, row + field->offset)) {
        Violation found = violation(Violation::Kind::range, table, *field, change.entity);
        found.value = value_text(schema, *field, row);
        found.bounds = format_bounds(schema, *field);
        report(violations, std::move(found));
      }
    }
    for (const ForeignKey* key : rules.references) {
      const Entity target = load_entity(row + key->field->offset);
      if (!target || is_there(buffer, key->target, target)) continue;
      Violation found = violation(Violation::Kind::foreign_key_missing, table, *key->field, change.entity, target);
      if (key->target != no_table) found.referenced = buffer.world().model(key->target).name;
      if (!is_restricted(violations, found)) report(violations, std::move(found));
    }
    for (std::uint32_t index : rules.unique_indexes) {
      const Entity other = storage::find_holder(buffer.root(), index, row, change.entity);
      if (!other) continue;
      const auto& fields = buffer.world().indexes[index].fields;
      Violation found{.kind = Violation::Kind::unique,
                      .constraint = schema::rule_name(table, fields),
                      .table = table.name,
                      .field = {},
                      .entity = change.entity,
                      .target = other,
                      .referenced = {},
                      .value = {},
                      .bounds = {}};
      if (fields.size() == 1) found.field = table.field(fields[0]).name;
      found.value = value_text(schema, table.field(fields[0]), row);
      for (FieldId field : std::span(fields).subspan(1)) {
        found.value += ", " + value_text(schema, table.field(field), row);
      }
      report(violations, std::move(found));
    }
  }
  if (!violations.empty()) return std::unexpected(Error(std::move(violations)));
  return {};
}

}  // namespace stoa::integrity
