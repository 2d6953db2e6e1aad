// pos += vel over every row, and commit: where nobody consumes deltas, and into a log.
#include "copied_pages.h"
#include "folder.h"
#include "suite.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>

namespace bench {
namespace {

void add_velocities(std::vector<Position>& rows) {
  for (std::size_t key = 0; key < rows.size(); ++key) rows[key] = moved(rows[key], first_velocity(key));
}

/// What `make` makes has rows that move, and tells them.
template <typename Make>
void add_mover(Suite& suite, std::size_t rows, const std::string& system, Make make) {
  struct State {
    decltype(make()) mover;
    std::vector<Position> expected;
  };
  auto state = std::make_shared<State>();
  suite.add({.subject = "position += velocity of every row, and commit",
             .system = system,
             .items = rows,
             .prepare =
                 [=] {
                   if (state->mover != nullptr) return;
                   state->mover = make();
                   state->expected = first_positions(rows);
                 },
             .run = [=] { state->mover->move_all(); },
             .check =
                 [=] {
                   add_velocities(state->expected);
                   return state->mover->dump() == state->expected;
                 }});
}

/// The least that a store of such pages does: each page of positions is copied, and the copy changed; where it keeps a
/// log, the rows are written to a file as they lie there. Nothing is published, compared, recorded or summed.
class ByHand {
 public:
  ByHand(std::size_t rows, bool is_logged)
      : rows_(rows), pages_(page_count(), page_rows * sizeof(Position), page_count()) {
    for (std::size_t key = 0; key != rows; ++key) {
      edit(key / page_rows)[key % page_rows] = first_position(key);
      velocities_.push_back(first_velocity(key));
    }
    pages_.end_batch();
    if (!is_logged) return;
    folder_.emplace(in_memory(peer_bytes));
    file_.emplace(folder_->path() / "log", O_CREAT | O_RDWR | O_APPEND);
  }

  void move_all() {
    for (std::size_t first = 0; first < rows_; first += page_rows) {
      Position* const positions = edit(first / page_rows);
      const Velocity* const velocities = velocities_.data() + first;
      for (std::size_t i = 0, end = std::min(page_rows, rows_ - first); i != end; ++i) {
        positions[i].x += velocities[i].x;
        positions[i].y += velocities[i].y;
        positions[i].z += velocities[i].z;
      }
    }
    pages_.end_batch();
    if (file_) append();
  }
  [[nodiscard]] std::vector<Position> dump() const {
    std::vector<Position> out;
    for (std::size_t key = 0; key != rows_; ++key) out.push_back(at(key));
    if (file_ && last_written() != out) throw std::runtime_error("by hand: the file has not every row");
    return out;
  }

 private:
  static constexpr std::size_t page_rows = 512;

  [[nodiscard]] Position* edit(std::size_t page) { return reinterpret_cast<Position*>(pages_.edit(page)); }
  [[nodiscard]] const Position& at(std::size_t key) const {
    return reinterpret_cast<const Position*>(pages_.at(key / page_rows))[key % page_rows];
  }
  [[nodiscard]] std::size_t page_count() const { return (rows_ + page_rows - 1) / page_rows; }

  [[nodiscard]] std::vector<Position> last_written() const {
    std::vector<Position> out(rows_);
    const std::size_t bytes = rows_ * sizeof(Position);
    const off_t end = ::lseek(file_->get(), 0, SEEK_END);
    const off_t begin = end - static_cast<off_t>(bytes);
    if (::pread(file_->get(), out.data(), bytes, begin) != static_cast<ssize_t>(bytes)) out.clear();
    return out;
  }
  // As many pages with one call as the system takes.
  void append() {
    constexpr std::size_t pages_a_call = 1024;
    std::vector<iovec> parts;
    parts.reserve(pages_a_call);
    for (std::size_t first = 0; first < rows_; first += page_rows) {
      const std::size_t bytes = std::min(page_rows, rows_ - first) * sizeof(Position);
      parts.push_back({const_cast<std::byte*>(pages_.at(first / page_rows)), bytes});
      if (parts.size() != pages_a_call && first + page_rows < rows_) continue;
      std::size_t all = 0;
      for (const iovec& part : parts) all += part.iov_len;
      if (::writev(file_->get(), parts.data(), static_cast<int>(parts.size())) != static_cast<ssize_t>(all)) {
        throw std::system_error(errno, std::generic_category(), "write of the rows");
      }
      parts.clear();
    }
  }

  std::size_t rows_;
  CopiedPages pages_;
  std::vector<Velocity> velocities_;
  std::optional<Folder> folder_;
  std::optional<OpenFile> file_;
};

}  // namespace

void add_each(Suite& suite) {
  const std::size_t rows = suite.scale().rows;
  std::vector<Contender> contenders = limits_and_scanning_peers(rows);
  contenders.push_back({"stoa, each", [rows] { return make_stoa(rows); }});
  contenders.push_back({"stoa, each, logged", [rows] { return make_stoa(rows, {.logged = true}); }});
  for (const Contender& contender : contenders) add_mover(suite, rows, contender.name, contender.make);
  add_mover(suite, rows, "the copies of its pages, by hand", [rows] { return std::make_unique<ByHand>(rows, false); });
  add_mover(suite, rows, "the same into a file, by hand", [rows] { return std::make_unique<ByHand>(rows, true); });
}

}  // namespace bench
