// Producers, readers and the writer at once: whatever a reader sees is some transaction's world, whole.
#include <stoa/stoa.h>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

namespace stoa::test {
namespace {

struct Account {
  std::int64_t balance;
  Text note;  // follows from the balance
};
BOOST_DESCRIBE_STRUCT(Account, (), (balance, note))
struct Beat {  // the same number in every row
  std::uint64_t count;
};
BOOST_DESCRIBE_STRUCT(Beat, (), (count))
struct Receipt {  // never without its entry
  Entity account;
  std::uint64_t number;
};
BOOST_DESCRIBE_STRUCT(Receipt, (), (account, number))
struct Entry {
  std::uint64_t number;
};
BOOST_DESCRIBE_STRUCT(Entry, (), (number))

constexpr std::int64_t account_count = 40;
constexpr std::int64_t total = account_count * 100;

Schema bank() {
  Schema schema("bank");
  schema.table<Account>("account");
  schema.table<Beat>("beat");
  schema.table<Receipt>("receipt").foreign_key<&Receipt::account>("account").unique<&Receipt::number>();
  schema.table<Entry>("entry").sparse();
  return schema;
}

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 0);
}

std::string note_of(std::int64_t balance) {
  return std::string(static_cast<std::size_t>(8 + (balance + 1000) % 40),
                     static_cast<char>('a' + (balance + 1000) % 26));
}

class Bank {
 public:
  Bank(Database& db, std::uint64_t seed) : db_(db), seed_(seed) {
    auto transaction = db.begin();
    accounts_ = transaction.create(account_count);
    const std::string note = note_of(100);
    for (Entity account : accounts_) transaction.insert(account, Account{100, note}).insert(account, Beat{0});
    const auto opened = std::move(transaction).commit();
    EXPECT_TRUE(opened);
    effects_ = 1;
  }

  void run(std::uint64_t rounds) {
    std::atomic<bool> done{false};
    std::vector<std::jthread> readers;
    for (int i = 0; i < 2; ++i) readers.emplace_back([&] { read_until(done); });
    {
      std::vector<std::jthread> producers;
      for (std::uint64_t i = 0; i < 3; ++i) producers.emplace_back([this, i, rounds] { produce(i, rounds); });
    }
    done = true;
    readers.clear();
    EXPECT_EQ(db_.version(), effects_) << "every effect has a version of its own, and nothing else has";
    check(db_.snapshot());
  }

 private:
  void produce(std::uint64_t number, std::uint64_t rounds) {
    std::mt19937_64 random(seed_ + number);
    std::vector<CommitTicket> tickets;
    std::vector<Entity> receipts;
    for (std::uint64_t i = 0; i < rounds; ++i) {
      switch (random() % 4) {
        case 0: transfer(accounts_[random() % accounts_.size()], accounts_[random() % accounts_.size()], random); break;
        case 1: beat(); break;
        case 2: {
          auto transaction = db_.begin();
          const Entity receipt = transaction.create();
          const std::uint64_t id = number << 32U | i;
          transaction.insert(receipt, Receipt{accounts_[random() % accounts_.size()], id}).insert(receipt, Entry{id});
          tickets.push_back(std::move(transaction).submit());
          receipts.push_back(receipt);
          ++effects_;
          break;
        }
        default: {
          if (receipts.empty()) break;
          auto transaction = db_.begin();
          transaction.destroy(receipts.back());  // submitted after what made it, by the same thread
          receipts.pop_back();
          if (random() % 3 == 0) {
            transaction.destroy(accounts_[0]).destroy(accounts_[0]);  // cannot be done: nothing of it happens
            auto refused = std::move(transaction).commit();
            ASSERT_FALSE(refused);
            break;
          }
          tickets.push_back(std::move(transaction).submit());
          ++effects_;
        }
      }
    }
    Version last = 0;
    for (CommitTicket& ticket : tickets) {
      const auto answer = ticket.get();
      ASSERT_TRUE(answer) << answer.error().message();
      EXPECT_GT(answer->version, last) << "one thread's transactions are committed in its order";
      last = answer->version;
    }
    EXPECT_GE(db_.snapshot().version(), last);
  }

  void transfer(Entity from, Entity to, std::mt19937_64& random) {
    const auto amount = static_cast<std::int64_t>(random() % 50) + 1;
    const bool gives_up = random() % 5 == 0;
    const auto answer = db_.write([&](Writer& writer) -> std::expected<void, Error> {
      if (from == to) return {};
      const std::int64_t left = writer.get<Account>(from)->balance - amount;
      writer.update(from, Account{left, note_of(left)});
      if (gives_up || left < 0) return std::unexpected(Error::invalid("not enough"));
      const std::int64_t right = writer.get<Account>(to)->balance + amount;
      writer.update(to, Account{right, note_of(right)});
      return {};
    });
    if (answer && from != to) ++effects_;
  }

  void beat() {
    const auto answer = db_.write([](Writer& writer) { writer.each<Beat>([](Entity, Beat& beat) { ++beat.count; }); });
    ASSERT_TRUE(answer);
    ++effects_;
  }

  void read_until(const std::atomic<bool>& done) {
    Snapshot held = db_.snapshot();
    const auto hash = held.state_hash();
    Version last = held.version();
    while (!done) {
      const Snapshot now = db_.snapshot();
      EXPECT_GE(now.version(), last);
      last = now.version();
      check(now);
      if (::testing::Test::HasFailure()) return;
    }
    check(held);
    EXPECT_EQ(held.state_hash(), hash);
  }

  static void check(const Snapshot& snapshot) {
    std::int64_t sum = 0;
    std::size_t rows = 0;
    snapshot.each<Account>([&](Entity, const Account& account) {
      sum += account.balance;
      ++rows;
      EXPECT_EQ(account.note, note_of(account.balance));
    });
    EXPECT_EQ(sum, total);
    EXPECT_EQ(rows, snapshot.count<Account>());
    std::uint64_t beats = 0;
    snapshot.each<Beat>([&](Entity, const Beat& beat) { beats += beat.count; });
    EXPECT_EQ(beats % static_cast<std::uint64_t>(account_count), 0U);
    std::size_t receipts = 0;
    for (auto [entity, receipt, entry] : snapshot.view<Receipt, Entry>()) {
      EXPECT_EQ(receipt.number, entry.number);
      EXPECT_EQ(snapshot.find<&Receipt::number>(receipt.number), entity);
      EXPECT_NE(snapshot.get<Account>(receipt.account), nullptr);
      ++receipts;
    }
    EXPECT_EQ(receipts, snapshot.count<Receipt>());
    EXPECT_EQ(receipts, snapshot.count<Entry>());
    EXPECT_EQ(snapshot.count<>(), receipts + rows);
  }

  Database& db_;
  std::uint64_t seed_;
  std::vector<Entity> accounts_;
  std::atomic<Version> effects_{0};
};

TEST(ModelConcurrent, ReadersSeeWholeTransactionsOnly) {
  const std::uint64_t seed = from_environment("STOA_TEST_SEED", 1);
  SCOPED_TRACE("STOA_TEST_SEED=" + std::to_string(seed));
  auto db = Database::in_memory(bank());
  ASSERT_TRUE(db) << db.error().message();
  Bank(*db, seed).run(from_environment("STOA_TEST_ROUNDS", 300));
}

TEST(ModelConcurrent, AFolderHoldsWhatSeveralProducersCommitted) {
  const std::uint64_t seed = from_environment("STOA_TEST_SEED", 2);
  SCOPED_TRACE("STOA_TEST_SEED=" + std::to_string(seed));
  const auto folder = std::filesystem::temp_directory_path() / ("stoa-model-bank-" + std::to_string(::getpid()));
  std::filesystem::remove_all(folder);
  Options options;
  options.durability = Durability::async(std::chrono::milliseconds(2));
  options.segment_bytes_max = 32 * 1024;
  std::array<std::uint64_t, 2> hash{};
  Version version = 0;
  {
    auto db = Database::open(folder, bank(), options);
    ASSERT_TRUE(db) << db.error().message();
    Bank(*db, seed).run(from_environment("STOA_TEST_ROUNDS", 200));
    hash = db->snapshot().state_hash();
    version = db->version();
  }
  auto db = Database::open(folder, bank(), options);
  ASSERT_TRUE(db) << db.error().message();
  EXPECT_EQ(db->version(), version);
  EXPECT_EQ(db->snapshot().state_hash(), hash);
  db->close().value();
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace stoa::test
