// The standard library's maps: what a program without a database would have.
#include "peers/records.h"

#include <map>
#include <stdexcept>
#include <unordered_map>

namespace bench {
namespace {

template <typename Map>
class MapRecords {
 public:
  explicit MapRecords(std::span<const std::uint64_t> keys) {
    for (std::uint64_t key : keys) map_.emplace(key, payload_of(key, 0));
  }
  [[nodiscard]] std::uint64_t read(Handle key) const { return digest(map_.at(key)); }
  void update(Handle key, const Payload& payload) { map_.at(key) = payload; }
  void insert(std::uint64_t key, const Payload& payload) { map_.emplace(key, payload); }
  [[nodiscard]] std::uint64_t scan(std::uint64_t key, std::size_t length) const {
    std::uint64_t sum = 0;
    if constexpr (requires { map_.lower_bound(key); }) {
      for (auto at = map_.lower_bound(key); at != map_.end() && length != 0; ++at, --length) sum += digest(at->second);
    } else {
      throw std::logic_error("a hash map has no order");
    }
    return sum;
  }
  [[nodiscard]] std::uint64_t modify(Handle, std::uint64_t key) {
    Payload& payload = map_.at(key);
    const std::uint64_t seen = digest(payload);
    payload = next_of(key, payload);
    return seen;
  }

 private:
  Map map_;
};

}  // namespace

std::unique_ptr<Records> make_hash_map_records(std::span<const std::uint64_t> keys) {
  return std::make_unique<RecordsOf<MapRecords<std::unordered_map<std::uint64_t, Payload>>>>(keys);
}
std::unique_ptr<Records> make_map_records(std::span<const std::uint64_t> keys) {
  return std::make_unique<RecordsOf<MapRecords<std::map<std::uint64_t, Payload>>>>(keys);
}

}  // namespace bench
