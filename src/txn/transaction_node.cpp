#include "txn/transaction_node.h"

#include "schema/row_codec.h"
#include "storage/entity_allocator.h"

#include <algorithm>
#include <utility>

namespace stoa::detail {

using txn::WriteOp;

void TransactionNode::reset(const WorldInfo& world, storage::EntityAllocator& entities) noexcept {
  world_ = &world;
  entities_ = &entities;
  kind = Kind::operations;
  deadline = SteadyTime::max();
  function = {};
  ops.clear();
  refused.reset();
  result = Commit{};
  response.reset();
}

Entity TransactionNode::create() {
  const Entity entity = entities_->reserve();
  if (!entity) {
    fail(Error(ErrorCode::too_large, "all 2^32 entity indices are in use"));
    return entity;
  }
  ops.push({.kind = WriteOp::Kind::create, .entity = entity});
  return entity;
}

void TransactionNode::row(RowOp op, TableId table, Entity entity, const std::byte* row) {
  const TableModel& model = world_->model(table);
  if (!check(model, row)) return;
  if (model.is_padded()) {
    canonical_.resize(model.bytes);
    schema::copy_row(model, row, canonical_.data());
    row = canonical_.data();
  }
  const auto code = op == RowOp::insert   ? WriteOp::Kind::insert
                    : op == RowOp::update ? WriteOp::Kind::update
                                          : WriteOp::Kind::upsert;
  ops.push({.kind = code, .table = table, .entity = entity}, row, model.bytes, model.blobs, 0);
}

void TransactionNode::field(TableId table, Entity entity, const FieldModel& field, const std::byte* cell) {
  const TableModel& model = world_->model(table);
  if (auto checked = schema::check_field(world_->schema->model(), model, field, cell); !checked) {
    fail(checked.error());
    return;
  }
  canonical_.resize(field.bytes);
  schema::copy_field(model, field, cell, canonical_.data());
  const std::uint32_t end = field.offset + field.bytes;
  const auto first = std::lower_bound(model.blobs.begin(), model.blobs.end(), field.offset);
  const auto last = std::lower_bound(first, model.blobs.end(), end);
  ops.push({.kind = WriteOp::Kind::set_field, .table = table, .field = field.number, .entity = entity},
           canonical_.data(), field.bytes, {first, last}, field.offset);
}

void TransactionNode::remove(TableId table, Entity entity) {
  ops.push({.kind = WriteOp::Kind::remove, .table = table, .entity = entity});
}

void TransactionNode::destroy(Entity entity) { ops.push({.kind = WriteOp::Kind::destroy, .entity = entity}); }

void TransactionNode::fail(Error error) {
  if (!refused) refused = std::move(error);
}

}  // namespace stoa::detail
