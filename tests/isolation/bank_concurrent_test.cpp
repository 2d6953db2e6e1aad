// Money moves between accounts while others count it: it is all there in every snapshot, in both tables.
// STOA_TEST_ROUNDS is the number of transactions that each of the threads makes.
#include "environment.h"

#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace stoa::test {
namespace {

using Random = std::mt19937_64;
using Answer = std::expected<Commit, Error>;

// An account is an entity with a row in each of two tables, and the same balance in both.
struct Account {
  std::int64_t balance;
};
BOOST_DESCRIBE_STRUCT(Account, (), (balance))
struct Shadow {  // sparse, and never below 0, by a rule
  std::int64_t balance;
};
BOOST_DESCRIBE_STRUCT(Shadow, (), (balance))

constexpr std::size_t public_accounts = 32;
constexpr std::int64_t total = 100 * std::int64_t{public_accounts};

Schema bank() {
  Schema schema("bank");
  schema.table<Account>("account");
  schema.table<Shadow>("shadow").sparse().range<&Shadow::balance>(0, std::numeric_limits<std::int64_t>::max());
  return schema;
}

// What is wrong with the money in the snapshot; empty where nothing is. Each way to walk the tables has a sum.
std::string audit(const Snapshot& snapshot) {
  std::int64_t balances = 0;
  std::size_t accounts = 0;
  snapshot.each<Account>([&](Entity, const Account& account) {
    balances += account.balance;
    ++accounts;
  });
  std::int64_t shadows = 0;
  for (auto chunk : snapshot.chunks<Shadow>()) {
    for (const Shadow& shadow : chunk.column<Shadow>()) shadows += shadow.balance;
  }
  std::size_t same = 0;
  for (auto [entity, account, shadow] : snapshot.view<Account, Shadow>()) {
    same += account.balance == shadow.balance && account.balance >= 0 ? 1 : 0;
  }
  if (balances == total && shadows == total && accounts == same && accounts == snapshot.count<>()) return {};
  return "version " + std::to_string(snapshot.version()) + ": " + std::to_string(snapshot.count<>()) + " entities, " +
         std::to_string(accounts) + " accounts with " + std::to_string(balances) + ", shadows with " +
         std::to_string(shadows) + ", " + std::to_string(same) + " of them the same";
}

// A thread that moves money between the public accounts and its own, which it opens and closes.
class Teller {
 public:
  Teller(Database& db, const std::vector<Entity>& accounts, std::uint64_t seed)
      : db_(db), accounts_(accounts), random_(seed) {}

  void run(std::uint64_t rounds) {
    for (std::uint64_t round = 0; round < rounds && !::testing::Test::HasFailure(); ++round) {
      switch (random_() % 7) {
        case 0:
        case 1: transfer(); break;
        case 2: transfer_by_snapshot(); break;
        case 3: open_account(); break;
        case 4: close_account(); break;
        case 5: overdraw(); break;
        default: give_up(); break;
      }
    }
  }

  [[nodiscard]] std::uint64_t effects() const { return effects_; }

 private:
  Entity some_account() { return accounts_[random_() % accounts_.size()]; }
  std::int64_t some_amount() { return 1 + static_cast<std::int64_t>(random_() % 30); }

  static void move(Writer& writer, Entity account, std::int64_t amount) {
    const std::int64_t balance = writer.get<Account>(account)->balance + amount;
    writer.set<&Account::balance>(account, balance).upsert(account, Shadow{balance});
  }

  void transfer() {
    const Entity from = some_account();
    const Entity to = some_account();
    const std::int64_t amount = some_amount();
    if (from == to) return;
    const auto answer = db_.write([&](Writer& writer) {
      move(writer, from, -amount);
      move(writer, to, amount);
    });
    answered(answer, ErrorCode::constraint_violation);
  }

  // Decided by what a snapshot has, which others may have changed since.
  void transfer_by_snapshot() {
    const Snapshot seen = db_.snapshot();
    const Entity from = some_account();
    const Entity to = some_account();
    const std::int64_t amount = std::min(seen.get<Account>(from)->balance, some_amount());
    if (from == to || amount == 0) return;
    Transaction transaction = db_.begin();
    for (const auto& [account, change] : {std::pair(from, -amount), std::pair(to, amount)}) {
      const std::int64_t balance = seen.get<Account>(account)->balance + change;
      transaction.expect_unchanged<Account>(seen, account);
      transaction.update(account, Account{balance}).update(account, Shadow{balance});
    }
    answered(std::move(transaction).commit(), ErrorCode::conflict);
  }

  void open_account() {
    const Entity from = some_account();
    const std::int64_t amount = some_amount();
    Entity opened;
    const auto answer = db_.write([&](Writer& writer) {
      opened = writer.create();
      writer.insert(opened, Shadow{amount}).insert(opened, Account{amount});
      move(writer, from, -amount);
    });
    const bool done = answered(answer, ErrorCode::constraint_violation);
    EXPECT_EQ(db_.snapshot().alive(opened), done);
    if (done) own_.push_back(opened);
  }

  void close_account() {
    if (own_.empty()) return;
    const Entity closed = own_.front();
    const Entity heir = some_account();
    own_.pop_front();
    const auto answer = db_.write([&](Writer& writer) {
      const std::int64_t rest = writer.get<Account>(closed)->balance;
      writer.destroy(closed);
      move(writer, heir, rest);
    });
    EXPECT_TRUE(answered(answer));
    EXPECT_FALSE(db_.snapshot().alive(closed));
  }

  // --- What must leave no trace ---

  void overdraw() {
    const Entity from = some_account();
    const Entity to = some_account();
    Transaction transaction = db_.begin();  // blind: it makes up what it writes
    const Entity opened = transaction.create();
    transaction.insert(opened, Account{5}).insert(opened, Shadow{5}).update(to, Account{1'000'000});
    transaction.update(from, Shadow{-1});
    EXPECT_FALSE(answered(std::move(transaction).commit(), ErrorCode::constraint_violation));
    EXPECT_FALSE(db_.snapshot().alive(opened));
  }

  void give_up() {
    const Entity closed = some_account();
    const bool throws = random_() % 2 == 0;
    const auto answer = db_.write([&](Writer& writer) -> std::expected<void, Error> {
      writer.insert(writer.create(), Account{7});
      writer.each<Account>([](Entity, Account& account) { account.balance += 1; });
      writer.destroy(closed);
      if (throws) throw std::runtime_error("a robbery");
      return std::unexpected(Error::invalid("a robbery"));
    });
    EXPECT_FALSE(answered(answer, throws ? ErrorCode::aborted : ErrorCode::invalid_argument));
    EXPECT_TRUE(db_.snapshot().alive(closed));
  }

  // Whether it committed. If not, it must be for that reason.
  bool answered(const Answer& answer, std::optional<ErrorCode> reason = {}) {
    if (!answer) {
      EXPECT_TRUE(answer.error().code() == reason) << answer.error().message();
      return false;
    }
    ++effects_;
    const Snapshot snapshot = db_.snapshot();
    EXPECT_GE(snapshot.version(), answer->version) << "an answered commit is not there";
    EXPECT_EQ(random_() % 4 == 0 ? audit(snapshot) : "", "");
    return true;
  }

  Database& db_;
  const std::vector<Entity>& accounts_;
  Random random_;
  std::deque<Entity> own_;
  std::uint64_t effects_ = 0;
};

void count_until(Database& db, const std::atomic<bool>& done) {
  Snapshot held = db.snapshot();
  Version last = held.version();
  // relaxed: when it stops does not matter.
  for (std::uint64_t round = 1; !done.load(std::memory_order_relaxed) && !::testing::Test::HasFailure(); ++round) {
    const Snapshot now = db.snapshot();
    EXPECT_GE(now.version(), last);
    last = now.version();
    EXPECT_EQ(audit(now), "");
    if (round % 64 != 0) continue;
    EXPECT_EQ(audit(held), "") << "an old snapshot has changed";
    held = now.clone();
  }
}

void run(const Options& options, std::uint64_t rounds) {
  constexpr std::size_t teller_count = 8;
  constexpr std::size_t reader_count = 4;
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE("STOA_TEST_SEED=" + std::to_string(seed));
  auto db = Database::in_memory(bank(), options);
  ASSERT_TRUE(db) << db.error().message();
  Transaction opening = db->begin();
  const std::vector<Entity> accounts = opening.create(public_accounts);
  for (Entity account : accounts) opening.insert(account, Account{100}).insert(account, Shadow{100});
  const auto opened = std::move(opening).commit();
  ASSERT_TRUE(opened) << opened.error().message();

  std::deque<Teller> tellers;
  for (std::size_t at = 0; at < teller_count; ++at) tellers.emplace_back(*db, accounts, seed + at);
  std::atomic<bool> done{false};
  {
    std::vector<std::jthread> readers;
    for (std::size_t at = 0; at < reader_count; ++at) readers.emplace_back([&] { count_until(*db, done); });
    {
      std::vector<std::jthread> threads;
      for (Teller& teller : tellers) threads.emplace_back([&] { teller.run(rounds); });
    }
    done.store(true, std::memory_order_relaxed);  // relaxed: as above
  }
  Version effects = 1;
  for (const Teller& teller : tellers) effects += teller.effects();
  EXPECT_EQ(db->version(), effects) << "every effect has a version of its own, and a failure has none";
  EXPECT_EQ(audit(db->snapshot()), "");
}

TEST(BankConcurrent, MoneyIsNeitherLostNorMade) { run({}, test_rounds(3000, 600)); }

TEST(BankConcurrent, MoneyIsNeitherLostNorMadeInSmallBatches) {
  Options small;
  small.batch_transactions_max = 3;
  small.in_flight_transactions_max = 5;
  run(small, test_rounds(1500, 300));
}

}  // namespace
}  // namespace stoa::test
