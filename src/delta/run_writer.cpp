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

void put_head(std::vector<std::byte>& out, RunCode code, std::uint64_t number) {
  const std::uint64_t small = std::min(number, run_small_max);
  out.push_back(static_cast<std::byte>(small << run_code_bits | static_cast<std::uint64_t>(code)));
  if (small == run_small_max) put_varint(out, number - run_small_max);
}

void put_head(std::vector<std::byte>& out, RunCode code, std::span<const TableId> tables, RowBytes::Fields fields,
              std::size_t count) {
  switch (code) {
    case RunCode::destroy:
    case RunCode::floors: put_head(out, code, 0); break;
    case RunCode::remove: put_head(out, code, to_index(tables[0])); break;
    case RunCode::update:
      put_head(out, code, to_index(tables[0]));
      put_varint(out, fields.size() - 1);
      for (const std::uint16_t field : fields) put_varint(out, field);
      break;
    case RunCode::revive:
    case RunCode::create:
    case RunCode::insert:
      put_head(out, code, tables.size());
      for (TableId table : tables) put_varint(out, to_index(table));
      break;
  }
  put_varint(out, count - 1);
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

template <typename T>
bool differ(const std::byte* a, const std::byte* b) {
  T was;
  T is;
  std::memcpy(&was, a, sizeof was);
  std::memcpy(&is, b, sizeof is);
  return was != is;
}

std::uint64_t mix(std::uint64_t sum, std::uint64_t value) { return (sum ^ value) * 0x9E37'79B9'7F4A'7C15U; }

}  // namespace

RunWriter::RunWriter(const detail::WorldInfo& world) : bytes_(*world.bytes) {
  for (const TableModel& table : world.schema->model().tables) {
    classes_.push_back(table.logged ? (table.replicated ? Class::all : Class::only_logged)
                                    : (table.replicated ? Class::only_replicated : Class::neither));
    plain_.push_back(make_plain(bytes_[table.number]));
  }
  all_are_logged_and_replicated_ = std::ranges::all_of(classes_, [](Class of) { return of == Class::all; });
}

void RunWriter::clear() noexcept {
  changed_table_ = no_table;
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

void RunWriter::destroy(Entity entity) {
  add(group(RunCode::destroy, {}, {}, Class::all), entity);
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
  const std::size_t before = into.entities.size();
  for (const Entity entity : entities) into.last.put(entity, into.entities);
  bytes_added_ += into.entities.size() - before;
  into.count += entities.size();
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

void RunWriter::remove(Entity entity, TableId table) {
  const Row row{table, nullptr};
  add(group(RunCode::remove, {&row, 1}, {}, class_of(table)), entity);
  end_operation();
}

void RunWriter::update(Entity entity, TableId table, const std::byte* before, const std::byte* after) {
  const PlainTable& plain = plain_[to_index(table)];
  if (plain.is_plain) {
    const std::uint64_t changed = changed_fields(plain, before, after);
    if (changed == 0) return;
    Group& into = updates_of(table, changed);
    add(into, entity);
    const std::size_t values_before = into.values[0].size();
    append_fields(plain, changed, after, into.values[0]);
    bytes_added_ += into.values[0].size() - values_before;
    end_operation();
    return;
  }
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
  for_each_differing_row(
      before, after, entities.size(), bytes, [](std::size_t) {},
      [&](std::size_t row) { update(entities[row], table, before + row * bytes, after + row * bytes); });
}

RunWriter::PlainTable RunWriter::make_plain(const RowBytes& row) {
  PlainTable out;
  for (const std::uint16_t field : row.by_place()) {
    const auto pieces = row.pieces(field);
    if (pieces.size() != 1 || pieces[0].bytes == 0 || pieces[0].bytes > sizeof(std::uint64_t)) return out;
    out.fields.push_back(pieces[0]);
  }
  out.is_plain = !out.fields.empty() && out.fields.size() <= 64;
  return out;
}

std::uint64_t RunWriter::changed_fields(const PlainTable& table, const std::byte* before, const std::byte* after) {
  std::uint64_t changed = 0;
  std::uint64_t bit = 1;
  for (const auto [offset, bytes] : table.fields) {
    const bool differs = bytes == 4   ? differ<std::uint32_t>(before + offset, after + offset)
                         : bytes == 8 ? differ<std::uint64_t>(before + offset, after + offset)
                                      : std::memcmp(before + offset, after + offset, bytes) != 0;
    changed |= differs ? bit : 0;
    bit <<= 1U;
  }
  return changed;
}

// Most rows of a table have the same fields changed as the one before.
RunWriter::Group& RunWriter::updates_of(TableId table, std::uint64_t changed) {
  if (table == changed_table_ && changed == changed_bits_) return groups_[changed_group_];
  const Row here{table, nullptr};
  Group& found = group(RunCode::update, {&here, 1}, fields_of(table, changed), class_of(table));
  changed_table_ = table;
  changed_bits_ = changed;
  changed_group_ = last_;
  return found;
}

// Lifetime: until the next call.
RowBytes::Fields RunWriter::fields_of(TableId table, std::uint64_t changed) {
  changed_.clear();
  const auto by_place = bytes_[table].by_place();
  for (std::uint64_t left = changed; left != 0; left &= left - 1) {
    changed_.push_back(by_place[static_cast<std::size_t>(std::countr_zero(left))]);
  }
  return changed_;
}

void RunWriter::append_fields(const PlainTable& table, std::uint64_t changed, const std::byte* row,
                              std::vector<std::byte>& out) {
  std::array<std::byte, 64 * sizeof(std::uint64_t)> bytes;
  std::size_t size = 0;
  for (; changed != 0; changed &= changed - 1) {
    const auto field = table.fields[static_cast<std::size_t>(std::countr_zero(changed))];
    if (field.bytes == 4) {
      std::memcpy(&bytes[size], row + field.offset, 4);
    } else {
      std::memcpy(&bytes[size], row + field.offset, field.bytes);
    }
    size += field.bytes;
  }
  out.insert(out.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
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
  put_head(out, code, tables, {}, entities.size());
  EntityDifference last;
  for (const Entity entity : entities) last.put(entity, out);
  for (const Row& row : first_rows) bytes_[row.table].encode_rows(row.bytes, entities.size(), out);
  return out.size() - begin;
}

std::size_t RunWriter::update_alone(Entity entity, TableId table, const std::byte* before, const std::byte* after,
                                    std::vector<std::byte>& out) {
  const PlainTable& plain = plain_[to_index(table)];
  if (!plain.is_plain) {
    update(entity, table, before, after);
    return finish(out);
  }
  const std::size_t begin = out.size();
  const std::uint64_t changed = changed_fields(plain, before, after);
  if (changed == 0) return 0;
  put_head(out, RunCode::update, {&table, 1}, fields_of(table, changed), 1);
  EntityDifference().put(entity, out);
  append_fields(plain, changed, after, out);
  return out.size() - begin;
}

}  // namespace stoa::delta
