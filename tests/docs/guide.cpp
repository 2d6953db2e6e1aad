// The guide's program: docs/guide.md shows its pieces, and snippets_test.cpp checks that it shows them as they are.
#include <stoa/stoa.h>

#include <cstdint>
#include <cstdio>
#include <expected>
#include <filesystem>
#include <optional>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

namespace {

struct Airport {
  stoa::Text code;
};
BOOST_DESCRIBE_STRUCT(Airport, (), (code))
struct Position {
  float x, y;
};
BOOST_DESCRIBE_STRUCT(Position, (), (x, y))
struct Velocity {
  float x, y;
};
BOOST_DESCRIBE_STRUCT(Velocity, (), (x, y))
struct Docked {
  stoa::Entity port;
  std::uint32_t gate;
};
BOOST_DESCRIBE_STRUCT(Docked, (), (port, gate))
struct Delayed {};  // no fields: a tag
BOOST_DESCRIBE_STRUCT(Delayed, (), ())

struct Route {
  std::vector<std::string> fixes;
};

}  // namespace

template <>
struct stoa::Codec<Route> {
  static void encode(const Route& route, Encoder& encoder) { encoder.write(route.fixes); }
  static std::expected<Route, Error> decode(Decoder& decoder) {
    auto fixes = decoder.read<std::vector<std::string>>();
    if (!fixes) return std::unexpected(fixes.error());
    return Route{std::move(*fixes)};
  }
};

namespace {

int report(const stoa::Error& error) {
  std::fprintf(stderr, "%s\n", error.message().c_str());
  return 1;
}

int run(const std::filesystem::path& folder) {
  stoa::Schema schema("airfield");
  schema.table<Airport>("airport").key<&Airport::code>();
  schema.table<Position>("position");
  schema.table<Velocity>("velocity");
  schema.table<Docked>("docked").foreign_key<&Docked::port>("airport", stoa::OnDelete::cascade).index<&Docked::gate>();
  schema.table<Delayed>("delayed").sparse();
  schema.table<Route>("route");

  auto opened = stoa::Database::open(folder, schema);
  if (!opened) return report(opened.error());
  stoa::Database& db = *opened;

  stoa::Transaction tx = db.begin();
  const stoa::Entity jfk = tx.create();
  const stoa::Entity plane = tx.create();
  tx.insert(jfk, Airport{"JFK"});
  tx.insert(plane, Position{0, 1}).insert(plane, Velocity{250, 0}).insert(plane, Docked{jfk, 7});
  auto done = std::move(tx).commit();  // moved: it is used up
  if (!done) return report(done.error());

  const std::vector<Position> places(1000);
  stoa::Transaction many = db.begin();
  const std::vector<stoa::Entity> fleet = many.create(places.size());
  many.insert(fleet, places);
  if (auto begun = std::move(many).commit(); !begun) return report(begun.error());

  const stoa::Snapshot seen = db.snapshot();
  stoa::Transaction move = db.begin();
  move.expect_unchanged<Position>(seen, plane);
  move.set<&Position::x>(plane, seen.get<Position>(plane)->x + 1).tag(42);
  move.deadline(std::chrono::milliseconds(500));
  auto stays = std::move(move).commit();
  if (!stays && stays.error().code() != stoa::ErrorCode::conflict) return report(stays.error());

  auto moved = db.write([](stoa::Writer& writer) {
    writer.each<Position, const Velocity>([](stoa::Entity, Position& position, const Velocity& velocity) {
      position.x += velocity.x;
      position.y += velocity.y;
    });
  });
  if (!moved) return report(moved.error());

  stoa::Transaction landing = db.begin();
  landing.upsert(plane, Delayed{}).set<&Velocity::x>(plane, 0);
  landing.keep();
  stoa::CommitTicket ticket = std::move(landing).submit();
  if (!ticket.wait_for(std::chrono::seconds(10))) return 1;  // still under way; the ticket is good for another wait
  const std::expected<stoa::Commit, stoa::Error> landed = ticket.get();
  if (!landed) return report(landed.error());
  const stoa::Snapshot after = landed->snapshot();  // by keep(): the world right after this transaction
  const stoa::Metrics metrics = db.metrics();
  if (!after.has<Delayed>(plane) || after.version() != landed->version || metrics.failures != 0) return 1;

  const stoa::Snapshot now = db.snapshot();
  const Position* position = now.get<Position>(plane);
  if (position == nullptr) return 1;

  float sum = 0;
  now.each<Position, Velocity>([&](stoa::Entity, const Position& p, const Velocity& v) { sum += p.x * v.x; });
  for (auto [entity, p, v] : now.view<Position, std::optional<Velocity>>(stoa::without<Delayed>)) {
    if (v != nullptr) sum += p.y * v->y;
  }
  for (auto chunk : now.chunks<Position>()) {
    for (const Position& p : chunk.column<Position>()) sum += p.x;
  }
  const stoa::Entity found = now.find<&Airport::code>("JFK");
  const std::vector<stoa::Entity> asked{plane, jfk};
  now.get_many<Position>(asked, [&](std::size_t, const Position* p) { sum += p != nullptr ? p->x : 0; });

  stoa::Entity asked_last;
  for (stoa::Entity docked : now.range<&Docked::gate>(3, 9)) sum += static_cast<float>(docked.index());
  for (stoa::Entity docked : std::views::reverse(now.referrers<&Docked::port>(jfk))) asked_last = docked;
  stoa::IndexCursor next_gate = now.cursor<&Docked::gate>(8);  // at the first gate from 8 on
  if (next_gate.valid()) next_gate.next();
  if (asked_last != plane || next_gate.valid()) return 1;

  std::vector<stoa::Entity> page;  // the ten highest gates, from the top
  stoa::IndexCursor rank = now.cursor<&Docked::gate>();
  for (rank.last(); rank.valid() && page.size() != 10; rank.prev()) page.push_back(rank.entity());

  // The next ten, in a later snapshot: what follows the last one shown, whatever has come and gone, that one included.
  const stoa::Entity shown = page.back();
  const std::uint32_t gate = now.get<Docked>(shown)->gate;
  const stoa::Snapshot later = db.snapshot();
  rank = later.cursor<&Docked::gate>(gate, shown);
  for (rank.prev(); rank.valid() && page.size() != 20; rank.prev()) page.push_back(rank.entity());
  if (page != std::vector{plane}) return 1;

  stoa::Transaction wrong = db.begin();
  wrong.set<&Docked::port>(plane, plane);  // which is no airport
  wrong.insert(wrong.create(), Airport{.code = "JFK"});
  const auto refused = std::move(wrong).commit();
  if (refused || refused.error().code() != stoa::ErrorCode::constraint_violation) return 1;
  std::string log;
  for (const stoa::Violation& broken : refused.error().violations()) {
    log += std::string(to_string(broken.kind)) + " " + broken.constraint + " " + broken.value + "\n";
  }
  if (log != "foreign_key_missing docked.port \nunique airport.code JFK\n") return 1;

  stoa::Transaction filed = db.begin();
  filed.insert(plane, Route{{"MERIT", "HFD", "PUT"}});
  if (auto stands = std::move(filed).commit(); !stands) return report(stands.error());
  const std::expected<Route, stoa::Error> route = db.snapshot().decode<Route>(plane);
  if (!route) return report(route.error());

  const stoa::Snapshot before_move = db.snapshot();
  if (auto set = db.write([&](stoa::Writer& writer) { writer.set<&Position::x>(plane, 500.F); }); !set) {
    return report(set.error());
  }
  float way = 0;
  const stoa::Delta delta = stoa::diff(before_move, db.snapshot());
  delta.each<Position>([](stoa::Entity, const Position&) { /* inserted */ },
                       [&](stoa::Entity, const stoa::RowUpdate<Position>& update) {
                         if (update.has<&Position::x>()) way += update.get<&Position::x>();
                       },
                       [](stoa::Entity) { /* its row went, or it ended */ });
  const std::vector<std::byte> bytes = delta.encode();  // for a file, or somebody else
  auto reader = stoa::LogReader::open(folder);
  if (!reader) return report(reader.error());
  std::size_t changed = 0;
  while (true) {
    const auto transaction = reader->next();
    if (!transaction) return report(transaction.error());
    if (!*transaction) break;  // the end for now: a later call goes on there
    (*transaction)->delta.each([&](const stoa::DeltaChange& change) {
      if (change.table != nullptr && change.table->name == "docked") ++changed;
      return true;
    });
  }
  auto replica = stoa::Database::in_memory(schema);
  if (!replica) return report(replica.error());
  if (auto all = replica->apply(stoa::Delta::full(before_move)); !all) return report(all.error());
  const auto received = stoa::Delta::decode(bytes);
  if (!received) return report(received.error());
  if (auto next = replica->apply(*received); !next) return report(next.error());
  if (way != 500 || replica->snapshot().state_hash() != db.snapshot().state_hash()) return 1;
  if (auto back = db.restore(before_move); !back) return report(back.error());
  if (db.snapshot().state_hash() != before_move.state_hash()) return 1;

  auto changes = db.subscribe();  // from here on
  if (!changes) return report(changes.error());
  auto mirror = stoa::Database::in_memory(schema);
  if (!mirror) return report(mirror.error());
  if (auto all = mirror->apply(stoa::Delta::full(db.snapshot())); !all) return report(all.error());
  std::atomic<std::size_t> sent = 0;
  const auto send = [&](const stoa::Delta& what) { sent += what.byte_size(); };
  auto near = db.subscribe(
      stoa::Filter().tables<Position>().where<Position>([](stoa::Entity, const Position& p) { return p.x < 100; }),
      [&](const stoa::Delta& in_sight) { send(in_sight); });
  if (!near) return report(near.error());
  const stoa::Version seen_before = db.version();

  stoa::Transaction closing = db.begin();
  closing.destroy(jfk);
  if (auto closed = std::move(closing).commit(); !closed) return report(closed.error());
  if (db.snapshot().alive(plane) || !now.alive(plane)) return 1;  // gone, but not from the older snapshot

  while (true) {
    const auto next = changes->poll();
    if (!next) return report(next.error());
    if (!*next) break;  // all for now
    if (auto applied = mirror->apply(**next); !applied) return report(applied.error());
  }
  if (mirror->snapshot().state_hash() != db.snapshot().state_hash()) return 1;
  const auto since = db.deltas_since(seen_before);
  if (!since || since->size() != 1) return 1;
  const auto compacted = db.compact();
  if (!compacted) return report(compacted.error());
  if (db.metrics().bytes_given_back < compacted->bytes_given_back) return 1;

  if (auto made = db.checkpoint(); !made) return report(made.error());
  if (auto closed = db.close(); !closed) return report(closed.error());
  const auto again = stoa::Database::open(folder, schema);
  if (!again) return report(again.error());
  if (again->recovery().checkpoint != again->version() || again->recovery().transactions != 0) return 1;
  if (sent == 0) return 1;

  return found == jfk && sum > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::filesystem::remove_all(argv[1]);
  const int status = run(argv[1]);
  std::filesystem::remove_all(argv[1]);
  return status;
}
