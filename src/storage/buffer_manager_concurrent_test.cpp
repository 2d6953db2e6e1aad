// One writer, many readers: every snapshot is one commit's world, whole, for as long as it is held.
#include "storage/buffer_manager.h"

#include "storage/testing/workload.h"
#include "storage/testing/world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace stoa::storage {
namespace {

using test::Docked;
using test::Health;
using test::Label;
using test::Random;

/// A bank: money is in a dense and in a sparse table, and one entity's row says how many accounts there are. Transfers,
/// openings and closings keep the sum and the count right in each commit, and nowhere in between.
class Bank {
 public:
  static constexpr std::uint32_t money = 1'000'000;

  explicit Bank(Random& random) : random_(random), manager_(test::make_world(), {}) {
    open(money);
    ledger_ = manager_.entities().reserve();
    const Docked row = count();
    write(manager_.write_buffer().create(ledger_, std::array{image(docked_, &row)}));
    manager_.write_buffer().accept(ended_);
    commit();
  }

  [[nodiscard]] BufferManager& manager() { return manager_; }

  void batch() {
    for (std::uint64_t left = random_.between(1, 6); left != 0; --left) {
      const bool revert = random_.chance(25);
      const std::vector<Account> before = accounts_;
      created_.clear();
      for (std::uint64_t operations = random_.between(1, 10); operations != 0; --operations) step();
      const Docked row = count();
      write(manager_.write_buffer().update(docked_, ledger_, reinterpret_cast<const std::byte*>(&row)));
      if (revert) {
        manager_.write_buffer().revert();
        accounts_ = before;
        for (Entity entity : created_) manager_.burn(entity);
        manager_.offer_burnt();
      } else {
        manager_.write_buffer().accept(ended_);
      }
    }
    commit();
  }

  /// By the chunks, and by find_row() for some. Returns what is wrong.
  [[nodiscard]] std::string audit(const detail::Root& root) const {
    std::uint64_t sum = 0;
    std::uint64_t rows = 0;
    std::uint32_t number = 0;
    for (const detail::ChunkStore* at; (at = next_archetype(root, number)) != nullptr; ++number) {
      const detail::ChunkStore& store = *at;
      const std::uint16_t column = store.shape->column(health_);
      if (column >= detail::StoreShape::membership) continue;
      for (std::uint32_t chunk = 0; chunk != store.chunk_count(); ++chunk) {
        const auto* cells = reinterpret_cast<const Health*>(store.chunk_column(chunk, column));
        for (std::uint32_t row = 0; row != store.rows_in(chunk); ++row, ++rows) {
          sum += cells[row].points;
          const Entity entity = store.entities(chunk)[row];
          if (find_row(root, health_, entity) != reinterpret_cast<const std::byte*>(&cells[row])) return "a lost row";
        }
      }
    }
    const detail::ChunkStore& labels = *sparse_at(root, root.world->tables[to_index(label_)].sparse).rows;
    for (std::uint32_t row = 0; row != labels.rows; ++row) {
      const auto* label = reinterpret_cast<const Label*>(labels.cell(row, 1, sizeof(Label)));
      if (label->text.view() != text_of(label->number)) return "a text that is not its row's: " + label->text.str();
      sum += static_cast<std::uint64_t>(label->number);
      if (find_alive(root, labels.entity(row)) == nullptr) return "a row of nobody";
    }
    if (sum != money) return "the sum is " + std::to_string(sum);
    const auto* ledger = reinterpret_cast<const Docked*>(find_row(root, docked_, ledger_));
    if (ledger == nullptr || ledger->gate != rows + labels.rows) return "the count is wrong";
    return {};
  }

 private:
  struct Account {
    Entity entity;
    std::uint32_t amount = 0;
    bool sparse = false;
  };

  static RowImage image(TableId table, const void* row) { return {table, static_cast<const std::byte*>(row)}; }
  static void write(Outcome outcome) { ASSERT_EQ(outcome, Outcome::done); }
  static std::string text_of(std::int32_t amount) { return "an account of exactly " + std::to_string(amount); }
  [[nodiscard]] Docked count() const {
    Docked row;
    std::memset(static_cast<void*>(&row), 0, sizeof row);
    row.gate = static_cast<std::uint16_t>(accounts_.size());
    return row;
  }

  void step() {
    Account& account = accounts_[random_.below(accounts_.size())];
    const std::uint64_t dice = random_.below(10);
    if (dice < 4 && accounts_.size() < 700) {
      const auto part = static_cast<std::uint32_t>(random_.below(account.amount + std::uint64_t{1}));
      set(account, account.amount - part);
      open(part);
    } else if (dice < 8) {
      Account& other = accounts_[random_.below(accounts_.size())];
      const auto part = static_cast<std::uint32_t>(random_.below(account.amount + std::uint64_t{1}));
      set(account, account.amount - part);
      set(other, other.amount + part);
    } else if (accounts_.size() > 1) {
      const Account closed = account;
      account = accounts_.back();
      accounts_.pop_back();
      write(manager_.write_buffer().destroy(closed.entity));
      Account& heir = accounts_[random_.below(accounts_.size())];
      set(heir, heir.amount + closed.amount);
    }
  }

  void open(std::uint32_t amount) {
    const Account account{manager_.entities().reserve(), amount, random_.chance(50)};
    created_.push_back(account.entity);
    with_row(account, [&](RowImage row) { write(manager_.write_buffer().create(account.entity, std::array{row})); });
    accounts_.push_back(account);
  }

  void set(Account& account, std::uint32_t amount) {
    account.amount = amount;
    with_row(account,
             [&](RowImage row) { write(manager_.write_buffer().update(row.table, account.entity, row.bytes)); });
  }

  template <typename Use>
  void with_row(const Account& account, Use&& use) {
    if (account.sparse) {
      const std::string text = text_of(static_cast<std::int32_t>(account.amount));
      Label row;
      std::memset(static_cast<void*>(&row), 0, sizeof row);
      row.text = text;
      row.number = static_cast<std::int32_t>(account.amount);
      use(image(label_, &row));
    } else {
      Health row;
      std::memset(&row, 0, sizeof row);
      row.points = account.amount;
      use(image(health_, &row));
    }
  }

  void commit() {
    manager_.prepare_commit();
    manager_.commit_batch(++version_, ended_);
    ended_.clear();
  }

  Random& random_;
  BufferManager manager_;
  const TableId docked_ = manager_.world().schema->table_of<Docked>();
  const TableId health_ = manager_.world().schema->table_of<Health>();
  const TableId label_ = manager_.world().schema->table_of<Label>();
  Entity ledger_;
  std::vector<Account> accounts_;
  std::vector<Entity> created_;
  std::vector<Entity> ended_;
  Version version_ = 0;
};

TEST(BufferManagerConcurrent, EverySnapshotIsOneWholeCommit) {
  Random random(test::test_seed());
  Bank bank(random);
  memory::Pins& pins = bank.manager().pins();
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> audits{0};
  constexpr std::uint64_t readers_count = 3;
  std::vector<std::thread> readers;
  for (std::uint64_t number = 0; number != readers_count; ++number) {
    readers.emplace_back([&, seed = random.bits()] {
      Random dice(seed);
      std::vector<PinnedRoot> held;
      Version seen = 0;
      const auto release = [&](std::size_t at) {
        EXPECT_EQ(bank.audit(*held[at].root), "");
        EXPECT_FALSE(pins.release(*held[at].slot));
        held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
      };
      while (!done.load() && !testing::Test::HasFailure()) {
        const Version least = bank.manager().version();
        held.push_back(bank.manager().pin());
        EXPECT_GE(held.back().root->version, std::max(seen, least));
        seen = held.back().root->version;
        EXPECT_EQ(bank.audit(*held.back().root), "");
        audits.fetch_add(1);
        if (dice.chance(30)) {
          const PinnedRoot& any = held[dice.below(held.size())];
          held.push_back({any.root, &pins.clone(*any.slot)});
        }
        while (!held.empty() && (held.size() > 12 || dice.chance(70))) release(dice.below(held.size()));
      }
      while (!held.empty()) release(held.size() - 1);
    });
  }
  const std::uint64_t rounds = test::test_rounds(400);
  for (std::uint64_t round = 0; (round < rounds || audits.load() < 50) && !HasFailure(); ++round) bank.batch();
  done.store(true);
  for (std::thread& reader : readers) reader.join();
  bank.batch();  // sees the pins gone
  EXPECT_EQ(bank.manager().memory().pin_count, 0U);
  EXPECT_EQ(bank.manager().memory().bytes_retired, 0U);
}

}  // namespace
}  // namespace stoa::storage
