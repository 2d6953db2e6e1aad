// Plain vectors: what the hardware gives to one thread without transactions, snapshots or liveness checks.
#include "peers/store.h"

#include <stdexcept>
#include <utility>

namespace bench {
namespace {

class PlainStore final : public Store {
 public:
  explicit PlainStore(std::size_t rows) {
    for (std::size_t key = 0; key < rows; ++key) {
      positions_.push_back(first_position(key));
      velocities_.push_back(first_velocity(key));
      places_.push_back(key);
      owners_.push_back(key);
    }
  }

  [[nodiscard]] std::size_t rows() const override { return positions_.size(); }
  [[nodiscard]] Handle handle(std::uint32_t key) const override { return key; }

  void insert(std::span<const Position> rows, std::size_t) override {
    for (const Position& row : rows) positions_.push_back(row);
  }
  void update(std::span<const Write> writes, std::size_t) override {
    for (const Write& write : writes) positions_[write.handle] = write.row;
  }
  // The last row moves to where one ends, so that there are no gaps.
  void erase(std::span<const Handle> handles, std::size_t) override {
    for (Handle handle : handles) {
      const std::size_t place = std::exchange(places_[handle], gone);
      if (place == gone) throw std::runtime_error("plain vectors: a row that is gone");
      positions_[place] = positions_.back();
      velocities_[place] = velocities_.back();
      owners_[place] = owners_.back();
      if (owners_[place] != handle) places_[owners_[place]] = place;
      positions_.pop_back();
      velocities_.pop_back();
      owners_.pop_back();
    }
  }
  [[nodiscard]] std::uint64_t get(std::span<const Handle> handles) override {
    std::uint64_t sum = 0;
    for (Handle handle : handles) sum += digest(positions_[handle]);
    return sum;
  }
  [[nodiscard]] std::uint64_t get_fresh(std::span<const Handle> handles) override { return get(handles); }
  [[nodiscard]] std::uint64_t scan_one() override {
    std::uint64_t sum = 0;
    for (const Position& position : positions_) sum += digest(position);
    return sum;
  }
  [[nodiscard]] std::uint64_t scan_two() override {
    std::uint64_t sum = 0;
    for (std::size_t row = 0; row < positions_.size(); ++row) {
      sum += digest(positions_[row]) + digest(velocities_[row]);
    }
    return sum;
  }
  void move_all() override {
    for (std::size_t row = 0; row < positions_.size(); ++row) {
      positions_[row].x += velocities_[row].x;
      positions_[row].y += velocities_[row].y;
      positions_[row].z += velocities_[row].z;
    }
  }
  [[nodiscard]] std::vector<Position> dump() override {
    if (owners_.size() == places_.size()) return positions_;
    std::vector<Position> out;
    for (std::size_t place : places_) {
      if (place != gone) out.push_back(positions_[place]);
    }
    return out;
  }

 private:
  static constexpr std::size_t gone = static_cast<std::size_t>(-1);

  std::vector<Position> positions_;
  std::vector<Velocity> velocities_;
  // Of the rows that it starts with, for erase(): where each is, and whose each is.
  std::vector<std::size_t> places_;
  std::vector<std::size_t> owners_;
};

}  // namespace

std::unique_ptr<Store> make_plain(std::size_t rows) { return std::make_unique<PlainStore>(rows); }

}  // namespace bench
