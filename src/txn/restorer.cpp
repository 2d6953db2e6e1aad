#include "txn/restorer.h"

#include "base/reuse.h"
#include "delta/root_diff.h"
#include "delta/run_reader.h"
#include "storage/page_adoption.h"

#include <algorithm>

namespace stoa::txn {

Restorer::Restorer(storage::WriteBuffer& buffer, delta::Replay& replay)
    : buffer_(buffer), replay_(replay), runs_(buffer.world()) {}

void Restorer::clear() noexcept { clear_for_reuse(revived_); }

// Who is there comes first: it may move rows, and then a page is not adopted that could have been before. What is left
// is written row by row.
std::expected<void, Error> Restorer::restore(const detail::Root& kept) {
  if (auto done = replay_difference(kept, true); !done) return done;
  storage::adopt_pages(buffer_, kept);
  if (auto done = replay_difference(kept, false); !done) return done;
  std::ranges::sort(revived_);
  return {};
}

std::expected<void, Error> Restorer::replay_difference(const detail::Root& kept, bool without_pages) {
  if (without_pages) {
    delta::diff_roots_but(storage::can_adopt, buffer_.root(), kept, runs_);
  } else {
    delta::diff_roots(buffer_.root(), kept, runs_);
  }
  clear_for_reuse(bytes_);
  runs_.finish(bytes_);
  runs_.clear();  // what a large difference took is not kept until the next
  delta::RunReader reader(bytes_, *buffer_.world().bytes);
  while (const delta::Run* run = reader.next()) {
    if (run->code != delta::RunCode::revive) continue;
    delta::EntityCursor entities(*run);
    for (std::uint64_t left = run->count; left != 0; --left) revived_.push_back(entities.next());
  }
  return replay_.apply(bytes_, buffer_);
}

}  // namespace stoa::txn
