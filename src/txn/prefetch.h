// Asks for the memory that operations will touch, so that their cache misses pass while the operations before them are
// applied. It changes nothing; what it asks for in vain costs nothing but the asking.
#pragma once

#include "txn/op_buffer.h"
#include "txn/transaction_node.h"

#include <stoa/detail/world.h>

#include <array>
#include <cstddef>

namespace stoa::txn {

inline void prefetch_slot(const detail::Root& root, Entity entity) noexcept {
  if (const detail::EntitySlot* slot = detail::find_slot(root, entity.index())) __builtin_prefetch(slot);
}

/// All dense rows of the entity, as the next.
void prefetch_rows(const detail::Root& root, Entity entity) noexcept;
/// The dense rows that the operation is about, once their slot has come, which says where they are.
void prefetch_rows(const detail::Root& root, const WriteOp& op) noexcept;

/// Walks ahead of a Reader of the same operations.
///
/// Relies on: `root` is whole between operations; it may change with each.
class Prefetcher {
 public:
  static constexpr std::size_t rows_ahead = 6;

  Prefetcher(const OpBuffer& ops, const detail::Root& root) : root_(root) {
    if (!has_work(ops)) return;
    slots_ = OpBuffer::Reader(ops);
    rows_ = OpBuffer::Reader(ops);
  }

  /// Before what comes after so many records is done; several may have been done at once.
  void look_past(std::size_t taken) noexcept {
    while (slots_.taken() < taken + slots_ahead &&
           fetch(slots_, taken, [&](const WriteOp& op) { prefetch_slot(root_, op.entity); })) {
    }
    while (rows_.taken() < taken + rows_ahead &&
           fetch(rows_, taken, [&](const WriteOp& op) { prefetch_rows(root_, op); })) {
    }
  }

 private:
  static constexpr std::size_t slots_ahead = 12;

  // A single operation has nothing before it; and what begins, with its first rows, is nowhere yet.
  static bool has_work(const OpBuffer& ops) noexcept {
    constexpr std::size_t few = 4;
    return ops.count() > few || (ops.count() > 1 && ops.front()->kind != WriteOp::Kind::create);
  }

  // What is done already is passed over.
  template <typename Ask>
  static bool fetch(OpBuffer::Reader& reader, std::size_t taken, Ask ask) noexcept {
    const WriteOp* op = reader.next();
    if (op != nullptr && reader.taken() > taken) ask(*op);
    return op != nullptr;
  }

  const detail::Root& root_;
  OpBuffer::Reader slots_;
  OpBuffer::Reader rows_;
};

/// Walks ahead through transactions that wait, to the first operation of each: most of those that come many at a time
/// have no other. In steps, each of which looks at what the one before it asked for: a transaction that another thread
/// wrote last, its operation, the slot that this names, the rows.
///
/// Relies on: as Prefetcher; the nodes stay as they are until it has passed them.
class QueuePrefetcher {
 public:
  QueuePrefetcher(const detail::TransactionNode* first, const detail::Root& root) : root_(root) {
    if (first == nullptr || first->next == nullptr) return;  // nothing is ahead
    at_.fill(first);
    for (std::size_t step = 0; step != steps; ++step) {
      for (std::size_t ahead = (steps - step) * nodes_apart; ahead != 0; --ahead) fetch(step);
    }
  }

  /// Before each transaction.
  void advance() noexcept {
    for (std::size_t step = 0; step != steps; ++step) fetch(step);
  }

 private:
  static constexpr std::size_t steps = 4;
  static constexpr std::size_t nodes_apart = 2;

  void fetch(std::size_t step) noexcept {
    const detail::TransactionNode* node = at_[step];
    if (node == nullptr) return;
    at_[step] = static_cast<const detail::TransactionNode*>(node->next);
    if (step == 0) {
      __builtin_prefetch(&node->kind);
      __builtin_prefetch(&node->ops);
      __builtin_prefetch(&node->tag);
    } else if (const WriteOp* op = node->ops.front(); op != nullptr) {
      if (step == 1) __builtin_prefetch(op);
      if (step == 2) prefetch_slot(root_, op->entity);
      if (step == 3) prefetch_rows(root_, *op);
    }
  }

  const detail::Root& root_;
  std::array<const detail::TransactionNode*, steps> at_{};
};

}  // namespace stoa::txn
