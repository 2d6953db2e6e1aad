// The protocol of pinning and reclaiming, one step at a time: every order of the steps of one reader and the writer,
// and random orders of several readers, on one thread. Each way to break the protocol must be found by the same search.
#include "memory/pin_test_world.h"

#include "base/random.h"
#include "base/testing/seed.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace stoa::memory {
namespace {

enum class Protocol {
  correct,
  announces_after_the_load,
  narrows_before_the_load,
  narrows_to_the_number_announced,
  number_leads_the_root,
  collects_before_publishing,
  stamps_too_early,
  overlooks_pins_under_way,
  looks_at_the_newest_pin_only,
  looks_at_the_oldest_pin_only,
};

class Reader {
 public:
  static constexpr int steps = 9;

  /// Takes step `step`, and returns false where what it reads is no longer what was published.
  bool take(int step, TestWorld& world, Protocol protocol) {
    switch (step) {
      case 0:
        if (protocol == Protocol::announces_after_the_load) root_ = world.load_root();
        from_ = world.load_number();
        break;
      case 1:
        slot_ = &world.pins.announce(from_);
        if (protocol == Protocol::narrows_before_the_load) Pins::narrow(*slot_, from_);
        break;
      case 2:
        if (protocol != Protocol::announces_after_the_load) root_ = world.load_root();
        break;
      case 3:
        if (protocol != Protocol::narrows_before_the_load) {
          Pins::narrow(*slot_, protocol == Protocol::narrows_to_the_number_announced ? from_ : root_->tag);
        }
        break;
      case 4: return is_whole(*root_);
      case 5: other_ = &world.pins.clone(*slot_); break;
      case 6: EXPECT_FALSE(world.pins.release(*slot_)); break;
      case 7: return is_whole(*root_);
      case 8: EXPECT_FALSE(world.pins.release(*other_)); break;
      default: ADD_FAILURE() << "no such step";
    }
    return true;
  }

 private:
  std::uint64_t from_ = 0;
  const TestBlock* root_ = nullptr;
  PinSlot* slot_ = nullptr;
  PinSlot* other_ = nullptr;
};

class Writer {
 public:
  static constexpr int steps_per_commit = 4;

  void take(int step, TestWorld& world, Protocol protocol) {
    const auto leaf = static_cast<std::size_t>(step / steps_per_commit) % 2;  // some leaves change often, some never
    const bool early = protocol == Protocol::collects_before_publishing;
    const bool leads = protocol == Protocol::number_leads_the_root;
    switch (step % steps_per_commit) {
      case 0:
        world.fill(leaf);
        if (protocol == Protocol::stamps_too_early) restamp(world);
        early ? collect(world, protocol) : leads ? world.store_number() : world.store_root();
        break;
      case 1: early || leads ? world.store_root() : world.store_number(); break;
      case 2: early ? world.store_number() : collect(world, protocol); break;
      case 3:
        world.reclaim();
        world.begin_next();
        break;
      default: break;
    }
  }

 private:
  // As if what leaves the next root had left the one before.
  static void restamp(TestWorld& world) {
    const RetiredChain chain = world.writer.take_retired();
    for (BlockHeader* block = chain.head; block != nullptr; block = block->next) --block->retire;
    world.reclaimer.retire(chain);
  }

  static void collect(TestWorld& world, Protocol protocol) {
    world.retire();
    ASSERT_TRUE(world.collect());
    PinSet& seen = world.seen;
    if (protocol == Protocol::overlooks_pins_under_way) seen.pinning_from = ~std::uint64_t{0};
    if (seen.exact.empty()) return;
    if (protocol == Protocol::looks_at_the_newest_pin_only) seen.exact = {seen.exact.back()};
    if (protocol == Protocol::looks_at_the_oldest_pin_only) seen.exact = {seen.exact.front()};
  }
};

/// Runs one order of steps: each entry is the actor, 0 the writer. True if every reader saw what was published.
bool run(const std::vector<std::size_t>& order, std::size_t readers, Protocol protocol) {
  TestWorld world;
  Writer writer;
  std::vector<Reader> reader(readers);
  std::vector<int> step(readers + 1, 0);
  bool whole = true;
  for (const std::size_t actor : order) {
    const int now = step[actor]++;
    if (actor == 0) {
      writer.take(now, world, protocol);
    } else {
      whole = reader[actor - 1].take(now % Reader::steps, world, protocol) && whole;
    }
    if (!whole) return false;
  }
  if (protocol == Protocol::correct) {  // all readers are gone
    EXPECT_TRUE(world.collect());
    world.reclaim();
    world.empty_graves();
    EXPECT_EQ(world.reclaimer.bytes_held(), 0U);
    EXPECT_TRUE(world.drained());
  }
  return whole;
}

struct Search {
  std::uint64_t orders = 0;
  std::uint64_t torn = 0;  // orders in which a reader read what was reclaimed

  void add(const std::vector<std::size_t>& order, std::size_t readers, Protocol protocol) {
    if (torn != 0) return;  // one is proof enough
    ++orders;
    torn += !run(order, readers, protocol);
  }
};

// Every order of the steps of one pin and those of the writer.
void try_all(Search& search, std::vector<std::size_t>& order, int writer_left, int reader_left, Protocol protocol) {
  if (writer_left == 0 && reader_left == 0) return search.add(order, 1, protocol);
  for (const std::size_t actor : {0U, 1U}) {
    int& left = actor == 0 ? writer_left : reader_left;
    if (left == 0) continue;
    --left;
    order.push_back(actor);
    try_all(search, order, writer_left, reader_left, protocol);
    order.pop_back();
    ++left;
  }
}

// Random orders of several readers that pin again and again.
void try_some(Search& search, std::uint64_t seed, int orders, Protocol protocol) {
  SeededRandom random(seed);
  for (int i = 0; i != orders; ++i) {
    const std::size_t readers = 2 + random.next() % 3;
    std::vector<std::size_t> order(static_cast<std::size_t>(Writer::steps_per_commit) * 8, 0);
    for (std::size_t reader = 1; reader <= readers; ++reader) {
      order.insert(order.end(), static_cast<std::size_t>(Reader::steps) * (1 + random.next() % 3), reader);
    }
    for (std::size_t at = order.size() - 1; at != 0; --at) std::swap(order[at], order[random.next() % (at + 1)]);
    // Runs of one actor, so that a reader also stands still for several commits.
    if (i % 2 == 0) {
      for (std::size_t at = 0; at + 8 < order.size(); at += 8) {
        std::sort(order.begin() + static_cast<std::ptrdiff_t>(at), order.begin() + static_cast<std::ptrdiff_t>(at) + 8);
      }
    }
    search.add(order, readers, protocol);
  }
}

Search search_orders(Protocol protocol, std::uint64_t seed, int random_orders) {
  Search search;
  std::vector<std::size_t> order;
  try_all(search, order, 2 * Writer::steps_per_commit, Reader::steps, protocol);
  try_some(search, seed, random_orders, protocol);
  return search;
}

TEST(PinInterleavings, NeverReadAReclaimedBlock) {
  const std::uint64_t seed = stoa::test::test_seed();
  const Search search = search_orders(Protocol::correct, seed, 5000);
  EXPECT_EQ(search.orders, 24310U + 5000U);  // 17 steps, 8 of them the writer's
  EXPECT_EQ(search.torn, 0U) << "STOA_TEST_SEED=" << seed;
}

class BrokenProtocol : public testing::TestWithParam<Protocol> {};

TEST_P(BrokenProtocol, IsFound) {
  const std::uint64_t seed = stoa::test::test_seed();
  const Search search = search_orders(GetParam(), seed, 2000);
  EXPECT_GT(search.torn, 0U) << "STOA_TEST_SEED=" << seed;
  RecordProperty("orders", std::to_string(search.orders));
}

std::string name_of(const testing::TestParamInfo<Protocol>& protocol) {
  constexpr std::array names = {"Correct",
                                "AnnouncesAfterTheLoad",
                                "NarrowsBeforeTheLoad",
                                "NarrowsToTheNumberAnnounced",
                                "NumberLeadsTheRoot",
                                "CollectsBeforePublishing",
                                "StampsTooEarly",
                                "OverlooksPinsUnderWay",
                                "LooksAtTheNewestPinOnly",
                                "LooksAtTheOldestPinOnly"};
  return names[static_cast<std::size_t>(protocol.param)];
}
INSTANTIATE_TEST_SUITE_P(Each, BrokenProtocol,
                         testing::Values(Protocol::announces_after_the_load, Protocol::narrows_before_the_load,
                                         Protocol::narrows_to_the_number_announced, Protocol::number_leads_the_root,
                                         Protocol::collects_before_publishing, Protocol::stamps_too_early,
                                         Protocol::overlooks_pins_under_way, Protocol::looks_at_the_newest_pin_only,
                                         Protocol::looks_at_the_oldest_pin_only),
                         name_of);

}  // namespace
}  // namespace stoa::memory
