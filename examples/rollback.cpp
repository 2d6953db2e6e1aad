// Rollback netcode: a game of four players, three of them far away. A tick never waits for them: inputs that are not
// there yet are guessed. When the true one comes, up to 8 ticks late, and is another than the guess, the world is
// restored to what it was before that tick, and the ticks since are played again.
//   stoa_rollback [--fast] [TICKS]     --fast: as fast as it goes, instead of at 60 Hz
#include <stoa/stoa.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <random>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

// Whole numbers: all players' machines come to the same.
struct Position {
  std::int32_t x, y;
};
BOOST_DESCRIBE_STRUCT(Position, (), (x, y))
struct Velocity {
  std::int32_t x, y;
};
BOOST_DESCRIBE_STRUCT(Velocity, (), (x, y))
struct Unit {
  std::uint32_t player;
};
BOOST_DESCRIBE_STRUCT(Unit, (), (player))
struct Boost {  // comes and goes
  std::uint32_t ticks_left;
};
BOOST_DESCRIBE_STRUCT(Boost, (), (ticks_left))

namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::size_t unit_count = 10'000;
constexpr std::size_t player_count = 4;  // player 0 plays here
constexpr std::size_t late_max = 8;      // ticks
constexpr std::chrono::nanoseconds frame_time{1'000'000'000 / 60};

struct Input {
  std::int32_t x = 0, y = 0;  // where the stick points
  bool boost = false;
  friend bool operator==(const Input&, const Input&) = default;
};
using Inputs = std::array<Input, player_count>;

// What each player does, and when the others here come to know of it: the same each time.
class Match {
 public:
  explicit Match(std::size_t ticks) : inputs_(ticks), arrivals_(ticks) {
    std::mt19937 random(2026);
    Inputs held;
    for (std::size_t tick = 0; tick != ticks; ++tick) {
      for (std::size_t player = 0; player != player_count; ++player) {
        held[player].boost = random() % 40 == 0;
        if (random() % 30 == 0) {
          held[player].x = static_cast<std::int32_t>(random() % 7) - 3;
          held[player].y = static_cast<std::int32_t>(random() % 7) - 3;
        }
        arrivals_[tick][player] = tick + (player == 0 ? 0 : random() % (late_max + 1));
      }
      inputs_[tick] = held;
    }
  }

  [[nodiscard]] std::size_t ticks() const { return inputs_.size(); }
  [[nodiscard]] const Inputs& inputs(std::size_t tick) const { return inputs_[tick]; }
  /// The tick during which the player's input for `tick` comes in.
  [[nodiscard]] std::size_t arrival(std::size_t tick, std::size_t player) const { return arrivals_[tick][player]; }

 private:
  std::vector<Inputs> inputs_;
  std::vector<std::array<std::size_t, player_count>> arrivals_;
};

template <typename T>
T checked(std::expected<T, stoa::Error> answer) {
  if (!answer) throw std::runtime_error(answer.error().message());
  return *std::move(answer);
}

// The simulation: one tick is one transaction, which depends on the world and the inputs alone.
class World {
 public:
  World() : database_(checked(stoa::Database::in_memory(schema(), options()))) {
    stoa::Transaction tx = database_.begin();
    units_ = tx.create(unit_count);
    for (std::uint32_t i = 0; i != unit_count; ++i) {
      const auto at = static_cast<std::int32_t>(i);
      tx.insert(units_[i], Position{at % 100 * 640, at / 100 * 640})
          .insert(units_[i], Velocity{at % 7 - 3, at % 5 - 2});
      tx.insert(units_[i], Unit{static_cast<std::uint32_t>(i % player_count)});
    }
    checked(std::move(tx).commit());
  }

  void tick(const Inputs& inputs) {
    checked(database_.write([&](stoa::Writer& writer) {
      writer.each<Velocity, const Unit>([&](stoa::Entity, Velocity& velocity, const Unit& unit) {
        velocity.x = std::clamp(velocity.x + inputs[unit.player].x, -50, 50);
        velocity.y = std::clamp(velocity.y + inputs[unit.player].y, -50, 50);
      });
      writer.each<Position, Velocity>([](stoa::Entity, Position& position, Velocity& velocity) {
        move(position.x, velocity.x);
        move(position.y, velocity.y);
      });
      writer.each<Boost, Position, const Velocity>(
          [&](stoa::Entity unit, Boost& boost, Position& position, const Velocity& velocity) {
            position.x += velocity.x;
            position.y += velocity.y;
            if (--boost.ticks_left == 0) writer.remove<Boost>(unit);
          });
      for (std::size_t player = 0; player != player_count; ++player) {
        if (!inputs[player].boost) continue;
        for (std::size_t unit = player; unit < unit_count; unit += 32) writer.upsert(units_[unit], Boost{20});
      }
    }));
  }

  [[nodiscard]] stoa::Snapshot snapshot() { return database_.snapshot(); }
  void restore(const stoa::Snapshot& snapshot) { checked(database_.restore(snapshot)); }

 private:
  static stoa::Schema schema() {
    stoa::Schema out("rollback");
    out.table<Position>("position");
    out.table<Velocity>("velocity");
    out.table<Unit>("unit");
    out.table<Boost>("boost").sparse();
    return out;
  }
  // Everything happens on the game's own thread, when it says so.
  static stoa::Options options() {
    stoa::Options out;
    out.writer = stoa::WriterMode::manual;
    return out;
  }
  // Walls throw it back.
  static void move(std::int32_t& at, std::int32_t& speed) {
    if (at + speed < 0 || at + speed > 64'000) speed = -speed;
    at += speed;
  }

  stoa::Database database_;
  std::vector<stoa::Entity> units_;
};

struct Frame {
  double all = 0, restoring = 0, replaying = 0;  // milliseconds
  std::size_t replayed = 0;                      // ticks
};

// This player's side of the match.
class Side {
 public:
  explicit Side(const Match& match) : match_(match), used_(match.ticks()), before_(late_max + 1) {}

  /// Takes what comes in during `now`, goes back if it must, and plays the tick, if there is one left.
  Frame frame(std::size_t now) {
    Frame out;
    const Clock::time_point begin = Clock::now();
    if (const std::optional<std::size_t> wrong = first_wrong_guess(now)) {
      world_.restore(*before_[*wrong % before_.size()]);
      const Clock::time_point restored = Clock::now();
      for (std::size_t tick = *wrong; tick != std::min(now, match_.ticks()); ++tick, ++out.replayed) play(tick, now);
      out.restoring = Milliseconds(restored - begin).count();
      out.replaying = Milliseconds(Clock::now() - restored).count();
    }
    if (now < match_.ticks()) play(now, now);
    out.all = Milliseconds(Clock::now() - begin).count();
    return out;
  }
  [[nodiscard]] stoa::Snapshot snapshot() { return world_.snapshot(); }

 private:
  [[nodiscard]] std::optional<std::size_t> first_wrong_guess(std::size_t now) const {
    for (std::size_t tick = now - std::min(now, late_max); tick != std::min(now, match_.ticks()); ++tick) {
      for (std::size_t player = 0; player != player_count; ++player) {
        const bool comes_now = match_.arrival(tick, player) == now;
        if (comes_now && used_[tick][player] != match_.inputs(tick)[player]) return tick;
      }
    }
    return std::nullopt;
  }

  // Keeps the world as it was before, for a restore.
  void play(std::size_t tick, std::size_t now) {
    before_[tick % before_.size()] = world_.snapshot();
    for (std::size_t player = 0; player != player_count; ++player)
      used_[tick][player] = known_or_guessed(tick, player, now);
    world_.tick(used_[tick]);
  }

  // The guess: the stick stays where it was last seen, and nobody presses the button.
  [[nodiscard]] Input known_or_guessed(std::size_t tick, std::size_t player, std::size_t now) const {
    if (match_.arrival(tick, player) <= now) return match_.inputs(tick)[player];
    Input guess;
    for (std::size_t seen = tick; seen-- != 0;) {
      if (match_.arrival(seen, player) > now) continue;
      guess = match_.inputs(seen)[player];
      break;
    }
    guess.boost = false;
    return guess;
  }

  const Match& match_;
  std::vector<Inputs> used_;                           // by tick: what it was played with last
  std::vector<std::optional<stoa::Snapshot>> before_;  // of the last ticks, each before it was played
  World world_;
};

void print_row(const char* what, std::vector<double> times) {
  if (times.empty()) return;
  std::ranges::sort(times);
  const auto at = [&](std::size_t percent) { return times[(times.size() - 1) * percent / 100]; };
  std::printf("%-22s %7zu %9.2f %9.2f %9.2f\n", what, times.size(), at(50), at(99), times.back());
}

void print_table(const std::vector<Frame>& frames) {
  std::vector<double> without, with, restoring, replaying;
  std::size_t late = 0;
  for (const Frame& frame : frames) {
    (frame.replayed == 0 ? without : with).push_back(frame.all);
    if (frame.replayed != 0) restoring.push_back(frame.restoring), replaying.push_back(frame.replaying);
    late += frame.all > Milliseconds(frame_time).count() ? 1 : 0;
  }
  std::printf("%-22s %7s %9s %9s %9s\n", "milliseconds", "frames", "median", "p99", "max");
  print_row("without a rollback", without);
  print_row("with a rollback", with);
  print_row("  restoring", restoring);
  print_row("  playing again", replaying);
  std::printf("A frame has %.2f ms at 60 Hz: %zu of %zu took longer.\n", Milliseconds(frame_time).count(), late,
              frames.size());
}

int play(std::size_t ticks, bool fast) {
  const Match match(ticks);
  Side side(match);
  std::vector<Frame> frames;
  std::printf("%zu entities, all of them moving; %zu players, %zu of them up to %zu ticks late; %zu ticks%s.\n\n",
              unit_count, player_count, player_count - 1, late_max, ticks, fast ? "" : " at 60 Hz");
  Clock::time_point next = Clock::now();
  for (std::size_t now = 0; now != ticks + late_max; ++now) {  // the last inputs come in after the last tick
    frames.push_back(side.frame(now));
    if (!fast) std::this_thread::sleep_until(next += frame_time);
  }
  print_table(frames);

  World true_world;  // everybody's inputs known at once
  for (std::size_t tick = 0; tick != ticks; ++tick) true_world.tick(match.inputs(tick));
  std::size_t deepest = 0;
  for (const Frame& frame : frames) deepest = std::max(deepest, frame.replayed);
  const bool same = side.snapshot().state_hash() == true_world.snapshot().state_hash();
  std::printf("The deepest rollback played %zu ticks again. The world at the end is %s one without latency.\n", deepest,
              same ? "the same as" : "ANOTHER than");
  return same && deepest == late_max ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  bool fast = false;
  std::size_t ticks = 300;
  for (int i = 1; i != argc; ++i) {
    const std::string_view argument = argv[i];
    const auto [end, error] = std::from_chars(argument.data(), argument.data() + argument.size(), ticks);
    const bool is_number = error == std::errc{} && end == argument.data() + argument.size() && ticks != 0;
    if (argument == "--fast") fast = true;
    if (argument != "--fast" && !is_number) return std::fprintf(stderr, "usage: %s [--fast] [TICKS]\n", argv[0]), 2;
  }
  try {
    return play(ticks, fast);
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "%s\n", error.what()), 1;
  }
}
