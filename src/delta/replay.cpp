#include "delta/replay.h"

#include "schema/row_codec.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace stoa::delta {
namespace {

using storage::Outcome;
using storage::WriteBuffer;

// Rows that are put together before the buffer gets them.
constexpr std::size_t rows_together = 256;
constexpr std::size_t bytes_together = std::size_t{64} * 1024;

std::unexpected<Error> corrupt(std::string reason) {
  return std::unexpected(Error(ErrorCode::corrupt, std::move(reason)));
}

std::expected<void, Error> expect_done(Outcome outcome, RunCode code) {
  switch (outcome) {
    case Outcome::done: return {};
    case Outcome::no_entity:
      if (code == RunCode::create) return corrupt("the creation of an entity that is there, or has been");
      if (code == RunCode::revive) return corrupt("the return of an entity that is there, or has never been");
      return corrupt("an operation on an entity that is not there");
    case Outcome::no_row: return corrupt("an operation on a row that is not there");
    case Outcome::too_large: return corrupt("a row whose texts have more than 1 GiB");
    case Outcome::row_exists: return corrupt("an insert of a row that is there");
  }
  return {};
}

}  // namespace

Replay::Replay(const detail::WorldInfo& world) : world_(world), bytes_(*world.bytes), row_(row_bytes_max) {}

std::expected<void, Error> Replay::apply(std::span<const std::byte> body, WriteBuffer& buffer) {
  RunReader reader(body, bytes_);
  const auto wrong = [&](std::string_view reason) {
    return std::unexpected(
        Error(ErrorCode::corrupt, Place{.source = "delta", .offset = reader.offset()}, std::string(reason)));
  };
  while (const Run* run = reader.next()) {
    if (auto applied = apply(*run, buffer); !applied) return wrong(applied.error().reason());
  }
  if (reader.wrong() != nullptr) return wrong(reader.wrong());
  return {};
}

Replay::Done Replay::apply(const Run& run, WriteBuffer& buffer) {
  switch (run.code) {
    case RunCode::revive:
    case RunCode::create: return begin(run, buffer);
    case RunCode::insert: return insert(run, buffer);
    case RunCode::update: return update(run, buffer);
    default: break;
  }
  if (run.code != RunCode::floors) return end(run, buffer);
  EntityCursor entities(run);
  for (std::uint64_t left = run.count; left != 0; --left) {
    const Entity entity = entities.next();
    buffer.raise_floors(entity, entities.length());
  }
  return {};
}

// Of entities, or of rows.
Replay::Done Replay::end(const Run& run, WriteBuffer& buffer) {
  EntityCursor entities(run);
  for (std::uint64_t left = run.count; left != 0; left -= entities_.size()) {
    entities_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, rows_together)));
    entities.next(entities_);
    const storage::Counted done =
        run.code == RunCode::destroy ? buffer.destroy(entities_) : buffer.remove(run.tables[0], entities_);
    if (auto all = expect_done(done.outcome, run.code); !all) return all;
  }
  return {};
}

Replay::Done Replay::begin(const Run& run, WriteBuffer& buffer) {
  EntityCursor entities(run);
  values_ = run.values;
  std::size_t row_bytes = 1;
  for (TableId table : run.tables) row_bytes += bytes_[table].row_bytes();
  const std::size_t together = std::clamp<std::size_t>(bytes_together / row_bytes, 1, rows_together);
  for (std::uint64_t left = run.count; left != 0; left -= entities_.size()) {
    entities_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, together)));
    entities.next(entities_);
    if (names_one_twice()) return corrupt("two entities of one index");
    if (auto taken = take_rows(run, entities_.size()); !taken) return taken;
    const Outcome outcome =
        run.code == RunCode::create ? buffer.create(entities_, images_) : buffer.revive(entities_, images_);
    if (auto done = expect_done(outcome, run.code); !done) return done;
  }
  return {};
}

// The buffer relies on it that they are as many.
bool Replay::names_one_twice() {
  const auto not_above = [](Entity a, Entity b) { return a.index() >= b.index(); };
  if (std::ranges::adjacent_find(entities_, not_above) == entities_.end()) return false;
  sorted_.assign(entities_.begin(), entities_.end());
  std::ranges::sort(sorted_, {}, &Entity::index);
  return std::ranges::adjacent_find(sorted_, {}, &Entity::index) != sorted_.end();
}

Replay::Done Replay::insert(const Run& run, WriteBuffer& buffer) {
  EntityCursor entities(run);
  values_ = run.values;
  for (std::uint64_t left = run.count; left != 0; --left) {
    if (auto taken = take_rows(run, 1); !taken) return taken;
    if (auto done = expect_done(buffer.insert(entities.next(), images_), run.code); !done) return done;
  }
  return {};
}

Replay::Done Replay::update(const Run& run, WriteBuffer& buffer) {
  EntityCursor entities(run);
  const TableId table = run.tables[0];
  std::span<const std::byte> values = run.values[0];
  for (std::uint64_t left = run.count; left != 0; --left) {
    const Entity entity = entities.next();
    const std::byte* now = buffer.find_row(table, entity);
    if (now == nullptr) return corrupt("an update of a row that is not there");
    std::memcpy(row_.data(), now, bytes_[table].row_bytes());
    if (auto taken = take_row(table, run.fields, values, row_.data()); !taken) return taken;
    if (auto done = expect_done(buffer.update(table, entity, row_.data()), run.code); !done) return done;
  }
  return {};
}

// Fills images_ with the run's next rows.
Replay::Done Replay::take_rows(const Run& run, std::size_t count) {
  images_.clear();
  rows_.resize(std::max(rows_.size(), run.tables.size()));
  for (std::size_t at = 0; at != run.tables.size(); ++at) {
    const schema::RowBytes& table = bytes_[run.tables[at]];
    const std::size_t bytes = table.row_bytes();
    // Where the bytes are the rows as they lie in memory, and any will do, they are taken from where they are.
    if (bytes != 0 && table.are_the_row() && world_.model(run.tables[at]).checked.empty()) {
      if (values_[at].size() < count * bytes) return corrupt("a row that is cut off");
      images_.push_back({run.tables[at], values_[at].data()});
      values_[at] = values_[at].subspan(count * bytes);
      continue;
    }
    rows_[at].assign(std::max<std::size_t>(count * bytes, 1), std::byte{});
    for (std::size_t row = 0; row != count; ++row) {
      if (auto taken = take_row(run.tables[at], table.all(), values_[at], rows_[at].data() + row * bytes); !taken) {
        return taken;
      }
    }
    images_.push_back({run.tables[at], rows_[at].data()});
  }
  return {};
}

Replay::Done Replay::take_row(TableId table, schema::RowBytes::Fields fields, std::span<const std::byte>& in,
                              std::byte* row) {
  if (!bytes_[table].decode(fields, in, row)) return corrupt("a row that is cut off");
  const TableModel& model = world_.model(table);
  if (model.checked.empty()) return {};
  return schema::check_row(world_.schema->model(), model, row);
}

}  // namespace stoa::delta
