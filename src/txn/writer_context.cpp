#include "txn/writer_context.h"

#include "base/reuse.h"
#include "schema/row_codec.h"
#include "txn/apply_operations.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>

namespace stoa::txn {
namespace {

using detail::RowOp;
using storage::Outcome;
using storage::RowImage;
using storage::WriteBuffer;

}  // namespace

WriterContext::WriterContext(WriteBuffer& buffer, storage::EntityAllocator& entities, std::size_t bytes_max)
    : buffer_(buffer), entities_(entities), bytes_max_(bytes_max), row_(row_bytes_max) {
  for (const TableModel& table : buffer.world().schema->model().tables) {
    bool free = table.storage == Storage::dense && table.blobs.empty() && table.checked.empty() &&
                table.unique_together.empty() && !table.is_padded();
    for (const FieldModel& field : table.fields) {
      free = free && !field.reference && !field.unique && !field.key && !field.index && !field.min && !field.max;
    }
    writable_in_bulk_.push_back(free);
  }
}

void WriterContext::begin(std::chrono::steady_clock::time_point deadline) {
  rows_are_told_ = false;
  deadline_ = deadline;
  stopped_ = false;
  broken_ = false;
  walking_ = false;
  clear_for_reuse(open_columns_);
  clear_for_reuse(untold_);
  deferred_.clear();
  clear_for_reuse(created_);
  refused_.reset();
}

void WriterContext::fail(Error error) {
  if (!refused_) refused_ = std::move(error);
}

bool WriterContext::goes_on(std::size_t bytes) {
  if (stopped_) return false;
  // At each call: what the function does in between is its own, and may take any time.
  if (deadline_ != std::chrono::steady_clock::time_point::max() && std::chrono::steady_clock::now() > deadline_) {
    stop({ErrorCode::timeout, "the deadline passed while the write function ran"});
  }
  if (buffer_.change_bytes() + deferred_.bytes() + bytes > bytes_max_) stop(too_large());
  return !stopped_;
}

void WriterContext::break_off() noexcept {
  stop(Error::out_of_memory());
  broken_ = true;
}

void WriterContext::stop(Error error) {
  fail(std::move(error));
  stopped_ = true;
}

Error WriterContext::too_large() const {
  return {ErrorCode::too_large, "the transaction is larger than " + std::to_string(bytes_max_) + " bytes"};
}

// Memory that runs out in the middle of an operation leaves it half done. The function may catch that and go on; but
// nothing is done any more, nobody sees the half, and the transaction fails and takes it back.
class WriterContext::Attempt {
 public:
  explicit Attempt(WriterContext& context) : context_(context) {}
  ~Attempt() {
    if (std::uncaught_exceptions() > before_) context_.break_off();
  }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

 private:
  WriterContext& context_;
  const int before_ = std::uncaught_exceptions();
};

void WriterContext::settle(Outcome outcome, WriteOp::Kind kind, TableId table, Entity entity) {
  if (auto error = describe(outcome, kind, world(), table, entity)) fail(std::move(*error));
}

// The row as it is stored. An insert moves rows, and may free the page that the caller's row is in: it gets a copy.
const std::byte* WriterContext::canonical(const TableModel& model, const std::byte* row, bool copied) {
  if (!copied && !model.is_padded()) return row;
  schema::copy_row(model, row, row_.data());
  return row_.data();
}

void WriterContext::create(std::span<Entity> out) {
  const Attempt attempt(*this);
  if (!goes_on(out.size_bytes())) return;
  make_room(created_, out.size());  // ids that nobody noted would be lost
  const std::size_t count = entities_.reserve(out);
  if (count != out.size()) fail(Error(ErrorCode::too_large, "all 2^32 entity indices are in use"));
  out = out.first(count);
  created_.insert(created_.end(), out.begin(), out.end());
  if (!walking_) begin_operation();
  if (!walking_ && out.size() == 1) {
    settle(buffer_.create(out), WriteOp::Kind::create, no_table, out.front());
    return;
  }
  // Several wait for the rows that come right after them, with which they begin.
  deferred_.push_many({.kind = WriteOp::Kind::create, .entity = {}}, out, nullptr, 0, {});
  waiting_ = out.size();
}

// Whether they are those that were created last, and wait for their rows.
bool WriterContext::wait_for_rows(std::span<const Entity> entities) const {
  if (walking_ || deferred_.empty() || entities.size() != waiting_) return false;
  return std::ranges::equal(entities, std::span(created_).last(waiting_));
}

void WriterContext::row(RowOp op, TableId table, Entity entity, const std::byte* bytes) {
  const Attempt attempt(*this);
  const TableModel& model = world().model(table);
  if (!goes_on(model.bytes)) return;
  if (!check(model, bytes)) return;
  const std::byte* row = canonical(model, bytes, op != RowOp::update);
  const auto kind = op == RowOp::insert   ? WriteOp::Kind::insert
                    : op == RowOp::update ? WriteOp::Kind::update
                                          : WriteOp::Kind::upsert;
  if (walking_) {
    deferred_.push({.kind = kind, .table = table, .entity = entity}, row, model.bytes, model.blobs, 0);
    return;
  }
  begin_operation();
  Outcome outcome = op == RowOp::insert ? Outcome::no_row : buffer_.update(table, entity, row);
  if (outcome == Outcome::no_row && op != RowOp::update) {
    const RowImage image{table, row};
    outcome = buffer_.insert(entity, {&image, 1});
  }
  settle(outcome, kind, table, entity);
}

void WriterContext::insert_rows(TableId table, std::span<const Entity> entities, const std::byte* rows) {
  const TableModel& model = world().model(table);
  if (!wait_for_rows(entities) || !check(model, rows, entities.size())) {
    for (std::size_t i = 0; i != entities.size(); ++i) row(RowOp::insert, table, entities[i], rows + i * model.bytes);
    return;
  }
  const Attempt attempt(*this);
  if (!goes_on(entities.size() * (sizeof(Entity) + model.bytes))) return;
  clear_for_reuse(rows_);
  deferred_.push_many({.kind = WriteOp::Kind::insert, .table = table, .entity = {}}, entities,
                      schema::canonical_rows(model, rows, entities.size(), rows_), model.bytes, model.blobs);
}

void WriterContext::field(TableId table, Entity entity, const FieldModel& field, const std::byte* cell) {
  const Attempt attempt(*this);
  const TableModel& model = world().model(table);
  if (!goes_on(field.bytes)) return;
  if (auto checked = schema::check_field(world().schema->model(), model, field, cell); !checked) {
    fail(checked.error());
    return;
  }
  schema::copy_field(model, field, cell, row_.data());
  if (walking_) {
    std::vector<std::uint32_t> blobs;
    for (std::uint32_t blob : model.blobs) {
      if (blob >= field.offset && blob < field.offset + field.bytes) blobs.push_back(blob);
    }
    deferred_.push({.kind = WriteOp::Kind::set_field, .table = table, .field = field.number, .entity = entity},
                   row_.data(), field.bytes, blobs, field.offset);
    return;
  }
  begin_operation();
  settle(buffer_.set_field(table, entity, field, row_.data()), WriteOp::Kind::set_field, table, entity);
}

void WriterContext::remove(TableId table, Entity entity) {
  const Attempt attempt(*this);
  if (!goes_on(0)) return;
  if (walking_) {
    deferred_.push({.kind = WriteOp::Kind::remove, .table = table, .entity = entity});
  } else {
    begin_operation();
    settle(buffer_.remove(table, entity), WriteOp::Kind::remove, table, entity);
  }
}

void WriterContext::destroy(Entity entity) {
  const Attempt attempt(*this);
  if (!goes_on(0)) return;
  if (walking_) {
    deferred_.push({.kind = WriteOp::Kind::destroy, .entity = entity});
  } else {
    begin_operation();
    settle(buffer_.destroy(entity), WriteOp::Kind::destroy, no_table, entity);
  }
}

void WriterContext::open_walk() {
  if (walking_) throw std::logic_error("stoa: Writer::each within an each");
  apply_deferred();
  walking_ = true;
}

void WriterContext::close_walk() {
  walking_ = false;
  // The caller is a destructor: what cannot be done is kept, as everywhere. Columns are open where the callback threw:
  // what it wrote until then stands, if the function goes on.
  try {
    close_columns();
    apply_deferred();
  } catch (const std::bad_alloc&) {
    break_off();
  }
}

const detail::Root& WriterContext::root() {
  if (broken_) throw std::bad_alloc();
  if (!walking_ && !deferred_.empty()) {
    const Attempt attempt(*this);
    apply_deferred();
  }
  return buffer_.root();
}

const detail::Root& WriterContext::indexed_root() {
  (void)root();
  const Attempt attempt(*this);
  buffer_.settle_indexes();
  return buffer_.root();
}

void WriterContext::finish() {
  if (broken_) return;
  apply_deferred();
  (void)goes_on(0);  // the last operation may have been late, or too much
}

void WriterContext::apply_deferred() {
  if (deferred_.empty() || stopped_) return;
  begin_telling();
  auto applied = apply_operations(deferred_, buffer_, deadline_, AfterError::go_on);
  deferred_.clear();
  if (applied) return;
  if (applied.error().code() == ErrorCode::timeout) {
    stop(std::move(applied.error()));
  } else {
    fail(std::move(applied.error()));
  }
}

bool WriterContext::writable_in_bulk(TableId table) const noexcept { return writable_in_bulk_[to_index(table)]; }

std::byte* WriterContext::open_column(const detail::Block& block, TableId table) {
  const Attempt attempt(*this);
  open_columns_.reserve(open_columns_.size() + 1);
  std::byte* column = buffer_.replace_column(block.archetype, block.chunk, table);
  open_columns_.push_back(buffer_.changes().changes().size() - 1);
  return column;
}

void WriterContext::close_columns() {
  const Attempt attempt(*this);
  // From the last one back: a column that goes takes its change with it, and must not move another's.
  for (auto at = open_columns_.rbegin(); at != open_columns_.rend(); ++at) {
    const storage::Change& change = buffer_.changes().changes()[*at];
    const detail::ChunkStore& store = detail::archetype_at(buffer_.root(), change.store);
    const std::size_t bytes =
        std::size_t{store.rows_in(change.row)} * world().tables[to_index(change.table)].cell_bytes;
    const std::byte* after = store.chunk_column(change.row, store.shape->column(change.table));
    if (std::memcmp(buffer_.replaced_column(*at), after, bytes) == 0) buffer_.put_column_back(*at);
  }
  for (std::size_t column : open_columns_) {
    if (buffer_.changes().changes()[column].kind == storage::Change::Kind::page) untold_.push_back(column);
  }
  open_columns_.clear();
  if (rows_are_told_) tell_rows();
}

// Not during a walk.
void WriterContext::begin_operation() {
  apply_deferred();
  begin_telling();
}

// Pages can be compared with what they replaced as long as nothing but bulk writes happens: single operations move
// rows, and write rows of these pages with images of their own. So the rows are told before the first of them, and from
// then on at once.
void WriterContext::begin_telling() {
  if (rows_are_told_) return;
  tell_rows();
  rows_are_told_ = true;
}

void WriterContext::tell_rows() {
  // Of a column that was replaced several times the first page has what the rows were.
  std::set<std::tuple<std::uint32_t, std::uint32_t, TableId>> told;
  for (std::size_t column : untold_) {
    const storage::Change& change = buffer_.changes().changes()[column];
    const bool first = untold_.size() == 1 || told.emplace(change.store, change.row, change.table).second;
    if (first) tell_rows(column);
    buffer_.changes().note_rows_told(column);
  }
  untold_.clear();
}

// Each changed row as a change of its own, with what it was.
void WriterContext::tell_rows(std::size_t column) {
  const storage::Change change = buffer_.changes().changes()[column];
  const detail::ChunkStore& store = detail::archetype_at(buffer_.root(), change.store);
  const std::size_t bytes = world().tables[to_index(change.table)].cell_bytes;
  const std::byte* before = buffer_.replaced_column(column);
  const std::byte* after = store.chunk_column(change.row, store.shape->column(change.table));
  for (Entity entity : store.entities(change.row)) {
    if (std::memcmp(before, after, bytes) != 0) buffer_.note_update(change.table, entity, before);
    before += bytes;
    after += bytes;
  }
}

void WriterContext::update_in_walk(TableId table, Entity entity, const std::byte* row) {
  const Attempt attempt(*this);
  const TableModel& model = world().model(table);
  if (!goes_on(model.bytes)) return;
  if (!check(model, row)) return;
  begin_telling();
  settle(buffer_.update(table, entity, canonical(model, row, false)), WriteOp::Kind::update, table, entity);
}

}  // namespace stoa::txn
