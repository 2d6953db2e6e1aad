#include "session.h"

#include "properties.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <unistd.h>

namespace stoa::test {
namespace {

using Kind = Operation::Kind;

// So many snapshots, the first ones, are held until the session ends: over thousands of commits, if it is long.
constexpr std::size_t held_for_good = 2;

struct WalkStopped : std::runtime_error {
  WalkStopped() : std::runtime_error("the walk was stopped") {}
};

// What walks do to a row. It leaves references, keys and enums alone, and points within their range.
void mutate(Row& row, int delta) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (const auto* real = std::get_if<double>(&row[i].variant())) {
      row[i] = *real + delta;
    } else if (const auto* number = std::get_if<std::int64_t>(&row[i].variant())) {
      row[i] = *number + delta;
    } else if (const auto* count = std::get_if<std::uint64_t>(&row[i].variant())) {
      row[i] = (*count + static_cast<std::uint64_t>(50 + delta)) % 50;
    } else if (const auto* text = std::get_if<std::string>(&row[i].variant()); text != nullptr && i != 0) {
      row[i] = std::string((text->size() + 5) % 30, 'z');
    }
  }
}

// A table of a walk: of an std::optional the callback gets a pointer, and changes nothing.
template <typename T>
struct WalkTerm {
  using Row = std::remove_const_t<T>;
  static constexpr bool demanded = true;
  static constexpr bool changes = !std::is_const_v<T>;
};
template <typename T>
struct WalkTerm<std::optional<T>> {
  using Row = std::remove_const_t<T>;
  static constexpr bool demanded = false;
  static constexpr bool changes = false;
};

}  // namespace

Session::Session(std::uint64_t seed, const SessionOptions& options)
    : random_(seed),
      options_(options),
      schema_(make_schema().compile().value()),
      workload_(random_, schema_->model(), options.population) {
  if (options.in_folder) {
    folder_ =
        std::filesystem::temp_directory_path() / ("stoa-model-" + std::to_string(::getpid()) + "-" +
                                                  ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
  }
  // Small slabs, so that there are many, and steps of a page or two.
  options_.options.slab_bytes_first = options_.options.slab_bytes_max = std::size_t{16} << 10U;
  options_.options.compaction_budget = std::chrono::nanoseconds(1);
  open();
  last_hash_ = db_->snapshot().state_hash();
}

Session::~Session() {
  db_.reset();
  if (options_.in_folder) std::filesystem::remove_all(folder_);
}

void Session::open() {
  auto opened = options_.in_folder ? Database::open(folder_, make_schema(), options_.options)
                                   : Database::in_memory(make_schema(), options_.options);
  ASSERT_TRUE(opened) << opened.error().message();
  db_.emplace(std::move(*opened));
  issued_.clear();
  EXPECT_EQ(db_->version(), version_);
}

void Session::run(std::uint64_t rounds) {
  for (std::uint64_t i = 0; i < rounds && !::testing::Test::HasFailure(); ++i) {
    SCOPED_TRACE("round " + std::to_string(i));
    if (options_.settled && world_.entities.size() < options_.population / 2) populate();
    round();
    if (i % options_.compare_every == 0) compare();
  }
  settle();
  compare();
  held_.clear();
  if (!options_.in_folder) return;
  look_at_folder();
  reopen();
  compare();
}

// As many at once as single operations would not come to: archetypes of several chunks, and indexes of several levels.
void Session::populate() {
  settle();
  Transaction transaction = db_->begin();
  World after = world_;
  const auto insert = [&]<typename T>(Entity entity, const T& row) {
    transaction.insert(entity, row);
    after.entities[entity][schema_->table_of<T>()] = to_row(row);
  };
  const std::vector<Entity> entities = issue(transaction.create(options_.population - world_.entities.size()));
  std::vector<Position> positions;
  for (Entity entity : entities) {
    after.entities[entity][schema_->table_of<Position>()] =
        to_row(positions.emplace_back(Position{static_cast<float>(random_.below(9)), 1}));
  }
  transaction.insert(entities, positions);
  for (Entity entity : entities) {
    insert(entity, Velocity{static_cast<std::int32_t>(random_.below(9)), 2});
    const std::string name = "settler " + std::to_string(entity.bits());
    if (random_.chance(60)) insert(entity, Name{name, 0, name});
    if (random_.chance(20)) insert(entity, Label{{}, 100'000 + 10 * static_cast<std::int32_t>(entity.index())});
  }
  Verdict verdict = conclude(schema_->model(), world_, after);
  advance(verdict, std::move(after));
  check(std::move(transaction).commit(), verdict, version_);
}

// Most of them at once: nodes and chunks that run empty. Those stay whose end could be refused.
void Session::depopulate() {
  settle();
  Transaction transaction = db_->begin();
  World after = world_;
  for (const auto& [entity, rows] : world_.entities) {
    if (rows.contains(schema_->table_of<Health>()) || rows.contains(schema_->table_of<Crew>())) continue;
    if (!random_.chance(80)) continue;
    transaction.destroy(entity);
    after.entities.erase(entity);
  }
  Verdict verdict = conclude(schema_->model(), world_, after);
  advance(verdict, std::move(after));
  check(std::move(transaction).commit(), verdict, version_);
}

void Session::round() {
  if (options_.settled && random_.chance(8)) return depopulate();
  const std::uint64_t dice = random_.below(100);
  if (dice < 48) {
    const std::uint64_t count = 1 + random_.below(5);
    for (std::uint64_t i = 0; i < count; ++i) submit();
    if (random_.chance(70)) settle();  // else a write() comes after them, or more of them
  } else if (dice < 84) {
    write();
  } else if (dice < 90) {
    settle();
    if (held_.size() < 6) held_.push_back({db_->snapshot(), world_});
  } else if (dice < 93 && held_.size() > held_for_good) {
    const std::size_t at = held_for_good + random_.below(held_.size() - held_for_good);
    held_.push_back({held_[at].snapshot.clone(), held_[at].world});
    EXPECT_EQ(difference(held_[at].snapshot, held_[at].world), "") << "a held snapshot changed";
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(at));
  } else if (dice < 95 && held_.size() > held_for_good) {
    const std::uint64_t at = held_for_good + random_.below(held_.size() - held_for_good);
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(at));
  } else if (dice < 96) {
    settle();
    const auto flushed = db_->flush();
    ASSERT_TRUE(flushed) << flushed.error().message();
    EXPECT_EQ(*flushed, version_);
    const bool syncs = options_.in_folder && options_.options.durability.kind() != Durability::Kind::none;
    EXPECT_TRUE(!syncs || db_->durable_version() == version_);
    compact();
  } else if (dice < 98) {
    compact();
    if (options_.in_folder) look_at_folder();
  } else if (options_.in_folder) {
    settle();
    reopen();
  }
}

// Beside transactions that are on their way.
void Session::compact() {
  const auto compacted = db_->compact();
  ASSERT_TRUE(compacted) << compacted.error().message();
  compare();
  EXPECT_EQ(db_->version(), version_);
}

// --- Transactions -------------------------------------------------------------------------------------------------

Entity Session::issue(Entity entity) {
  EXPECT_TRUE(entity);
  EXPECT_TRUE(issued_.insert(entity.bits()).second) << "an id was given out twice: " << entity.index();
  EXPECT_FALSE(committed_.contains(entity.bits())) << "a committed id was given out again: " << entity.index();
  return entity;
}

template <typename Target>
void Session::perform(Target& target, const Operation& operation) {
  if (operation.kind == Kind::create) return;  // making the id was the call
  if (operation.kind == Kind::destroy) {
    target.destroy(operation.entity);
    return;
  }
  if (operation.kind == Kind::unknown_table) {
    target.insert("nowhere", operation.entity, {{"x", 1}});
    return;
  }
  if (operation.kind == Kind::bad_enum) {
    target.upsert(operation.entity, Member{{}, Mood{9}});
    return;
  }
  const TableModel& model = schema_->model().table(operation.table);
  const auto name_fields = [&] {
    std::vector<NamedValue> out;
    for (std::size_t i = 0; i < model.fields.size(); ++i) out.push_back({model.fields[i].name, operation.row[i]});
    return out;
  };
  if (operation.by_name) {
    switch (operation.kind) {
      case Kind::insert: target.insert(model.name, operation.entity, name_fields()); return;
      case Kind::upsert: target.upsert(model.name, operation.entity, name_fields()); return;
      case Kind::remove: target.remove(model.name, operation.entity); return;
      case Kind::set:
        target.set(model.name, operation.entity, model.fields[operation.field].name, operation.row[operation.field]);
        return;
      default: break;
    }
  }
  with_type(db_->schema(), operation.table, [&](auto type) {
    using T = typename decltype(type)::type;
    const T row = from_row<T>(operation.row);
    switch (operation.kind) {
      case Kind::insert: target.insert(operation.entity, row); break;
      case Kind::update: target.update(operation.entity, row); break;
      case Kind::upsert: target.upsert(operation.entity, row); break;
      case Kind::remove: target.template remove<T>(operation.entity); break;
      default:
        for_each_member<T>([&](auto member, std::size_t index) {
          using Described = decltype(member);
          if (index == operation.field)
            target.template set<Described::pointer>(operation.entity, row.*Described::pointer);
        });
    }
  });
}

std::vector<Entity> Session::issue(std::vector<Entity> entities) {
  for (Entity entity : entities) issue(entity);
  return entities;
}

// New entities, or some that are there, and a row for each of them in some tables.
template <typename Target>
void Session::perform_many(Target& target, World& scratch, std::optional<ErrorCode>& error) {
  const auto apply_one = [&](const Operation& operation) {
    if (auto code = apply(scratch, operation); code && !error) error = code;
  };
  std::vector<Entity> entities;
  const std::uint64_t count = random_.below(random_.chance(80) ? 6 : 40);
  if (scratch.entities.size() < options_.population) {
    entities = issue(target.create(count));
    for (Entity entity : entities) apply_one({.kind = Kind::create, .entity = entity, .row = {}});
  } else {
    while (entities.size() < count) entities.push_back(workload_.some_entity(scratch));
  }
  for (std::uint64_t left = random_.below(4); left != 0; --left) {
    const TableModel& table = schema_->model().tables[random_.below(schema_->model().tables.size())];
    const bool is_plain = table.blobs.empty() && std::ranges::none_of(table.fields, [](const FieldModel& field) {
                            return field.reference || field.unique;
                          });
    if (count > 6 && !is_plain) continue;  // that would hardly ever be right
    std::vector<Operation> operations;
    for (Entity entity : entities) {
      operations.push_back({.kind = Kind::insert, .entity = entity, .table = table.number, .row = {}});
      operations.back().row = workload_.random_row(table, scratch);
    }
    with_type(db_->schema(), table.number, [&](auto type) {
      using T = typename decltype(type)::type;
      std::vector<T> rows;
      for (const Operation& operation : operations) rows.push_back(from_row<T>(operation.row));
      target.insert(entities, rows);
    });
    for (const Operation& operation : operations) apply_one(operation);
  }
}

void Session::submit() {
  Transaction transaction = db_->begin();
  World after = world_;
  Verdict verdict;
  std::optional<ErrorCode> refused;
  if (random_.chance(1)) {
    transaction.deadline(std::chrono::nanoseconds(-1));
    verdict.error = ErrorCode::timeout;
  }
  const std::uint64_t count = 1 + random_.below(random_.chance(60) ? 5 : 30);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (random_.chance(4)) perform_many(transaction, after, verdict.error);
    const Operation operation = workload_.next(after, [&] { return issue(transaction.create()); });
    perform(transaction, operation);
    const bool cannot_be = operation.kind == Kind::unknown_table || operation.kind == Kind::bad_enum;
    if (auto code = apply(after, operation)) {
      auto& first = cannot_be ? refused : verdict.error;
      if (!first) first = code;
    }
  }
  if (random_.chance(3)) return;  // dropped: nothing has happened
  if (refused) verdict.error = refused;
  if (!verdict.error) verdict = conclude(schema_->model(), world_, after);
  advance(verdict, std::move(after));
  pending_.push_back({std::move(transaction).submit(), std::move(verdict), version_});
}

void Session::advance(const Verdict& verdict, World&& after) {
  if (verdict.error) return;
  if (verdict.effect) ++version_;
  world_ = std::move(after);
  for (const auto& [entity, rows] : world_.entities) committed_.insert(entity.bits());
}

bool Session::is_cut_short(const std::vector<Violation>& told) {
  const auto restricted = std::ranges::count(told, Violation::Kind::foreign_key_restrict, &Violation::kind);
  return told.size() >= 64 || restricted >= 32;
}

void Session::check(const std::expected<Commit, Error>& answer, const Verdict& verdict, Version version) {
  if (!verdict.error) {
    ASSERT_TRUE(answer) << answer.error().message();
    ASSERT_EQ(answer->version, version) << (verdict.effect ? "" : "it has no effect");
    return;
  }
  ASSERT_FALSE(answer) << "expected " << to_string(*verdict.error);
  ASSERT_EQ(to_string(answer.error().code()), to_string(*verdict.error)) << answer.error().message();
  std::set<Broken> broken;
  for (const Violation& found : answer.error().violations()) {
    // Which two of several rows are named is not laid down.
    const bool is_unique = found.kind == Violation::Kind::unique;
    const bool fresh = broken
                           .emplace(found.kind, found.constraint, is_unique ? Entity{} : found.entity,
                                    is_unique ? Entity{} : found.target)
                           .second;
    EXPECT_TRUE(fresh || is_unique) << "told twice: " << answer.error().message();
  }
  EXPECT_TRUE(is_cut_short(answer.error().violations()) || broken == verdict.broken) << answer.error().message();
}

void Session::settle() {
  if (options_.options.writer == WriterMode::manual && random_.chance(80)) {
    while (db_->step(1 + random_.below(8)) != 0) {
    }
  }
  for (Pending& pending : pending_) check(pending.ticket.get(), pending.verdict, pending.version);
  pending_.clear();
}

// --- Write functions ----------------------------------------------------------------------------------------------

void Session::write() {
  World after = world_;
  std::optional<ErrorCode> error;
  const std::uint64_t ending = random_.below(100);
  const auto answer = db_->write([&](Writer& writer) -> std::expected<void, Error> {
    auto done = function(writer, after, error);
    if (ending < 4) throw 1;
    if (ending < 8) throw std::runtime_error("no more");
    if (ending < 12) return std::unexpected(Error::invalid("no more"));
    return done;
  });
  Verdict verdict;
  verdict.error = ending < 8 ? ErrorCode::aborted : ending < 12 ? ErrorCode::invalid_argument : error;
  if (!verdict.error) verdict = conclude(schema_->model(), world_, after);
  advance(verdict, std::move(after));
  check(answer, verdict, version_);
  settle();
  texts_.clear();
}

std::expected<void, Error> Session::function(Writer& writer, World& scratch, std::optional<ErrorCode>& error) {
  const std::uint64_t count = 1 + random_.below(8);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (random_.chance(35)) {
      some_walk(writer, scratch, error);
    } else if (random_.chance(6)) {
      perform_many(writer, scratch, error);
    } else {
      const Operation operation = workload_.next(scratch, [&] { return issue(writer.create()); });
      perform(writer, operation);
      if (auto code = apply(scratch, operation); code && !error) error = code;
    }
    if (random_.chance(30)) read_back(writer, scratch);
  }
  return {};
}

void Session::some_walk(Writer& writer, World& scratch, std::optional<ErrorCode>& error) {
  switch (random_.below(12)) {
    case 0:
    case 1: return walk<Velocity>(writer, scratch, error);
    case 2: return walk<Position, const Velocity>(writer, scratch, error);
    case 3: return walk<Position, Velocity>(writer, scratch, error);
    case 4: return walk<Health>(writer, scratch, error);
    case 5: return walk<Name, const Position>(writer, scratch, error);
    case 6: return walk<Label>(writer, scratch, error);
    case 7: return walk<Velocity, const Selected>(writer, scratch, error);
    case 8: return walk<Velocity, std::optional<Position>, std::optional<const Active>>(writer, scratch, error);
    case 9: return walk<Position, std::optional<Label>>(writer, scratch, error);
    case 10: return walk<Glimpse>(writer, scratch, error);
    default: return walk<const Active>(writer, scratch, error);
  }
}

template <typename... T>
void Session::walk(Writer& writer, World& scratch, std::optional<ErrorCode>& error) {
  const int delta = random_.chance(50) ? 1 : -1;
  const std::uint64_t spared = random_.below(4);  // 3: none
  const bool structural = random_.chance(40);
  const std::size_t stop_at = random_.chance(10) ? random_.below(8) : static_cast<std::size_t>(-1);
  const auto changes = [&](Entity entity) { return entity.index() % 3 != spared; };
  std::vector<Entity> visited;
  std::vector<Operation> deferred;
  // Rows do not change before the walk comes to them.
  const auto is_given = [&]<typename Cell>(Entity entity, const Cell* row) {
    const Row* expected = scratch.find(schema_->table_of<Cell>(), entity);
    return row == nullptr ? expected == nullptr : expected != nullptr && to_row(*row) == *expected;
  };
  const auto visit = [&]<typename Cell>(Entity entity, Cell&& row) {
    using Given = std::remove_reference_t<Cell>;
    if constexpr (std::is_pointer_v<Given>) {
      EXPECT_TRUE(is_given(entity, row)) << "a walk hands out another optional row";
    } else {
      EXPECT_TRUE(is_given(entity, &std::as_const(row))) << "a walk hands out another row";
      if constexpr (!std::is_const_v<Given>) {
        if (!changes(entity)) return;
        Row& changed = texts_.emplace_back(to_row(row));
        mutate(changed, delta);
        row = from_row<Given>(changed);
      }
    }
  };
  bool stopped = false;
  try {
    writer.each<T...>([&](Entity entity, auto&&... rows) {
      if (visited.size() == stop_at) throw WalkStopped();
      visited.push_back(entity);
      (visit(entity, rows), ...);
      if (structural && random_.chance(15)) change_structure(writer, entity, scratch, deferred);
    });
  } catch (const WalkStopped&) {
    stopped = true;  // the function goes on: what the walk did stands
  }

  std::set<Entity> expected;
  for (const auto& [entity, rows] : scratch.entities) {
    const auto in_walk = [&]<typename Term>(std::type_identity<Term>) {
      return !WalkTerm<Term>::demanded || rows.contains(schema_->table_of<typename WalkTerm<Term>::Row>());
    };
    if ((in_walk(std::type_identity<T>()) && ...)) expected.insert(entity);
  }
  const std::set<Entity> seen(visited.begin(), visited.end());
  EXPECT_EQ(seen.size(), visited.size()) << "a walk visits an entity twice";
  EXPECT_TRUE(stopped ? std::ranges::includes(expected, seen) : seen == expected) << "a walk visits other entities";
  for (Entity entity : visited) {
    if (!changes(entity) || !expected.contains(entity)) continue;
    const auto change_in_model = [&]<typename Term>(std::type_identity<Term>) {
      if constexpr (WalkTerm<Term>::changes) {
        mutate(scratch.entities.at(entity).at(schema_->table_of<typename WalkTerm<Term>::Row>()), delta);
      }
    };
    (change_in_model(std::type_identity<T>()), ...);
  }
  for (const Operation& operation : deferred) {
    if (auto code = apply(scratch, operation)) {
      if (!error) error = code;
      break;  // what a walk deferred ends with its first error
    }
  }
}

// What waits until the walk is over.
void Session::change_structure(Writer& writer, Entity entity, const World& world, std::vector<Operation>& deferred) {
  const auto table = [&]<typename T>(std::type_identity<T>) { return schema_->table_of<T>(); };
  Operation operation;
  operation.entity = entity;
  switch (random_.below(5)) {
    case 0: operation.kind = Kind::destroy; break;
    case 1:
      operation.kind = Kind::upsert;
      operation.table = table(std::type_identity<Active>());
      break;
    case 2:
      operation.kind = Kind::upsert;
      operation.table = table(std::type_identity<Selected>());
      break;
    case 3:
      operation.table = table(std::type_identity<Velocity>());
      operation.kind = world.has(operation.table, entity) ? Kind::remove : Kind::insert;
      operation.row = to_row(Velocity{1, 1});
      break;
    default:
      operation.kind = Kind::create;
      operation.entity = issue(writer.create());
      deferred.push_back(operation);
      operation.kind = Kind::insert;
      operation.table = table(std::type_identity<Name>());
      operation.row =
          Row{std::string("born in a walk ") + std::to_string(random_.below(1000)), std::int64_t{1}, std::string()};
  }
  perform(writer, operation);
  deferred.push_back(operation);
}

void Session::read_back(Writer& writer, const World& scratch) {
  const Entity entity = workload_.some_entity(scratch);
  EXPECT_EQ(writer.alive(entity), scratch.entities.contains(entity));
  boost::mp11::mp_for_each<boost::mp11::mp_transform<std::type_identity, Tables>>([&](auto type) {
    using T = typename decltype(type)::type;
    const Row* expected = scratch.find(schema_->table_of<T>(), entity);
    const T* found = writer.get<T>(entity);
    ASSERT_EQ(found != nullptr, expected != nullptr);
    EXPECT_EQ(writer.has<T>(entity), found != nullptr);
    EXPECT_TRUE(found == nullptr || to_row(*found) == *expected) << "the writer does not read what it wrote";
  });
}

// --- Comparisons --------------------------------------------------------------------------------------------------

void Session::compare() {
  settle();
  const Snapshot now = db_->snapshot();
  ASSERT_EQ(difference(now, world_), "");
  EXPECT_EQ(now.version(), version_);
  EXPECT_EQ(db_->version(), version_);
  EXPECT_EQ(now.state_hash() == last_hash_, world_ == last_world_) << "the state hash is not of the state";
  last_hash_ = now.state_hash();
  last_world_ = world_;
  for (const Held& held : held_) ASSERT_EQ(difference(held.snapshot, held.world), "") << "a held snapshot changed";
  compare_ended(now);
}

// Every id that was ever committed is alive, or has nothing.
void Session::compare_ended(const Snapshot& now) {
  for (std::uint64_t bits : committed_) {
    const Entity entity = Entity::from_bits(bits);
    if (world_.entities.contains(entity)) continue;
    ASSERT_FALSE(now.alive(entity));
    ASSERT_TRUE(now.get<Position>(entity) == nullptr && now.get<Label>(entity) == nullptr) << "rows of who has ended";
  }
}

void Session::look_at_folder() {
  auto flushed = db_->flush();
  ASSERT_TRUE(flushed);
  auto look = Database::open_read_only(folder_, make_schema());
  ASSERT_TRUE(look) << look.error().message();
  const World there = logged(schema_->model(), world_);
  ASSERT_EQ(difference(look->snapshot(), there), "") << "the folder holds another world";
  EXPECT_EQ(look->version(), version_);
  EXPECT_EQ(look->snapshot().state_hash() == db_->snapshot().state_hash(), there == world_);
  EXPECT_EQ(look->begin().commit().error().code(), ErrorCode::read_only);
}

void Session::reopen() {
  const auto hash = db_->snapshot().state_hash();
  if (random_.chance(50)) {
    const auto closed = db_->close();
    ASSERT_TRUE(closed) << closed.error().message();
    EXPECT_EQ(db_->begin().commit().error().code(), ErrorCode::closed);
  }
  db_.reset();
  open();
  if (!db_) return;
  World there = logged(schema_->model(), world_);
  ASSERT_EQ(difference(db_->snapshot(), there), "") << "recovery gave another world";
  EXPECT_EQ(db_->recovery().version, version_);
  EXPECT_EQ(db_->recovery().dropped_tail, "");
  EXPECT_EQ(db_->snapshot().state_hash() == hash, there == world_);
  world_ = std::move(there);
}

}  // namespace stoa::test
