// The small world that bytes are let loose on: a table of every kind that the library treats differently, and a state
// that is the same each time, ids and all.
#pragma once

#include <stoa/stoa.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace stoa::fuzz {

struct Position {  // dense, plain
  float x, y, z;
};
BOOST_DESCRIBE_STRUCT(Position, (), (x, y, z))

enum class Mood : std::uint8_t { calm = 1, eager = 4, tired = 9 };
BOOST_DESCRIBE_ENUM(Mood, calm, eager, tired)
struct Health {  // dense, padded, values that are none, a range
  std::uint8_t armour;
  std::uint32_t points;
  bool asleep;
  Mood mood;
};
BOOST_DESCRIBE_STRUCT(Health, (), (armour, points, asleep, mood))

struct Name {  // dense, texts and bytes, a key, ordered indexes of a number and of a text
  Text name;
  std::int32_t rank;
  Text note;
  Bytes seal;
};
BOOST_DESCRIBE_STRUCT(Name, (), (name, rank, note, seal))

struct Docked {  // dense, a reference to a table, a compound unique rule
  Entity port;
  std::uint16_t gate;
};
BOOST_DESCRIBE_STRUCT(Docked, (), (port, gate))

struct Cargo {  // dense, a reference that takes its holder along
  Entity owner;
  std::array<std::uint64_t, 12> crates;
};
BOOST_DESCRIBE_STRUCT(Cargo, (), (owner, crates))

struct Active {};  // dense tag
BOOST_DESCRIBE_STRUCT(Active, (), ())

struct Label {  // sparse, a unique number, a text with an ordered index
  Text text;
  std::int32_t number;
};
BOOST_DESCRIBE_STRUCT(Label, (), (text, number))

struct Follows {  // sparse, a reference to any entity
  Entity leader;
};
BOOST_DESCRIBE_STRUCT(Follows, (), (leader))

struct Selected {};  // sparse tag
BOOST_DESCRIBE_STRUCT(Selected, (), ())

struct Hint {  // neither logged nor replicated
  std::uint32_t value;
};
BOOST_DESCRIBE_STRUCT(Hint, (), (value))

[[nodiscard]] Schema make_schema();
[[nodiscard]] std::shared_ptr<const CompiledSchema> compiled();

/// Of databases in memory: no thread, and memory in steps so small that a huge one is the input's doing.
[[nodiscard]] Options options();
[[nodiscard]] Database empty_world();

/// The transactions that make the state, one by one: commit(fill) begins one, calls fill(Transaction&), and commits it.
template <typename Commit>
void settle(Commit&& commit) {
  std::vector<Entity> all;
  commit([&](Transaction& tx) {
    all = tx.create(12);
    const auto port = [&](std::size_t at, const char* name, const char* note) {
      tx.insert(all[at], Name{name, static_cast<std::int32_t>(at), note, std::as_bytes(std::span(name, 3))});
    };
    port(0, "Ida", "");
    port(1, "Eva", "a note that is too long for a cell");
    port(2, "a name that is too long for a cell", "short");
    for (std::size_t at = 3; at != 9; ++at) tx.insert(all[at], Position{static_cast<float>(at), 0, 1});
    for (std::size_t at = 4; at != 8; ++at) tx.insert(all[at], Health{1, 100, at == 5, Mood::eager});
    for (std::uint16_t at = 6; at != 8; ++at) tx.insert(all[at], Docked{all[0], at});
    for (std::size_t at = 2; at != 5; ++at) tx.insert(all[at], Active{});
    tx.insert(all[8], Cargo{all[6], {1, 2, 3}});
    for (std::size_t at = 1; at != 6; ++at) tx.insert(all[at], Label{"label", static_cast<std::int32_t>(at)});
    for (std::size_t at = 5; at != 8; ++at) tx.insert(all[at], Follows{all[at - 1]});
    tx.insert(all[3], Selected{}).insert(all[9], Selected{});
  });
  commit([&](Transaction& tx) { tx.destroy(all[10]).destroy(all[11]); });
  commit([&](Transaction& tx) { tx.insert(tx.create(), Position{9, 9, 9}); });
}

/// All of that state, as an encoded delta: of the history that mend_envelope() fills in.
[[nodiscard]] const std::vector<std::byte>& settled_delta();
/// The version that it leads to.
inline constexpr Version settled_version = 3;

/// Reads every cell in every way that there is to know it by, and requires that the indexes are those of the rows.
void read_all(const Snapshot& snapshot);

}  // namespace stoa::fuzz
