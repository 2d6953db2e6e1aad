#include "delta/run_writer.h"

#include "base/reuse.h"
#include "base/varint.h"
#include "delta/differing_rows.h"

#include <stoa/text.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <iterator>
#include <tuple>
#include <utility>

namespace stoa::delta {
namespace {

using schema::RowBytes;

// Beyond it the groups are not worth what they keep.
constexpr std::size_t groups_kept = 1024;

std::byte* store_code(std::byte* at, RunCode code, std::uint64_t number) {
  const std::uint64_t small = std::min(number, run_small_max);
  *at++ = static_cast<std::byte>(small << run_code_bits | static_cast<std::uint64_t>(code));
  return small == run_small_max ? store_varint(at, number - run_small_max) : at;
}

// Of a run's head, at most.
std::size_t head_bytes_max(std::span<const TableId> tables, RowBytes::Fields fields) {
  constexpr std::size_t numbers = 3;  // what goes with the code, of fields, and of entities
  return 1 + numbers * varint_bytes_max + (tables.size() + fields.size()) * varint_bytes(0xFFFF);
}

std::byte* store_head(std::byte* at, RunCode code, std::span<const TableId> tables, RowBytes::Fields fields,
                      std::size_t count) {
  switch (code) {
    case RunCode::destroy:
    case RunCode::floors: at = store_code(at, code, 0); break;
    case RunCode::remove: at = store_code(at, code, to_index(tables[0])); break;
    case RunCode::update:
      at = store_code(at, code, to_index(tables[0]));
      at = store_varint(at, fields.size() - 1);
      for (const std::uint16_t field : fields) at = store_varint(at, field);
      break;
    case RunCode::revive:
    case RunCode::create:
    case RunCode::insert:
      at = store_code(at, code, tables.size());
      for (TableId table : tables) at = store_varint(at, to_index(table));
      break;
  }
  return store_varint(at, count - 1);
}

void put_head(std::vector<std::byte>& out, RunCode code, std::span<const TableId> tables, RowBytes::Fields fields,
              std::size_t count) {
  const std::size_t begin = out.size();
  out.resize(begin + head_bytes_max(tables, fields));
  const std::byte* end = store_head(out.data() + begin, code, tables, fields, count);
  out.resize(static_cast<std::size_t>(end - out.data()));
}

// The head of a run, and its entities.
void put_start(std::vector<std::byte>& out, RunCode code, std::span<const TableId> tables, RowBytes::Fields fields,
               std::span<const Entity> entities) {
  EntityDifference last;
  const std::size_t begin = out.size();
  out.resize(begin + head_bytes_max(tables, fields) + EntityDifference::bytes_max);
  std::byte* at = store_head(out.data() + begin, code, tables, fields, entities.size());
  at = last.store(entities.front(), at);
  out.resize(static_cast<std::size_t>(at - out.data()));
  if (entities.size() != 1) last.put_all(entities.subspan(1), out);
}

void put(const std::vector<std::byte>& bytes, std::vector<std::byte>& out) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

bool equal_field(const RowBytes& row, std::uint16_t field, const std::byte* a, const std::byte* b) {
  return std::ranges::all_of(row.pieces(field), [&](const RowBytes::Piece& piece) {
    if (piece.bytes != 0) return std::memcmp(a + piece.offset, b + piece.offset, piece.bytes) == 0;
    return *reinterpret_cast<const detail::TextCell*>(a + piece.offset) ==
           *reinterpret_cast<const detail::TextCell*>(b + piece.offset);
  });
}

std::uint64_t mix(std::uint64_t sum, std::uint64_t value) { return (sum ^ value) * 0x9E37'79B9'7F4A'7C15U; }

}  // namespace

RunWriter::RunWriter(const detail::WorldInfo& world) : bytes_(*world.bytes) {
  for (const TableModel& table : world.schema->model().tables) {
    classes_.push_back(table.logged ? (table.replicated ? Class::all : Class::only_logged)
                                    : (table.replicated ? Class::only_replicated : Class::neither));
    plain_.emplace_back(bytes_[table.number]);
  }
  all_are_logged_and_replicated_ = std::ranges::all_of(classes_, [](Class of) { return of == Class::all; });
}

void RunWriter::clear() noexcept {
  ++clears_;
  if (groups_.size() > groups_kept) {
    groups_.clear();
    by_key_.clear();
  } else {
    for (std::uint32_t at : used_) {
      Group& group = groups_[at];
      group.count = 0;
      group.last = {};
      clear_for_reuse(group.entities);
      for (std::vector<std::byte>& values : group.values) clear_for_reuse(values);
    }
  }
  used_.clear();
  bytes_added_ = 0;
}

void RunWriter::when_full(std::size_t bytes, std::function<void()> function) {
  full_at_ = bytes;
  when_full_ = std::move(function);
}

void RunWriter::destroy_many(std::span<const Entity> entities) {
  add_many(group(RunCode::destroy, {}, {}, Class::all), entities);
  end_operation();
}

void RunWriter::raise_floors(Entity entity, std::uint32_t count) {
  while (count != 0) {
    const std::uint32_t some = std::min(count, floor_run_max);
    Group& floors = group(RunCode::floors, {}, {}, Class::all);
    add(floors, entity);
    put_varint(floors.entities, some - 1);
    count -= some;
    entity = {entity.index() + some, entity.generation()};
  }
  end_operation();
}

void RunWriter::begin(RunCode code, Entity entity, std::span<const Row> rows) {
  if (all_are_logged_and_replicated_) {
    add_rows(group(code, rows, {}, Class::all), entity, rows);
  } else {
    insert(code, entity, rows, Class::all);
    for (Class other : {Class::only_logged, Class::only_replicated, Class::neither}) {
      insert(RunCode::insert, entity, rows, other);
    }
  }
  end_operation();
}

void RunWriter::begin_many(RunCode code, std::span<const Entity> entities, std::span<const Row> first_rows) {
  if (entities.size() == 1) return begin(code, entities.front(), first_rows);
  if (!all_are_logged_and_replicated_) {
    rows_.assign(first_rows.begin(), first_rows.end());
    for (const Entity entity : entities) {
      begin(code, entity, rows_);
      for (Row& row : rows_) row.bytes += bytes_[row.table].row_bytes();
    }
    return;
  }
  Group& into = group(code, first_rows, {}, Class::all);
  add_many(into, entities);
  for (std::size_t at = 0; at != first_rows.size(); ++at) {
    const std::size_t values_before = into.values[at].size();
    bytes_[first_rows[at].table].encode_rows(first_rows[at].bytes, entities.size(), into.values[at]);
    bytes_added_ += into.values[at].size() - values_before;
  }
  end_operation();
}

// Those of the rows that are of that class.
void RunWriter::insert(RunCode code, Entity entity, std::span<const Row> rows, Class of) {
  some_.clear();
  std::ranges::copy_if(rows, std::back_inserter(some_), [&](const Row& row) { return class_of(row.table) == of; });
  if (some_.empty() && code == RunCode::insert) return;
  add_rows(group(code, some_, {}, of), entity, some_);
}

void RunWriter::add_rows(Group& into, Entity entity, std::span<const Row> rows) {
  add(into, entity);
  for (std::size_t at = 0; at != rows.size(); ++at) {
    const std::size_t before = into.values[at].size();
    bytes_[rows[at].table].encode_row(rows[at].bytes, into.values[at]);
    bytes_added_ += into.values[at].size() - before;
  }
}

void RunWriter::remove_many(std::span<const Entity> entities, TableId table) {
  const Row row{table, nullptr};
  add_many(group(RunCode::remove, {&row, 1}, {}, class_of(table)), entities);
  end_operation();
}

void RunWriter::update(Entity entity, TableId table, const std::byte* before, const std::byte* after) {
  if (plain_[to_index(table)].apply()) return update_alike({&entity, 1}, table, before, after);
  const RowBytes& row = bytes_[table];
  if (row.are_the_row() && std::memcmp(before, after, row.row_bytes()) == 0) return;
  changed_.clear();
  for (const std::uint16_t field : row.by_place()) {
    if (!equal_field(row, field, before, after)) changed_.push_back(field);
  }
  if (changed_.empty()) return;
  const Row here{table, after};
  Group& into = group(RunCode::update, {&here, 1}, changed_, class_of(table));
  add(into, entity);
  encode(row, changed_, after, into.values[0]);
  end_operation();
}

void RunWriter::update_column(std::span<const Entity> entities, TableId table, const std::byte* before,
                              const std::byte* after) {
  const std::size_t bytes = bytes_[table].row_bytes();
  const PlainRows& plain = plain_[to_index(table)];
  for (std::size_t row = 0; row != entities.size();) {
    row = next_differing_row(before, after, row, entities.size(), bytes);
    if (row == entities.size()) return;
    const std::byte* const was = before + row * bytes;
    const std::byte* const is = after + row * bytes;
    const std::span<const Entity> left = entities.subspan(row);
    if (!plain.apply()) {
      update(left.front(), table, was, is);
      ++row;
      continue;
    }
    const std::size_t alike = plain.changed_alike(was, is, left.size());
    const bool are_many = alike == left.size() || alike >= PlainRows::rows_max / 4;
    const auto some = left.first(are_many ? alike : std::min(left.size(), PlainRows::rows_max));
    are_many ? update_alike(some, table, was, is) : update_mixed(some, table, was, is);
    row += some.size();
  }
}

// Of rows side by side that have the same fields changed.
void RunWriter::update_alike(std::span<const Entity> entities, TableId table, const std::byte* before,
                             const std::byte* after) {
  const PlainRows& plain = plain_[to_index(table)];
  const PlainRows::Fields changed = plain.changed(before, after);
  if (changed == 0) return;  // padding
  add_updates(updates_of(table, changed), entities,
              [&](std::vector<std::byte>& values) { plain.append(changed, after, entities.size(), values); });
}

// Of rows side by side, at most PlainRows::rows_max, each with fields of its own changed.
void RunWriter::update_mixed(std::span<const Entity> entities, TableId table, const std::byte* before,
                             const std::byte* after) {
  const PlainRows& plain = plain_[to_index(table)];
  std::array<PlainRows::Fields, PlainRows::rows_max> changed;
  plain.changed_each(before, after, entities.size(), changed.data());
  const auto rows_with = [&](PlainRows::Fields fields) {
    std::uint64_t rows = 0;
    for (std::size_t row = 0; row != entities.size(); ++row) rows |= std::uint64_t{changed[row] == fields} << row;
    return rows;
  };
  const std::uint64_t all = ~std::uint64_t{0} >> (PlainRows::rows_max - entities.size());
  std::array<Entity, PlainRows::rows_max> whose;
  for (std::uint64_t left = all & ~rows_with(0); left != 0;) {
    const PlainRows::Fields fields = changed[static_cast<std::size_t>(std::countr_zero(left))];
    const std::uint64_t rows = rows_with(fields);
    left &= ~rows;
    std::size_t count = 0;
    for (std::uint64_t next = rows; next != 0; next &= next - 1) {
      whose[count++] = entities[static_cast<std::size_t>(std::countr_zero(next))];
    }
    add_updates(updates_of(table, fields), std::span(whose).first(count),
                [&](std::vector<std::byte>& values) { plain.append_some(fields, after, rows, values); });
  }
}

template <typename Append>
void RunWriter::add_updates(Group& into, std::span<const Entity> entities, Append append) {
  std::vector<std::byte>& values = into.values[0];
  add_many(into, entities);
  const std::size_t before = values.size();
  append(values);
  bytes_added_ += values.size() - before;
  end_operation();
}

// Most rows of a table have the same fields changed as one of those before.
RunWriter::Group& RunWriter::updates_of(TableId table, PlainRows::Fields changed) {
  const std::uint64_t sum = mix(changed, to_index(table));
  ChangedFields& found = changed_fields_[sum >> (64 - std::bit_width(changed_fields_.size() - 1))];
  if (found.table == table && found.fields == changed && found.clears == clears_) return groups_[found.group];
  const Row here{table, nullptr};
  Group& into = group(RunCode::update, {&here, 1}, fields_of(table, changed), class_of(table));
  found = {.fields = changed, .clears = clears_, .group = last_, .table = table};
  return into;
}

// Lifetime: until the next call.
RowBytes::Fields RunWriter::fields_of(TableId table, PlainRows::Fields changed) {
  changed_.clear();
  const auto by_place = bytes_[table].by_place();
  for (PlainRows::Fields left = changed; left != 0; left &= left - 1) {
    changed_.push_back(by_place[static_cast<std::size_t>(std::countr_zero(left))]);
  }
  return changed_;
}

RunWriter::Group& RunWriter::group(RunCode code, std::span<const Row> rows, RowBytes::Fields fields, Class of) {
  const auto is_it = [&](const Group& group) {
    const Key& key = group.key;
    return key.code == code && std::ranges::equal(key.fields, fields) &&
           std::ranges::equal(key.tables, rows, {}, {}, &Row::table);
  };
  const auto use = [&](std::uint32_t at) -> Group& {
    last_ = at;
    if (groups_[at].count == 0) used_.push_back(at);
    return groups_[at];
  };
  if (last_ < groups_.size() && is_it(groups_[last_])) return use(last_);
  std::uint64_t hash = static_cast<std::uint64_t>(code);
  for (const std::uint16_t field : fields) hash = mix(hash, field + std::uint64_t{1});
  for (const Row& row : rows) hash = mix(hash, to_index(row.table) + std::uint64_t{1});
  const auto [first, end] = by_key_.equal_range(hash);
  for (auto at = first; at != end; ++at) {
    if (is_it(groups_[at->second])) return use(at->second);
  }
  Group made{.key = {.code = code, .fields = {fields.begin(), fields.end()}, .tables = {}},
             .of = of,
             .last = {},
             .entities = {},
             .values = {}};
  for (const Row& row : rows) made.key.tables.push_back(row.table);
  made.entities.reserve(64);  // of a few bytes each: a list that grows by what is needed does so long after the start
  made.values.resize(rows.size());
  const auto number = static_cast<std::uint32_t>(groups_.size());
  groups_.push_back(std::move(made));
  try {
    by_key_.emplace(hash, number);
  } catch (...) {
    groups_.pop_back();
    throw;
  }
  return use(number);
}

void RunWriter::add(Group& group, Entity entity) {
  const std::size_t before = group.entities.size();
  group.last.put(entity, group.entities);
  bytes_added_ += group.entities.size() - before;
  ++group.count;
}

void RunWriter::add_many(Group& group, std::span<const Entity> entities) {
  const std::size_t before = group.entities.size();
  group.last.put_all(entities, group.entities);
  bytes_added_ += group.entities.size() - before;
  group.count += entities.size();
}

void RunWriter::encode(const RowBytes& row, RowBytes::Fields fields, const std::byte* from,
                       std::vector<std::byte>& into) {
  const std::size_t before = into.size();
  row.encode(fields, from, into);
  bytes_added_ += into.size() - before;
}

std::size_t RunWriter::finish(std::vector<std::byte>& out) {
  const auto is_logged = [](Class of) { return of == Class::all || of == Class::only_logged; };
  const auto place = [&](std::uint32_t at) {
    return std::tuple(!is_logged(groups_[at].of), groups_[at].key.code, groups_[at].of);
  };
  // Stable, and without memory of its own: they are few.
  for (auto at = used_.begin(); at != used_.end(); ++at) {
    std::rotate(std::ranges::upper_bound(used_.begin(), at, place(*at), {}, place), at, at + 1);
  }
  const std::size_t begin = out.size();
  std::size_t logged = 0;
  for (std::uint32_t at : used_) {
    append(groups_[at], out);
    if (is_logged(groups_[at].of)) logged = out.size() - begin;
  }
  return logged;
}

void RunWriter::append(const Group& group, std::vector<std::byte>& out) {
  put_head(out, group.key.code, group.key.tables, group.key.fields, group.count);
  put(group.entities, out);
  for (const std::vector<std::byte>& values : group.values) put(values, out);
}

std::size_t RunWriter::begin_alone(RunCode code, std::span<const Entity> entities, std::span<const TableId> tables,
                                   std::span<const Row> first_rows, std::vector<std::byte>& out) const {
  const std::size_t begin = out.size();
  put_start(out, code, tables, {}, entities);
  for (const Row& row : first_rows) bytes_[row.table].encode_rows(row.bytes, entities.size(), out);
  return out.size() - begin;
}

std::size_t RunWriter::update_alone(Entity entity, TableId table, const std::byte* before, const std::byte* after,
                                    std::vector<std::byte>& out) {
  const PlainRows& plain = plain_[to_index(table)];
  if (!plain.apply()) {
    update(entity, table, before, after);
    return finish(out);
  }
  const std::size_t begin = out.size();
  const PlainRows::Fields changed = plain.changed(before, after);
  if (changed == 0) return 0;
  put_start(out, RunCode::update, {&table, 1}, fields_of(table, changed), {&entity, 1});
  plain.append(changed, after, 1, out);
  return out.size() - begin;
}

}  // namespace stoa::delta
