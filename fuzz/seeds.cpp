// Writes the first inputs of every corpus, made by the library itself from worlds that live: the same files each time.
//   stoa_fuzz_seeds FOLDER      into FOLDER/<target>/seed-<name>
#include "base/clock.h"
#include "base/file_memory.h"
#include "base/random.h"
#include "base/varint.h"
#include "database/core.h"
#include "delta/delta_access.h"
#include "delta/run.h"
#include "fuzz/envelope.h"
#include "fuzz/harness.h"
#include "fuzz/segments.h"
#include "fuzz/world.h"
#include "wal/segments.h"

#include <stoa/stoa.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stoa::fuzz {
namespace {

using Bytes = std::vector<std::byte>;

class Corpus {
 public:
  explicit Corpus(std::filesystem::path folder) : folder_(std::move(folder)) {}

  void add(std::string_view target, const std::string& name, std::span<const std::byte> bytes) {
    const std::filesystem::path folder = folder_ / target;
    std::filesystem::create_directories(folder);
    std::ofstream out(folder / ("seed-" + name), std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    require(out.flush().good(), "a seed can be written");
  }

 private:
  std::filesystem::path folder_;
};

// Random operations; some break a rule.
class Life {
 public:
  explicit Life(std::uint64_t seed) : random_(seed) {}

  void act(Transaction& tx, const Snapshot& now) {
    std::vector<Entity> alive;
    now.each<>([&](Entity entity) { alive.push_back(entity); });
    for (std::uint64_t left = 1 + below(5); left != 0; --left) operate(tx, alive);
  }

 private:
  std::uint64_t below(std::uint64_t end) { return random_.next() % end; }

  void operate(Transaction& tx, std::vector<Entity>& alive) {
    const auto number = static_cast<std::uint32_t>(below(1000));
    const std::string text = below(2) == 0 ? "Ada" : "a text that is too long for a cell " + std::to_string(number);
    if (alive.empty() || below(4) == 0) alive.push_back(tx.create());
    const Entity entity = alive[below(alive.size())];
    const Entity other = alive[below(alive.size())];
    switch (below(12)) {
      case 0: tx.upsert(entity, Position{static_cast<float>(number), 1, 2}); break;
      case 1: tx.upsert(entity, Health{3, number, number % 2 == 0, Mood::tired}); break;
      case 2:
        tx.upsert(entity, Name{text, static_cast<std::int32_t>(number), "note", std::as_bytes(std::span(text))});
        break;
      case 3: tx.upsert(entity, Docked{other, static_cast<std::uint16_t>(number)}); break;
      case 4: tx.upsert(entity, Cargo{other, {number}}); break;
      case 5: tx.upsert(entity, Active{}); break;
      case 6: tx.upsert(entity, Label{text, static_cast<std::int32_t>(number)}); break;
      case 7: tx.upsert(entity, Follows{other}); break;
      case 8: tx.upsert(entity, Selected{}); break;
      case 9: tx.upsert(entity, Hint{number}); break;
      case 10: tx.destroy(entity); break;
      default: tx.remove<Position>(entity); break;
    }
  }

  SeededRandom random_;
};

auto commit_to(Database& database) {
  return [&database](const auto& fill) {
    Transaction tx = database.begin();
    fill(tx);
    require(std::move(tx).commit().has_value(), "the world settles");
  };
}

void add_delta(Corpus& corpus, const std::string& name, const Delta& delta) {
  Bytes bytes = delta.encode();
  blank_envelope(bytes);
  corpus.add("delta_decode", name, bytes);
  corpus.add("replay", name, detail::DeltaAccess::content(delta).body);
}

void add_deltas(Corpus& corpus) {
  for (std::uint64_t seed = 0; seed != 24; ++seed) {
    Database database = empty_world();
    settle(commit_to(database));
    const Snapshot settled = database.snapshot();
    Life life(seed);
    for (std::uint64_t left = 1 + seed; left != 0; --left) {
      Transaction tx = database.begin();
      life.act(tx, database.snapshot());
      (void)std::move(tx).commit();  // some break a rule
    }
    const Snapshot now = database.snapshot();
    const std::string name = std::to_string(seed);
    add_delta(corpus, "diff-" + name, diff(settled, now));
    if (seed % 6 == 0) add_delta(corpus, "full-" + name, Delta::full(now));
    if (seed % 6 == 1) add_delta(corpus, "back-" + name, diff(now, settled));
  }
  // What ended before the settled state comes back.
  Database database = empty_world();
  std::vector<Snapshot> before;
  settle([&](const auto& fill) {
    commit_to(database)(fill);
    before.push_back(database.snapshot());
  });
  require(database.restore(before[0]).has_value(), "the world can be restored");
  add_delta(corpus, "revive", diff(before.back(), database.snapshot()));
}

// An encoded delta with the given numbers behind its header, and a body.
Bytes envelope_of(std::initializer_list<std::uint64_t> numbers, const Bytes& body) {
  Bytes out(settled_delta().begin(), settled_delta().begin() + 34);
  for (const std::uint64_t number : numbers) put_varint(out, number);
  out.insert(out.end(), body.begin(), body.end());
  blank_envelope(out);
  return out;
}

Bytes bytes_of(std::initializer_list<std::uint64_t> numbers) {
  Bytes out;
  for (const std::uint64_t number : numbers) put_varint(out, number);
  return out;
}

// What no fuzzer comes to soon, and only a check keeps from doing harm.
void add_wrong_deltas(Corpus& corpus) {
  const auto add_body = [&](const std::string& name, const Bytes& body) {
    corpus.add("replay", "wrong-" + name, body);
    corpus.add("delta_decode", "wrong-" + name, envelope_of({settled_version, zigzag(1), 0, 0}, body));
  };
  const auto head = [](delta::RunCode code, std::uint64_t n) {
    return static_cast<std::uint64_t>(code) | n << delta::run_code_bits;
  };
  const std::uint64_t health = to_index(compiled()->table_of<Health>());
  const auto field_of_health = [&](std::string_view name) {
    return to_index(compiled()->model().table(compiled()->table_of<Health>()).find(name)->number);
  };
  const auto entity = [](std::int64_t step, bool other_generation = false) {
    return zigzag(step) << 1U | (other_generation ? 1U : 0U);
  };
  add_body("bool", bytes_of({head(delta::RunCode::update, health), 0, field_of_health("asleep"), 0, entity(4), 2}));
  add_body("enum", bytes_of({head(delta::RunCode::update, health), 0, field_of_health("mood"), 0, entity(4), 3}));
  add_body("index-twice", bytes_of({head(delta::RunCode::create, 0), 1, entity(100), entity(0, true), 2}));
  corpus.add("delta_decode", "wrong-version", envelope_of({0, zigzag(-1), 0, 0}, {}));
  corpus.add("delta_decode", "wrong-row",
             envelope_of({0, zigzag(1), 0, 1, 0, row_bytes_max, 1, 1 * 4},
                         bytes_of({head(delta::RunCode::insert, 1), 0, 0, entity(0), 7})));
}

class StoppedClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t now_wall_ns() const override { return 1; }
  [[nodiscard]] std::int64_t now_steady_ns() const override { return 1; }
};

void add_logs(Corpus& corpus) {
  const StoppedClock clock;
  for (std::uint64_t seed = 0; seed != 6; ++seed) {
    MemoryFileSystem files;
    SeededRandom random(seed);
    Options small = options();
    small.segment_bytes_max = 4096;
    for (int owner = 0; owner != 2; ++owner) {  // each begins a segment of its own
      auto core = detail::DatabaseCore::open({files, random, clock}, "world", compiled(), small).value();
      const auto commit = [&](const auto& fill) {
        Transaction tx = core->engine().begin();
        fill(tx);
        (void)std::move(tx).commit();
      };
      if (owner == 0) settle(commit);
      Life life(seed);
      for (std::uint64_t left = seed; left != 0; --left) {
        commit([&](Transaction& tx) { life.act(tx, core->snapshot()); });
      }
      detail::DatabaseCore::abandon(std::move(core));
    }
    Bytes log;
    const auto numbers = wal::list_segments(files, "world").value();
    for (const std::uint64_t number : numbers) {
      Bytes segment = files.contents(join_path("world", wal::segment_name(number)));
      blank_segment(segment);
      log.insert(log.end(), segment.begin(), segment.end());
      if (number == numbers.front()) corpus.add("wal_segment", "first-" + std::to_string(seed), log);
    }
    if (seed < 3) corpus.add("wal_segment", "log-" + std::to_string(seed), log);
  }
}

constexpr std::string_view airfield = R"([database]
name = "airfield"
[enums.phase]
base = "u8"
variants = ["parked", "taxiing", { name = "airborne", value = 7 }]
[structs.vec3]
fields = [{ name = "x", type = "f32" }, { name = "y", type = "f32" }, { name = "z", type = "f32" }]
[tables.flight]
fields = [{ name = "callsign", type = "text" }, { name = "phase", type = "phase", default = "parked" },
          { name = "fuel", type = "f32[4]" }, { name = "at", type = "vec3[2]" }, { name = "box", type = "bytes" },
          { name = "heading", type = "f64", default = 1.5 }]
[tables.airport]
fields = [{ name = "code", type = "text", key = true }]
[tables.docked]
storage = "sparse"
unique = [["port", "gate"]]
log = false
replicate = false
fields = [
  { name = "port", type = "entity", references = "airport", on_delete = "cascade", required = true },
  { name = "owner", type = "entity", references = "*", on_delete = "set_null" },
  { name = "gate", type = "u32", default = 5, min = 0, max = 99, index = true },
]
[tables.delayed]
)";

constexpr std::array<std::string_view, 10> small_schemas{
    "database.name = \"a\"\n",
    "[database]\nname = \"a\"\n[tables.t]\n",
    "[database]\nname = \"a\"\n[tables.t]\nfields = [{ name = \"x\", type = \"i8\", min = -128, max = 127 }]\n",
    "[database]\nname = \"a\"\n[tables.t]\nfields = [{ name = \"x\", type = \"f64[3]\", default = [1e300, -0.0, nan] "
    "}]\n",
    "[database]\nname = \"a\"\n[structs.s]\nfields = [{ name = \"x\", type = \"s\" }]\n",
    "[database]\nname = \"a\"\n[enums.e]\nbase = \"u64\"\nvariants = [{ name = \"v\", value = 9223372036854775807 }]\n",
    "[tables.t]\nfields = [{ name = \"x\", type = \"u32[0x1000]\" }]\n",
    "a = [[[[[[[[[[1]]]]]]]]]]\n",
    "[\x0F\n",
    "\xC3\xA4 = 1\n",
};

void add_schemas(Corpus& corpus) {
  const auto add = [&](const std::string& name, std::string_view text) {
    corpus.add("schema_toml", name, std::as_bytes(std::span(text)));
  };
  add("airfield", airfield);
  add("fuzz", compiled()->canonical_text());
  add("canonical", Schema::from_toml(airfield).value().compile().value()->canonical_text());
  for (std::size_t at = 0; at != small_schemas.size(); ++at) add("small-" + std::to_string(at), small_schemas[at]);
}

}  // namespace
}  // namespace stoa::fuzz

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]), 2;
  stoa::fuzz::Corpus corpus(argv[1]);
  stoa::fuzz::add_deltas(corpus);
  stoa::fuzz::add_wrong_deltas(corpus);
  stoa::fuzz::add_logs(corpus);
  stoa::fuzz::add_schemas(corpus);
}
