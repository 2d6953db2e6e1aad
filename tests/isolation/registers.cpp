#include "registers.h"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace stoa::test {
namespace {

struct DenseRegister {
  std::uint32_t number, writer, op;
};
BOOST_DESCRIBE_STRUCT(DenseRegister, (), (number, writer, op))
struct SparseRegister {
  std::uint32_t number, writer, op;
};
BOOST_DESCRIBE_STRUCT(SparseRegister, (), (number, writer, op))
struct KeyedRegister {
  std::uint32_t number, writer, op;
};
BOOST_DESCRIBE_STRUCT(KeyedRegister, (), (number, writer, op))
struct Mark {};
BOOST_DESCRIBE_STRUCT(Mark, (), ())

// Calls function(std::type_identity<Row>) with the type of the register's row.
template <typename Function>
decltype(auto) with_row(Register reg, Function&& function) {
  switch (reg % 3) {
    case 0: return function(std::type_identity<DenseRegister>());
    case 1: return function(std::type_identity<SparseRegister>());
    default: return function(std::type_identity<KeyedRegister>());
  }
}
bool is_dense(Register reg) { return reg % 3 == 0; }
bool is_keyed(Register reg) { return reg % 3 == 2; }
constexpr Register first_keyed = 2;

template <typename Row>
Value value_of(const Row& row) {
  return {row.writer, row.op};
}

// A row that is there but another's is as wrong as none.
template <typename Row>
Value value_of(const Row* row, Register reg) {
  return row != nullptr && row->number == reg ? value_of(*row) : no_value;
}

template <typename Row>
Row row_of(Register reg, Value value) {
  return {reg, value.writer, value.op};
}

// A writer has no look-up by key: it walks.
std::pair<Entity, Value> find_keyed(Writer& writer, Register reg) {
  std::pair<Entity, Value> out{Entity{}, no_value};
  writer.each<const KeyedRegister>([&](Entity entity, const KeyedRegister& row) {
    if (row.number == reg) out = {entity, value_of(row)};
  });
  return out;
}

}  // namespace

Schema Registers::schema() {
  Schema schema("registers");
  schema.table<DenseRegister>("dense_register");
  schema.table<SparseRegister>("sparse_register").sparse();
  schema.table<KeyedRegister>("keyed_register").key<&KeyedRegister::number>();
  schema.table<Mark>("mark");
  return schema;
}

std::expected<Registers, Error> Registers::create(Database& db, std::uint32_t count) {
  Registers out;
  out.count_ = count;
  Transaction transaction = db.begin();
  out.bare_ = transaction.create();
  for (Register reg = 0; reg < count; ++reg) {
    const Entity entity = transaction.create();
    out.entities_.push_back(entity);
    with_row(reg, [&]<typename Row>(std::type_identity<Row>) {
      transaction.insert(entity, row_of<Row>(reg, {0, reg}));
    });
  }
  auto done = std::move(transaction).commit();
  if (!done) return std::unexpected(done.error());
  return out;
}

bool Registers::is_blind(Register reg) { return !is_keyed(reg); }

Entity Registers::find(const Snapshot& snapshot, Register reg) const {
  return is_keyed(reg) ? snapshot.find<&KeyedRegister::number>(reg) : entities_[reg];
}

Value Registers::read(const Snapshot& snapshot, Register reg) const {
  return with_row(reg, [&]<typename Row>(std::type_identity<Row>) {
    return value_of(snapshot.get<Row>(find(snapshot, reg)), reg);
  });
}

Value Registers::read(Writer& writer, Register reg) const {
  if (is_keyed(reg)) return find_keyed(writer, reg).second;
  return with_row(
      reg, [&]<typename Row>(std::type_identity<Row>) { return value_of(writer.get<Row>(entities_[reg]), reg); });
}

std::vector<Value> Registers::read_all(const Snapshot& snapshot) const {
  std::vector<Value> out(count_, no_value);
  std::vector<bool> met(count_, false);
  const auto meet = [&](const auto& row) {
    if (row.number >= count_) return;  // not a row of ours: then another one is missing
    out[row.number] = met[row.number] ? no_value : value_of(row);
    met[row.number] = true;
  };
  for (auto chunk : snapshot.chunks<DenseRegister>()) std::ranges::for_each(chunk.column<DenseRegister>(), meet);
  snapshot.each<SparseRegister>([&](Entity, const SparseRegister& row) { meet(row); });
  for (auto [entity, row] : snapshot.view<KeyedRegister>()) meet(row);
  return out;
}

void Registers::write(Writer& writer, Register reg, Value value, bool moves) const {
  Entity entity = is_keyed(reg) ? find_keyed(writer, reg).first : entities_[reg];
  if (moves && is_keyed(reg)) {
    writer.destroy(entity);
    entity = writer.create();
  } else if (moves && !is_dense(reg)) {
    writer.remove<SparseRegister>(entity);
  } else if (moves && writer.has<Mark>(entity)) {
    writer.remove<Mark>(entity);
  } else if (moves) {
    writer.insert(entity, Mark{});
  }
  with_row(reg, [&]<typename Row>(std::type_identity<Row>) { writer.upsert(entity, row_of<Row>(reg, value)); });
}

void Registers::write(Transaction& transaction, Register reg, Value value, bool moves) const {
  const Entity entity = entities_[reg];
  with_row(reg, [&]<typename Row>(std::type_identity<Row>) {
    if (moves) transaction.remove<Row>(entity);
    transaction.upsert(entity, row_of<Row>(reg, value));
  });
}

void Registers::expect_unchanged(Transaction& transaction, const Snapshot& seen, Register reg) const {
  with_row(reg,
           [&]<typename Row>(std::type_identity<Row>) { transaction.expect_unchanged<Row>(seen, find(seen, reg)); });
}

void Registers::write(Transaction& transaction, const Snapshot& seen, Register reg, Value value) const {
  with_row(reg, [&]<typename Row>(std::type_identity<Row>) {
    transaction.update(find(seen, reg), row_of<Row>(reg, value));
  });
}

void Registers::write_dense(Writer& writer, const std::function<Value(Register, Value)>& function) const {
  writer.each<DenseRegister>([&](Entity, DenseRegister& row) {
    if (row.number < count_) row = row_of<DenseRegister>(row.number, function(row.number, value_of(row)));
  });
}

template <typename Operations>
void Registers::spoil(Operations& operations, bool by_key) const {
  if (by_key) {
    operations.insert(operations.create(), row_of<KeyedRegister>(first_keyed, no_value));
  } else {
    operations.update(bare_, DenseRegister{});
  }
}
template void Registers::spoil(Writer&, bool) const;
template void Registers::spoil(Transaction&, bool) const;

}  // namespace stoa::test
