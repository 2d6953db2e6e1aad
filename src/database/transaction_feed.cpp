#include "database/transaction_feed.h"

#include "delta/delta_access.h"
#include "delta/kept_deltas.h"

#include <stoa/detail/snapshot_access.h>

#include <utility>

namespace stoa::database {
namespace {

// What is copied at a time: enough to be worth a pin.
constexpr std::size_t block_deltas_max = 256;
constexpr std::size_t block_bytes_max = std::size_t{1} << 20U;

}  // namespace

TransactionFeed::TransactionFeed(detail::DatabaseCore& core, Snapshot start, const SubscribeOptions& options)
    : core_(core),
      durable_(options.durable),
      coalesces_(options.backlog == Backlog::coalesce),
      read_to_(start.version()),
      due_(read_to_ + 1) {
  if (coalesces_) at_ = std::move(start);
  if (options.backlog == Backlog::wait) {
    pace_ = std::make_shared<txn::Pace>(read_to_, options.wait_max);
    core.engine().history().add_pace(pace_);
  }
}

Error TransactionFeed::too_late() const {
  return {ErrorCode::history_gone,
          "the subscriber was at version " + std::to_string(read_to_) + " when the backlog was full"};
}

void TransactionFeed::close() noexcept {
  if (std::exchange(closed_, true)) return;
  if (pace_ != nullptr) core_.engine().history().remove_pace(*pace_);
  core_.engine().history().remove_subscriber();
}

bool TransactionFeed::is_due() const {
  return taken_ != block_.size() || core_.engine().version_to_tell(durable_) >= due_;
}

std::expected<std::optional<Delta>, Error> TransactionFeed::next() {
  if (taken_ == block_.size()) {
    if (pace_ != nullptr) {
      core_.engine().history().reach(*pace_, read_to_);
      // acquire: pairs with DeltaHistory's.
      if (pace_->given_up.load(std::memory_order_acquire)) return std::unexpected(too_late());
    }
    if (auto filled = fill(); !filled) return std::unexpected(std::move(filled.error()));
  }
  if (taken_ == block_.size()) return std::nullopt;
  return std::move(block_[taken_++]);
}

std::expected<void, Error> TransactionFeed::fill() {
  block_.clear();
  taken_ = 0;
  const Version limit = core_.engine().version_to_tell(durable_);  // first: the snapshot then has it
  if (limit < due_) return {};
  Snapshot newest = target_ ? *std::exchange(target_, std::nullopt) : core_.snapshot();
  const detail::Root& root = detail::SnapshotAccess::root(newest);
  delta::KeptDeltaReader reader(root, read_to_);
  if (!reader.is_there()) {
    if (!coalesces_) return std::unexpected(too_late());
    target_ = std::move(newest);
    due_ = target_->version();
    if (due_ <= limit) coalesce();
    return {};
  }
  delta::KeptDelta kept;
  std::size_t bytes = 0;
  while (block_.size() != block_deltas_max && bytes < block_bytes_max && read_to_ < limit && reader.next(kept)) {
    if (kept.to > limit) break;
    block_.push_back(delta::copy_kept(kept, root));
    bytes += kept.body.size();
    read_to_ = kept.to;
  }
  due_ = read_to_ + 1;
  if (coalesces_) (read_to_ == newest.version() ? at_ : target_) = std::move(newest);
  return {};
}

// All up to target_ as one.
void TransactionFeed::coalesce() {
  block_.push_back(diff(*at_, *target_));
  at_ = std::exchange(target_, std::nullopt);
  read_to_ = at_->version();
  due_ = read_to_ + 1;
}

}  // namespace stoa::database
