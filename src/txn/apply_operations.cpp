#include "txn/apply_operations.h"

#include "txn/alike_entities.h"
#include "txn/prefetch.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>

namespace stoa::txn {
namespace {

using std::chrono::steady_clock;
using storage::Outcome;
using storage::RowImage;
using storage::WriteBuffer;

std::string_view verb(WriteOp::Kind kind) {
  switch (kind) {
    case WriteOp::Kind::create: return "create";
    case WriteOp::Kind::insert: return "insert";
    case WriteOp::Kind::update: return "update";
    case WriteOp::Kind::upsert: return "upsert";
    case WriteOp::Kind::set_field: return "set";
    case WriteOp::Kind::remove: return "remove";
    case WriteOp::Kind::destroy: return "destroy";
  }
  return "";
}

/// Looks at the clock now and then.
class Deadline {
 public:
  static constexpr std::size_t operations_between_looks = 64;

  explicit Deadline(steady_clock::time_point at) : at_(at) {}

  /// Whether it has passed, as far as it looked, when so many more operations are done.
  [[nodiscard]] bool passed_after(std::size_t operations) {
    if (at_ == steady_clock::time_point::max()) return false;
    done_ += operations;
    if (done_ < operations_between_looks) return false;
    done_ = 0;
    return steady_clock::now() > at_;
  }

 private:
  steady_clock::time_point at_;
  std::size_t done_ = 0;
};

/// What came of a record, or of those that were done with it, and what met it.
struct Met {
  Outcome outcome = Outcome::done;
  TableId table = no_table;
  Entity entity = {};
  bool late = false;
};

constexpr std::size_t entities_a_slice = 512;

TableId first_that_exists(const WriteBuffer& buffer, Entity entity, const EntityRun& run) {
  const auto exists = [&](const RowImage& row) { return buffer.find_row(row.table, entity) != nullptr; };
  return std::ranges::find_if(run.rows(), exists)->table;
}

// Those of the rows whose tables the entity has none in.
void insert_others(WriteBuffer& buffer, Entity entity, const EntityRun& run) {
  for (const RowImage& row : run.rows()) (void)buffer.insert(entity, {&row, 1});
}

// As many as the buffer takes at once; all of them where they begin.
storage::Counted build_some(bool begins, std::span<const Entity> entities, const EntityRun& run, WriteBuffer& buffer) {
  if (!begins) return buffer.insert(entities, run.rows());
  return {.count = entities.size(), .outcome = buffer.create(entities, run.rows())};
}

// A slice of them between two looks at the clock.
Met build(const WriteOp& op, std::span<const Entity> entities, EntityRun& run, WriteBuffer& buffer, Deadline& deadline,
          AfterError after) {
  Met met;
  for (;;) {
    const auto slice = entities.first(std::min(entities_a_slice, entities.size()));
    auto [count, outcome] = build_some(op.kind == WriteOp::Kind::create, slice, run, buffer);
    if (outcome != Outcome::done) {
      const Entity entity = slice.front();
      const TableId table = outcome == Outcome::row_exists ? first_that_exists(buffer, entity, run) : op.table;
      if (met.outcome == Outcome::done) met = {outcome, table, entity};
      if (after == AfterError::stop) return met;
      if (outcome == Outcome::row_exists) insert_others(buffer, entity, run);
      count = std::max<std::size_t>(count, 1);
    }
    if (deadline.passed_after(count)) return {.late = true};
    entities = entities.subspan(count);
    if (entities.empty()) return met;
    run.advance(buffer.world(), count);
  }
}

// Rows for new entities, and for those that are there.
Met build_up(const WriteOp& op, OpBuffer::Reader& reader, WriteBuffer& buffer, Deadline& deadline, AfterError after) {
  const auto entities = OpBuffer::entities(op);
  EntityRun run;
  if (op.kind == WriteOp::Kind::insert) run.add(op.table, OpBuffer::payload(op));
  // Several that are there have their rows table by table, as was written down: the first error is the first in order.
  if (op.kind == WriteOp::Kind::create || entities.size() == 1) run.gather(reader, entities);
  if (entities.size() != 1 || !AlikeEntities::may_follow(reader, op.kind)) {
    return build(op, entities, run, buffer, deadline, after);
  }
  const AlikeEntities alike(buffer.world(), op, run, reader);
  return build(op, alike.entities(), run, buffer, deadline, after);
}

// As many removals from one table, or ends of entities, as follow one another.
Met take_apart(const WriteOp& op, OpBuffer::Reader& reader, WriteBuffer& buffer, Deadline& deadline, AfterError after) {
  constexpr std::size_t together_max = 64;
  // A sparse table's editor looks ahead by itself.
  const bool is_sparse = op.kind == WriteOp::Kind::remove && buffer.is_sparse(op.table);
  const std::size_t most = is_sparse ? together_max : Prefetcher::rows_ahead;
  std::array<Entity, together_max> entities;  // NOLINT(*-member-init): filled as far as it is read
  entities[0] = op.entity;
  std::size_t size = 1;
  for (const WriteOp* next = reader.peek(); next != nullptr && size != most; next = reader.peek()) {
    if (next->kind != op.kind || next->table != op.table) break;
    entities[size++] = next->entity;
    (void)reader.next();
  }
  Met met;
  for (std::span<const Entity> left(entities.data(), size); !left.empty();) {
    auto [count, outcome] = op.kind == WriteOp::Kind::remove ? buffer.remove(op.table, left) : buffer.destroy(left);
    if (outcome != Outcome::done) {
      if (met.outcome == Outcome::done) met = {outcome, op.table, left[count]};
      if (after == AfterError::stop) return met;
      ++count;
    }
    left = left.subspan(count);
  }
  met.late = deadline.passed_after(size);
  return met;
}

Outcome change(const WriteOp& op, WriteBuffer& buffer) {
  const std::byte* row = OpBuffer::payload(op);
  switch (op.kind) {
    case WriteOp::Kind::update: return buffer.update(op.table, op.entity, row);
    case WriteOp::Kind::upsert: {
      const Outcome updated = buffer.update(op.table, op.entity, row);
      if (updated != Outcome::no_row) return updated;
      const RowImage image{op.table, row};
      return buffer.insert(op.entity, {&image, 1});
    }
    case WriteOp::Kind::set_field:
      return buffer.set_field(op.table, op.entity, buffer.world().model(op.table).field(op.field), row);
    default: return Outcome::done;
  }
}

Met apply(const WriteOp& op, OpBuffer::Reader& reader, WriteBuffer& buffer, Deadline& deadline, AfterError after) {
  switch (op.kind) {
    case WriteOp::Kind::create:
    case WriteOp::Kind::insert: return build_up(op, reader, buffer, deadline, after);
    case WriteOp::Kind::remove:
    case WriteOp::Kind::destroy: return take_apart(op, reader, buffer, deadline, after);
    default: return {change(op, buffer), op.table, op.entity, deadline.passed_after(1)};
  }
}

}  // namespace

std::optional<Error> describe(Outcome outcome, WriteOp::Kind kind, const detail::WorldInfo& world, TableId table,
                              Entity entity) {
  if (outcome == Outcome::done) return std::nullopt;
  std::string where(verb(kind));
  if (table != no_table) where += " " + world.model(table).name;
  where += ": entity " + std::to_string(entity.index()) + ":" + std::to_string(entity.generation());
  switch (outcome) {
    case Outcome::no_entity: return Error(ErrorCode::not_found, where + " is not alive");
    case Outcome::too_large: return Error(ErrorCode::too_large, where + ": the row's texts have more than 1 GiB");
    case Outcome::no_row: return Error(ErrorCode::not_found, where + " has no row there");
    default: return Error(ErrorCode::already_exists, where + " has a row there already");
  }
}

std::expected<void, Error> apply_operations(const OpBuffer& ops, WriteBuffer& buffer,
                                            steady_clock::time_point deadline_at, AfterError after) {
  std::optional<Error> first;
  Deadline deadline(deadline_at);
  OpBuffer::Reader reader(ops);
  Prefetcher ahead(ops, buffer.root());
  while (const WriteOp* op = reader.next()) {
    ahead.look_past(reader.taken());
    const Met met = apply(*op, reader, buffer, deadline, after);
    if (met.outcome != Outcome::done) [[unlikely]] {
      auto error = describe(met.outcome, op->kind, buffer.world(), met.table, met.entity);
      if (after == AfterError::stop) return std::unexpected(std::move(*error));
      if (!first) first = std::move(error);
    }
    if (met.late) [[unlikely]] {
      return std::unexpected(Error(ErrorCode::timeout, "the deadline passed while the transaction was applied"));
    }
  }
  if (first) return std::unexpected(std::move(*first));
  return {};
}

}  // namespace stoa::txn
