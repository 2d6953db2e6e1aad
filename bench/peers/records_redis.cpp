#include "peers/records.h"
#include "peers/redis.h"

#include <cstring>
#include <stdexcept>

namespace bench {
namespace {

using redis::bytes_of;

// One thread, which waits for each answer, as for every other store.
class RedisRecords {
 public:
  explicit RedisRecords(std::span<const std::uint64_t> keys) {
    constexpr std::size_t records_per_command = 1000;
    for_each_batch(keys, records_per_command, [this](std::span<const std::uint64_t> batch) {
      std::vector<Payload> payloads;
      payloads.reserve(batch.size());
      connection_.word("MSET");
      for (const std::uint64_t& key : batch) {
        payloads.push_back(payload_of(key, 0));
        connection_.word(bytes_of(key)).word(bytes_of(payloads.back()));
      }
      (void)connection_.call();
    });
  }
  [[nodiscard]] std::uint64_t read(Handle key) { return digest(get(key)); }
  void update(Handle key, const Payload& payload) { insert(key, payload); }
  void insert(std::uint64_t key, const Payload& payload) {
    (void)connection_.word("SET").word(bytes_of(key)).word(bytes_of(payload)).call();
  }
  [[nodiscard]] std::uint64_t scan(std::uint64_t, std::size_t) { throw std::logic_error("redis: keys have no order"); }
  // Two commands without WATCH, which would only cost it: nobody else writes in between.
  [[nodiscard]] std::uint64_t modify(Handle, std::uint64_t key) {
    const Payload seen = get(key);
    update(key, next_of(key, seen));
    return digest(seen);
  }

 private:
  [[nodiscard]] Payload get(std::uint64_t key) {
    const redis::Reply reply = connection_.word("GET").word(bytes_of(key)).call();
    Payload out;
    if (reply->type != REDIS_REPLY_STRING || reply->len != sizeof out) {
      throw std::runtime_error("redis: a record is missing, or of another size");
    }
    std::memcpy(&out, reply->str, sizeof out);
    return out;
  }

  redis::Server server_;
  redis::Connection connection_{server_};
};

}  // namespace

std::unique_ptr<Records> make_redis_records(std::span<const std::uint64_t> keys) {
  return std::make_unique<RecordsOf<RedisRecords>>(keys);
}

}  // namespace bench
