#include "txn/applier.h"

#include "base/make_error.h"
#include "base/steady_time.h"
#include "txn/apply_operations.h"
#include "txn/prefetch.h"

#include <algorithm>
#include <cassert>
#include <exception>
#include <new>
#include <string>

namespace stoa::txn {

using detail::is_past;
using detail::TransactionNode;

namespace {

Error no_way_back() {
  return make_error(ErrorCode::out_of_memory,
                    [] { return Error(ErrorCode::out_of_memory, "no memory to take a transaction back"); });
}

}  // namespace

Applier::Applier(storage::BufferManager& buffers, CommitSink& sink, DeltaHistory& history, const Options& options)
    : buffers_(buffers),
      buffer_(buffers.write_buffer()),
      sink_(sink),
      history_(history),
      constraints_(buffers.world()),
      judge_(constraints_, options.cascade_rows_max),
      delta_(buffers.world()),
      replay_(buffers.world()),
      context_(buffer_, buffers.entities(), options.transaction_bytes_max),
      restorer_(buffer_, replay_) {}

std::expected<bool, Error> Applier::apply(TransactionNode& node, Version version) {
  std::expected<bool, Error> settled = false;
  lost_ = false;
  called_ = false;
  restorer_.clear();
  try {
    auto done = run(node);
    if (done) done = keep_rules(node.deadline);
    settled = done ? settle(version, node.tag) : std::unexpected(std::move(done.error()));
  } catch (const std::bad_alloc&) {
    settled = std::unexpected(Error::out_of_memory());
  }
  if (settled && *settled) {
    forget_ends_of_revived();
    return true;
  }
  if (!take_back()) return std::unexpected(no_way_back());
  burn_reserved(node);
  return settled;
}

std::expected<void, Error> Applier::apply_delta(const Committed& delta) {
  std::expected<void, Error> done;
  lost_ = false;
  try {
    done = replay_.apply(delta.delta, buffer_);
    if (done) done = expect_rules_kept();
    if (done) {
      make_room_for_ended();  // once the sink has the delta, nothing may fail any more
      if (delta.to != delta.from) done = give_to_sink(delta);
    }
    if (done) {
      buffer_.accept(ended_);
      return {};
    }
  } catch (const std::bad_alloc&) {
    done = std::unexpected(Error::out_of_memory());
  }
  if (!take_back()) return std::unexpected(no_way_back());
  return done;
}

// False where there is no memory for that.
bool Applier::take_back() noexcept {
  try {
    buffer_.revert();
    return true;
  } catch (const std::bad_alloc&) {
    lost_ = true;
    return false;
  }
}

// Of what was committed elsewhere: nothing follows from it, and every row keeps the rules.
std::expected<void, Error> Applier::expect_rules_kept() {
  if (buffer_.changes().empty()) return {};
  buffer_.settle_indexes();
  if (constraints_.empty()) return {};
  auto consequences = judge_.consequences(buffer_);
  if (!consequences) return std::unexpected(std::move(consequences.error()));
  if (const auto checked = judge_.check(buffer_, detail::SteadyTime::max(), (*consequences)->restricted); !checked) {
    return checked;
  }
  if ((*consequences)->empty()) return {};
  return std::unexpected(Error(ErrorCode::constraint_violation, "the delta leaves references to what goes by it"));
}

std::expected<void, Error> Applier::run(TransactionNode& node) {
  if (const Error* refusal = node.refusal()) return std::unexpected(*refusal);
  if (is_past(node.deadline)) {
    return std::unexpected(Error(ErrorCode::timeout, "the deadline passed in the queue"));
  }
  if (auto met = meet_expectations(node); !met) return met;
  switch (node.kind) {
    case TransactionNode::Kind::operations: return apply_operations(node.ops, buffer_, node.deadline);
    case TransactionNode::Kind::function: return call(node);
    case TransactionNode::Kind::restore: return restorer_.restore(*node.find_rare()->restored);
    default: return {};
  }
}

// Whether the rows that the transaction relies on are as it saw them, before its own operations.
std::expected<void, Error> Applier::meet_expectations(const TransactionNode& node) const {
  const TransactionNode::Rare* rare = node.find_rare();
  if (rare == nullptr) return {};
  OpBuffer::Reader reader(rare->expectations);
  while (const WriteOp* op = reader.next()) {
    const bool expected = op->kind == WriteOp::Kind::update;
    const std::byte* row = buffer_.find_row(op->table, op->entity);
    if (expected == (row != nullptr) &&
        (row == nullptr || buffer_.equal_rows(op->table, row, OpBuffer::payload(*op)))) {
      continue;
    }
    return std::unexpected(Error(ErrorCode::conflict, "the row of entity " + std::to_string(op->entity.index()) + ":" +
                                                          std::to_string(op->entity.generation()) + " in " +
                                                          buffer_.world().model(op->table).name +
                                                          " is not as in the snapshot any more"));
  }
  return {};
}

std::expected<void, Error> Applier::call(const TransactionNode& node) {
  context_.begin(node.deadline);
  called_ = true;
  try {
    Writer writer(context_);
    const detail::WriteFunction& function = node.find_rare()->function;
    if (auto result = function.call(function.object, writer); !result) return result;
    context_.finish();
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& thrown) {
    return std::unexpected(Error(ErrorCode::aborted, std::string("the write function threw: ") + thrown.what()));
  } catch (...) {
    return std::unexpected(Error(ErrorCode::aborted, "the write function threw"));
  }
  if (context_.refused()) return std::unexpected(*context_.refused());
  return {};
}

// Their indices are in use again. As the snapshot that has them alive was held all the time, nobody else was given one.
void Applier::forget_ends_of_revived() noexcept {
  const auto revived = restorer_.revived();
  if (revived.empty()) return;
  std::erase_if(ended_, [&](Entity entity) { return std::ranges::binary_search(revived, entity); });
  buffers_.entities().forget_ends_of(revived);
}

std::expected<void, Error> Applier::keep_rules(detail::SteadyTime deadline) {
  if (buffer_.changes().empty()) return {};
  buffer_.settle_indexes();
  if (is_past(deadline)) return std::unexpected(Error(ErrorCode::timeout, "the deadline passed at the indexes"));
  if (constraints_.empty()) return {};
  auto consequences = judge_.consequences(buffer_, deadline);
  if (!consequences) return std::unexpected(std::move(consequences.error()));
  const integrity::Consequences& follow = **consequences;
  if (follow.empty()) return judge_.check(buffer_, deadline);
  // Nothing of it will stand; only what else is wrong is still to be found, for which not so much need be done.
  constexpr std::size_t done_in_vain_max = 4096;
  if (!follow.restricted.empty() && follow.size() > done_in_vain_max) return std::unexpected(Error(follow.restricted));
  if (auto done = apply(follow, deadline); !done) return done;
  buffer_.settle_indexes();
  return judge_.check(buffer_, deadline, follow.restricted);
}

std::expected<void, Error> Applier::apply(const integrity::Consequences& follow, detail::SteadyTime deadline) {
  constexpr std::size_t between_looks = 256;  // at the clock
  std::size_t until_look = between_looks;
  const auto is_late = [&](std::size_t done) {
    if (done < until_look) {
      until_look -= done;
      return false;
    }
    until_look = between_looks;
    return is_past(deadline);
  };
  const auto late = [] { return std::unexpected(Error(ErrorCode::timeout, "the deadline passed in its cascades")); };
  const Entity null;
  for (const auto& [table, entity, field] : follow.nulled) {
    buffer_.set_field(table, entity, *field, reinterpret_cast<const std::byte*>(&null));
    if (is_late(1)) return late();
  }
  for (const auto& [table, entity] : follow.removed) {
    buffer_.remove(table, entity);
    if (is_late(1)) return late();
  }
  for (std::span<const Entity> left = follow.ended; !left.empty();) {
    constexpr std::size_t together = 8;
    const auto some = left.first(std::min(together, left.size()));
    left = left.subspan(some.size());
    for (Entity next : left.first(std::min(together, left.size()))) prefetch_rows(buffer_.root(), next);
    [[maybe_unused]] const storage::Counted ended = buffer_.destroy(some);
    assert(ended.count == some.size());
    if (is_late(some.size())) return late();
  }
  return {};
}

std::expected<bool, Error> Applier::settle(Version version, std::uint64_t tag) {
  if (!delta_.has_effect(buffer_)) return false;
  clear_for_reuse(bytes_);
  const bool for_sink = sink_.wants_deltas();
  const bool made = for_sink || (history_.is_on() && history_.wants(delta_.estimate(buffer_)));
  const std::size_t logged = made ? delta_.encode(buffer_, bytes_) : 0;
  const bool kept = made && history_.keeps(bytes_.size()) && history_.reserve(bytes_.size());
  make_room_for_ended();  // once the sink has the delta, nothing may fail any more
  const std::span<const std::byte> delta = std::span(bytes_).first(for_sink ? logged : 0);
  if (auto given = give_to_sink({version - 1, version, tag, delta}); !given) {
    return std::unexpected(std::move(given.error()));
  }
  if (kept) {
    history_.add({.from = version - 1, .to = version, .tag = tag, .full = false, .body = bytes_});
  } else {
    history_.skip_to(version);
  }
  buffer_.accept(ended_);
  return true;
}

std::expected<void, Error> Applier::give_to_sink(const Committed& committed) {
  auto added = sink_.add(committed);
  if (!added) {
    const ErrorCode code = added.error().code();
    lost_ = code != ErrorCode::disk_full && code != ErrorCode::too_large;
  }
  return added;
}

void Applier::make_room_for_ended() { make_room(ended_, buffer_.changes().ends()); }

// Ids of a transaction that did not happen are never given out again. All before any is offered: so many are wanted at
// a time.
void Applier::burn_reserved(const TransactionNode& node) {
  bool any = false;
  const auto burn = [&](std::span<const Entity> entities) {
    for (Entity entity : entities) buffers_.burn(entity);
    any = any || !entities.empty();
  };
  OpBuffer::Reader reader(node.ops);
  while (const WriteOp* op = reader.next()) {
    if (op->kind == WriteOp::Kind::create) burn(OpBuffer::entities(*op));
  }
  if (called_) burn(context_.created());
  if (any) buffers_.offer_burnt();
}

}  // namespace stoa::txn
