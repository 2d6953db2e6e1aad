#include "integrity/judge.h"

#include "base/printable.h"
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
constexpr std::size_t restricted_max = 32;  // of these, so that other mistakes are told as well
constexpr std::size_t between_looks = 256;  // at the clock
constexpr std::size_t slots_ahead = 8;      // of referrers, that are asked for

Error late() { return {ErrorCode::timeout, "the deadline passed while its rules were judged"}; }

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

std::string shorten(std::string text, std::size_t bytes_max) {
  text.resize(start_of(text, bytes_max).size());
  return text;
}

// The start of what a field of a row has.
std::string value_text(const SchemaModel& schema, const FieldModel& field, const std::byte* row) {
  constexpr std::size_t bytes_max = 64;
  if (field.type.extent == 0 && (field.type.kind == FieldKind::text || field.type.kind == FieldKind::bytes)) {
    // Not the whole of it first: it may be long.
    std::string_view text = reinterpret_cast<const detail::TextCell*>(row + field.offset)->view();
    if (text.empty()) return "\"\"";
    text = text.substr(0, bytes_max + 1);
    const detail::TextCell start(text.data(), text.size());
    return shorten(
        format_value(schema, field, schema::read_value(schema, field.type, reinterpret_cast<const std::byte*>(&start))),
        bytes_max);
  }
  return shorten(format_value(schema, field, schema::read_value(schema, field.type, row + field.offset)), bytes_max);
}

// Whether the row is known to break the rule: it may have been written several times.
bool is_known(const std::vector<Violation>& violations, Violation::Kind kind, const TableModel& table,
              const FieldModel& field, Entity entity) {
  return std::ranges::any_of(violations, [&](const Violation& other) {
    return other.kind == kind && other.entity == entity && other.table == table.name && other.field == field.name;
  });
}

// The same of two rows with the same values, whichever of them was come to.
bool are_known(const std::vector<Violation>& violations, const std::string& constraint, Entity a, Entity b) {
  return std::ranges::any_of(violations, [&](const Violation& other) {
    if (other.kind != Violation::Kind::unique || other.constraint != constraint) return false;
    return other.entity == a || (other.entity == b && other.target == a);
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
  not_referred_to = 0;
  last_key = nullptr;
  last_root = {};
  in_use = false;
}

std::expected<const Consequences*, Error> Judge::consequences(const WriteBuffer& buffer, SteadyTime deadline) {
  Closure& closure = closure_;
  if (closure.in_use) closure.clear();
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
    if (at % between_looks == 0 && is_past(deadline)) return std::unexpected(late());
    const Gone gone = closure.gone[at];
    for (const ForeignKey* key : constraints_.referring_to(gone.table)) {
      if (auto followed = follow(buffer, gone, *key, deadline, closure); !followed) {
        return std::unexpected(std::move(followed.error()));
      }
    }
  }
  // A row that was to go or to lose a reference may belong to an entity that was found to end later.
  std::erase_if(closure.out.removed, [&](const auto& row) { return closure.ended.contains(no_table, row.entity); });
  std::erase_if(closure.out.nulled, [&](const auto& cell) {
    return closure.ended.contains(no_table, cell.entity) || closure.removed.contains(cell.table, cell.entity);
  });
  // Only now is it known what each thing counts as.
  if (closure.out.size() > cascade_rows_max_) return std::unexpected(past_limit(buffer, closure));
  for (const auto& [key, referrer, target] : closure.restricted) {
    if (closure.out.restricted.size() == restricted_max) break;
    if (closure.ended.contains(no_table, referrer) || closure.removed.contains(key->table, referrer)) continue;
    closure.out.restricted.push_back(violation(Violation::Kind::foreign_key_restrict, buffer.world().model(key->table),
                                               *key->field, referrer, target));
    if (key->target != no_table) closure.out.restricted.back().referenced = buffer.world().model(key->target).name;
  }
  return &closure.out;
}

Error Judge::past_limit(const WriteBuffer& buffer, const Closure& closure) {
  const ForeignKey& key = *closure.last_key;
  return {
      {violation(Violation::Kind::cascade_limit, buffer.world().model(key.table), *key.field, {}, closure.last_root)}};
}

// Rows and entities that were there and are not any more. A row removed and inserted again did not go.
void Judge::collect_gone(const WriteBuffer& buffer, Closure& closure) const {
  for (const Change& change : buffer.changes().changes()) {
    if (change.kind != Change::Kind::remove && change.kind != Change::Kind::destroy) continue;
    closure.in_use = true;
    if (change.kind == Change::Kind::destroy) {
      if (!constraints_.referring_to(no_table).empty()) {
        closure.gone.push_back({no_table, change.entity, change.entity});
      }
    } else if (!constraints_.referring_to(change.table).empty() &&
               buffer.find_row(change.table, change.entity) == nullptr) {
      add_gone_row(change.table, change.entity, change.entity, closure);
    }
  }
}

std::expected<void, Error> Judge::follow(const WriteBuffer& buffer, const Gone& gone, const ForeignKey& key,
                                         SteadyTime deadline, Closure& closure) const {
  const auto& index = storage::index_at<storage::IndexKey>(buffer.root(), key.index);
  const std::uint64_t value = detail::entity_rank(gone.entity);
  std::size_t looked_at = 0;
  auto at = storage::lower_bound(index, storage::IndexKey{value, 0});
  // Goes before, and asks for the slots: those of referrers may be anywhere.
  auto ahead = at;
  const auto fetch_slot = [&] {
    if (!ahead.valid() || ahead.key().value != value) return;
    const Entity referrer = detail::entity_of_rank(ahead.key().entity);
    if (const auto* slot = detail::find_slot(buffer.root(), referrer.index())) __builtin_prefetch(slot);
    ahead.next();
  };
  for (std::size_t i = 0; i != slots_ahead; ++i) fetch_slot();
  for (; at.valid() && at.key().value == value; at.next()) {
    fetch_slot();
    if (++looked_at % between_looks == 0 && is_past(deadline)) return std::unexpected(late());
    const Entity referrer = detail::entity_of_rank(at.key().entity);
    if (closure.ended.contains(no_table, referrer)) continue;
    // A row that goes by another of its references may still end its entity: which is found first must not matter.
    const bool row_goes = closure.removed.contains(key.table, referrer);
    if (row_goes && key.on_delete != OnDelete::cascade) continue;
    if (!closure.touches.empty() && set_here(buffer, closure.touches, key, referrer, gone.entity)) continue;
    switch (key.on_delete) {
      case OnDelete::restrict: closure.restricted.push_back({&key, referrer, gone.entity}); continue;
      case OnDelete::set_null: closure.out.nulled.push_back({key.table, referrer, key.field}); break;
      case OnDelete::remove:
        if (add_gone_row(key.table, referrer, gone.root, closure)) closure.out.removed.push_back({key.table, referrer});
        break;
      case OnDelete::cascade: end_entity(buffer, referrer, gone.root, closure); break;
    }
    closure.last_key = &key;
    closure.last_root = gone.root;
    // Far enough for certain: what has ended stays so, and a thing is come to once by each key at most.
    const bool is_far = ++closure.followed / constraints_.key_count() > cascade_rows_max_;
    if (is_far || closure.out.ended.size() > cascade_rows_max_) return std::unexpected(past_limit(buffer, closure));
  }
  return {};
}

// Requires: it is alive, and not known to end.
void Judge::end_entity(const WriteBuffer& buffer, Entity entity, Entity root, Closure& closure) const {
  closure.ended.insert(no_table, entity);
  closure.out.ended.push_back(entity);
  if (!constraints_.referring_to(no_table).empty()) closure.gone.push_back({no_table, entity, root});
  const detail::EntitySlot& slot = *detail::find_alive(buffer.root(), entity);
  if (slot.archetype != closure.not_referred_to) {
    bool any = false;
    for (TableId table : detail::archetype_at(buffer.root(), slot.archetype - 1).shape->tables) {
      if (constraints_.referring_to(table).empty()) continue;
      add_gone_row(table, entity, root, closure);
      any = true;
    }
    if (!any) closure.not_referred_to = slot.archetype;
  }
  for (TableId table : constraints_.sparse_targets()) {
    if (buffer.find_row(table, entity) != nullptr) add_gone_row(table, entity, root, closure);
  }
}

bool Judge::add_gone_row(TableId table, Entity entity, Entity root, Closure& closure) {
  const bool fresh = closure.removed.insert(table, entity);
  if (fresh) closure.gone.push_back({table, entity, root});
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
  const bool restricts = !violations.empty();
  std::size_t at = 0;
  for (const Change& change : buffer.changes().changes()) {
    if (violations.size() >= violations_max) break;
    if (at++ % between_looks == 0 && is_past(deadline)) return std::unexpected(late());
    if (change.kind != Change::Kind::insert && change.kind != Change::Kind::update) continue;
    if (constraints_.of_rows(change.table).empty()) continue;
    const std::byte* row = buffer.find_row(change.table, change.entity);
    if (row != nullptr)
      check_row(buffer, change.table, change.entity, row, restricts, violations);  // else it went again
  }
  if (violations.empty()) return {};
  if (is_past(deadline)) return std::unexpected(late());
  if (violations.size() > violations_max) violations.resize(violations_max);
  return std::unexpected(Error(std::move(violations)));
}

void Judge::check_row(const WriteBuffer& buffer, TableId number, Entity entity, const std::byte* row, bool restricts,
                      std::vector<Violation>& violations) const {
  using Kind = Violation::Kind;
  const SchemaModel& schema = buffer.world().schema->model();
  const TableModel& table = buffer.world().model(number);
  const RowRules& rules = constraints_.of_rows(number);
  for (const FieldModel* field : rules.required) {
    if (!is_missing(*field, row) || is_known(violations, Kind::required, table, *field, entity)) continue;
    violations.push_back(violation(Kind::required, table, *field, entity));
  }
  for (const FieldModel* field : rules.ranged) {
    if (schema::in_range(*field, row + field->offset) || is_known(violations, Kind::range, table, *field, entity)) {
      continue;
    }
    violations.push_back(violation(Kind::range, table, *field, entity));
    violations.back().value = value_text(schema, *field, row);
    violations.back().bounds = format_bounds(schema, *field);
  }
  for (const ForeignKey* key : rules.references) {
    const Entity target = load_entity(row + key->field->offset);
    if (!target || is_there(buffer, key->target, target)) continue;
    // A reference that is not new restricts its target from going, told or not, and is no mistake of its row.
    if (restricts && !set_here(buffer, closure_.touches, *key, entity, target)) continue;
    if (is_known(violations, Kind::foreign_key_missing, table, *key->field, entity)) continue;
    violations.push_back(violation(Kind::foreign_key_missing, table, *key->field, entity, target));
    if (key->target != no_table) violations.back().referenced = buffer.world().model(key->target).name;
  }
  for (std::uint32_t index : rules.unique_indexes) {
    const Entity other = storage::find_holder(buffer.root(), index, row, entity);
    if (!other) continue;
    const auto& fields = buffer.world().indexes[index].fields;
    std::string constraint = schema::rule_name(table, fields);
    if (are_known(violations, constraint, entity, other)) continue;
    violations.push_back({.kind = Kind::unique,
                          .constraint = std::move(constraint),
                          .table = table.name,
                          .field = fields.size() == 1 ? table.field(fields[0]).name : std::string(),
                          .entity = entity,
                          .target = other,
                          .referenced = {},
                          .value = value_text(schema, table.field(fields[0]), row),
                          .bounds = {}});
    for (FieldId field : std::span(fields).subspan(1)) {
      violations.back().value += ", " + value_text(schema, table.field(field), row);
    }
  }
}

}  // namespace stoa::integrity
