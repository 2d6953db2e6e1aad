#include "peers/redis.h"

#include "peers/peers.h"

#include <cstring>
#include <numeric>
#include <stdexcept>

namespace bench {
namespace {

using redis::bytes_of;
using redis::Connection;
using redis::Reply;

constexpr std::size_t in_flight_max = 1000;
constexpr std::size_t rows_per_command = 1000;  // of those that nobody times

// A row is a text under its key's eight bytes: the least that Redis can keep. Many in one transaction are one MSET,
// which is atomic, and cheaper than MULTI. No velocities: nothing that reads them is asked of it.
class RedisStore final : public Store {
 public:
  RedisStore(std::size_t rows, std::size_t transactions_in_flight) : in_flight_(transactions_in_flight) {
    std::vector<Position> positions;
    for (std::size_t key = 0; key < rows; ++key) positions.push_back(first_position(key));
    insert(positions, rows_per_command);
  }

  [[nodiscard]] std::size_t rows() const override { return rows_; }
  [[nodiscard]] Handle handle(std::uint32_t key) const override { return key; }

  void insert(std::span<const Position> rows, std::size_t rows_per_transaction) override {
    std::vector<Write> writes;
    writes.reserve(rows.size());
    for (const Position& row : rows) writes.push_back({rows_++, 0, row});
    update(writes, rows_per_transaction);
  }
  void update(std::span<const Write> writes, std::size_t writes_per_transaction) override {
    for_each_batch(writes, writes_per_transaction, [this](std::span<const Write> batch) {
      connection_.word(batch.size() == 1 ? "SET" : "MSET");
      for (const Write& write : batch) connection_.word(bytes_of(write.handle)).word(bytes_of(write.row));
      send();
    });
    finish();
  }
  void erase(std::span<const Handle> handles, std::size_t handles_per_transaction) override {
    for_each_batch(handles, handles_per_transaction, [this](std::span<const Handle> batch) {
      connection_.word("DEL");
      for (const Handle& handle : batch) connection_.word(bytes_of(handle));
      send();
    });
    finish();
  }
  // It has no snapshots; a command is one, and a thousand rows are the most that a program would ask for at once.
  [[nodiscard]] std::uint64_t get(std::span<const Handle> handles) override {
    std::uint64_t sum = 0;
    for_rows(handles, [&](const redisReply& row) { sum += digest(position_of(row)); });
    return sum;
  }
  [[nodiscard]] std::uint64_t get_fresh(std::span<const Handle> handles) override {
    std::uint64_t sum = 0;
    for (const Handle& handle : handles) {
      sum += digest(position_of(*connection_.word("GET").word(bytes_of(handle)).call()));
    }
    return sum;
  }
  [[nodiscard]] std::uint64_t scan_one() override { no_scans(); }
  [[nodiscard]] std::uint64_t scan_two() override { no_scans(); }
  void move_all() override { no_scans(); }
  [[nodiscard]] std::vector<Position> dump() override {
    std::vector<Handle> all(rows_);
    std::iota(all.begin(), all.end(), 0);
    std::vector<Position> out;
    for_rows(all, [&](const redisReply& row) {
      if (row.type != REDIS_REPLY_NIL) out.push_back(position_of(row));
    });
    return out;
  }

 private:
  [[noreturn]] static void no_scans() {
    throw std::logic_error("redis: a million rows through a socket, in no order, are not what it is for");
  }
  static Position position_of(const redisReply& reply) {
    Position out{};
    if (reply.type != REDIS_REPLY_STRING || reply.len != sizeof out) {
      throw std::runtime_error("redis: a row is missing, or of another size");
    }
    std::memcpy(&out, reply.str, sizeof out);
    return out;
  }
  void send() {
    connection_.append();
    if (++unanswered_ == in_flight_) finish();
  }
  void finish() {
    for (; unanswered_ != 0; --unanswered_) (void)connection_.answer();
  }
  template <typename Function>
  void for_rows(std::span<const Handle> handles, Function function) {
    for_each_batch(handles, rows_per_command, [&](std::span<const Handle> batch) {
      connection_.word("MGET");
      for (const Handle& handle : batch) connection_.word(bytes_of(handle));
      const Reply reply = connection_.call();
      for (const redisReply* row : std::span(reply->element, reply->elements)) function(*row);
    });
  }

  std::size_t rows_ = 0;
  std::size_t in_flight_;
  std::size_t unanswered_ = 0;
  redis::Server server_;
  Connection connection_{server_};
};

}  // namespace

std::unique_ptr<Store> make_redis(std::size_t rows) { return std::make_unique<RedisStore>(rows, 1); }
std::unique_ptr<Store> make_redis_in_flight(std::size_t rows) {
  return std::make_unique<RedisStore>(rows, in_flight_max);
}

}  // namespace bench
