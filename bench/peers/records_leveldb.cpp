#include "peers/leveldb.h"
#include "peers/records.h"

#include <string>

namespace bench {
namespace {

class LeveldbRecords {
 public:
  explicit LeveldbRecords(std::span<const std::uint64_t> keys) {
    for (std::uint64_t key : keys) insert(key, payload_of(key, 0));
  }
  [[nodiscard]] std::uint64_t read(Handle key) { return digest(get(key)); }
  void update(Handle key, const Payload& payload) { insert(key, payload); }
  void insert(std::uint64_t key, const Payload& payload) {
    level::check(files_.db().Put({}, level::slice_of(level::Key(key)), level::slice_of(payload)));
  }
  [[nodiscard]] std::uint64_t scan(std::uint64_t key, std::size_t length) {
    const auto rows = files_.iterator();
    std::uint64_t sum = 0;
    for (rows->Seek(level::slice_of(level::Key(key))); rows->Valid() && length != 0; rows->Next(), --length) {
      sum += digest(level::row_of<Payload>(rows->value()));
    }
    level::check(rows->status());
    return sum;
  }
  [[nodiscard]] std::uint64_t modify(Handle, std::uint64_t key) {
    const Payload seen = get(key);
    update(key, next_of(key, seen));
    return digest(seen);
  }

 private:
  [[nodiscard]] Payload get(std::uint64_t key) { return files_.get<Payload>({}, level::Key(key), buffer_); }

  level::Files files_;
  std::string buffer_;
};

}  // namespace

std::unique_ptr<Records> make_leveldb_records(std::span<const std::uint64_t> keys) {
  return std::make_unique<RecordsOf<LeveldbRecords>>(keys);
}

}  // namespace bench
