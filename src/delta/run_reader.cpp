#include "delta/run_reader.h"

#include "base/varint.h"

#include <limits>

namespace stoa::delta {
namespace {

// Of a floors run, behind each entity.
bool take_length(std::span<const std::byte>& in, std::uint32_t& length) {
  std::uint64_t less_one = 0;
  if (!take_varint(in, less_one) || less_one >= floor_run_max) return false;
  length = static_cast<std::uint32_t>(less_one) + 1;
  return true;
}

}  // namespace

Entity EntityCursor::next() {
  Entity entity;
  (void)last_.take(in_, entity);
  if (has_lengths_) (void)take_length(in_, length_);
  return entity;
}

void EntityCursor::next(std::span<Entity> out) {
  while (!out.empty()) {
    out.front() = next();
    const Entity last = out.front();
    out = out.subspan(1);
    // What stands side by side mostly began one after the other.
    const std::size_t in_order = last_.take_in_order(in_, out.size());
    for (std::size_t i = 0; i != in_order; ++i) {
      out[i] = {last.index() + 1 + static_cast<std::uint32_t>(i), last.generation()};
    }
    out = out.subspan(in_order);
  }
}

const Run* RunReader::next() {
  offset_ = body_.size() - in_.size();
  if (in_.empty() || wrong_ != nullptr) return nullptr;
  return take() ? &run_ : nullptr;
}

bool RunReader::take() {
  const std::span<const std::byte> from = in_;
  run_ = {};
  if (!take_head()) return false;
  std::uint64_t less_one = 0;
  if (!take_varint(in_, less_one) || less_one >= in_.size()) return fail("a number of entities that is none");
  run_.count = less_one + 1;
  if (!take_entities() || !take_values()) return false;
  run_.bytes = from.first(from.size() - in_.size());
  return true;
}

bool RunReader::take_head() {
  const auto head = std::to_integer<std::uint64_t>(in_[0]);
  in_ = in_.subspan(1);
  if ((head & ((1U << run_code_bits) - 1)) >= run_code_count) return fail("an unknown operation");
  run_.code = static_cast<RunCode>(head & ((1U << run_code_bits) - 1));
  std::uint64_t number = head >> run_code_bits;
  if (number == run_small_max) {
    std::uint64_t more = 0;
    if (!take_varint(in_, more) || more > table_count_max) return fail("a number of tables that is none");
    number += more;
  }
  tables_.clear();
  const auto add_table = [&](std::uint64_t table) {
    if (table >= table_count_max || bytes_.find(TableId{static_cast<std::uint16_t>(table)}) == nullptr) return false;
    tables_.push_back(TableId{static_cast<std::uint16_t>(table)});
    return true;
  };
  switch (run_.code) {
    case RunCode::destroy:
    case RunCode::floors:
      if (number != 0) return fail("an unknown operation");
      break;
    case RunCode::remove:
    case RunCode::update:
      if (!add_table(number)) return fail("not a table of the schema");
      break;
    case RunCode::revive:
    case RunCode::create:
    case RunCode::insert:
      for (; number != 0; --number) {
        std::uint64_t table = 0;
        if (!take_varint(in_, table) || !add_table(table)) return fail("not a table of the schema");
        if (tables_.size() > 1 && tables_[tables_.size() - 2] >= tables_.back()) return fail("tables out of order");
      }
      if (run_.code == RunCode::insert && tables_.empty()) return fail("an insert of no row");
      break;
  }
  run_.tables = tables_;
  return run_.code != RunCode::update || take_fields();
}

bool RunReader::take_fields() {
  const std::uint32_t count = bytes_[tables_[0]].field_count();
  std::uint64_t less_one = 0;
  if (!take_varint(in_, less_one) || less_one >= count) return fail("not fields of the table");
  fields_.clear();
  for (std::uint64_t left = less_one + 1; left != 0; --left) {
    std::uint64_t field = 0;
    if (!take_varint(in_, field) || field >= count) return fail("not a field of the table");
    fields_.push_back(static_cast<std::uint16_t>(field));
  }
  run_.fields = fields_;
  return true;
}

bool RunReader::take_entities() {
  const std::span<const std::byte> from = in_;
  EntityDifference last;
  for (std::uint64_t left = run_.count; left != 0;) {
    Entity entity;
    std::uint32_t length = 1;
    if (!last.take(in_, entity)) return fail("not an entity's id");
    --left;
    if (run_.code != RunCode::floors) {
      left -= last.take_in_order(in_, left);
      continue;
    }
    if (!take_length(in_, length) || length - 1 > std::numeric_limits<std::uint32_t>::max() - 1 - entity.index()) {
      return fail("not a run of indices");
    }
    if (length == 1) continue;
    if (entity.index() < floors_end_) return fail("runs of indices out of order");
    floors_end_ = entity.index() + std::uint64_t{length};
  }
  run_.entities = from.first(from.size() - in_.size());
  return true;
}

bool RunReader::take_values() {
  if (run_.code == RunCode::remove) return true;
  for (TableId table : run_.tables) {
    const schema::RowBytes& row = bytes_[table];
    const schema::RowBytes::Fields fields = run_.code == RunCode::update ? run_.fields : row.all();
    const std::span<const std::byte> from = in_;
    if (const auto fixed = row.fixed_bytes(fields)) {
      // Dividing, as the product may be anything.
      if (*fixed != 0 && in_.size() / *fixed < run_.count) return fail("rows that are cut off");
      in_ = in_.subspan(*fixed * run_.count);
    } else {
      for (std::uint64_t left = run_.count; left != 0; --left) {
        if (!row.skip(fields, in_)) return fail("a row that is cut off, or has a text that is too long");
      }
    }
    run_.values.push_back(from.first(from.size() - in_.size()));
  }
  return true;
}

}  // namespace stoa::delta
