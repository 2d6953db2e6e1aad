// What the transaction under way did to the write buffer, change by change, with what was there before. Whoever needs
// to know reads it: revert() to take everything back, integrity to judge, the delta to tell. It is cleared at the end
// of each transaction and keeps its memory.
#pragma once

#include "base/reuse.h"
#include "memory/page_writer.h"

#include <stoa/entity.h>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace stoa::storage {

struct Change {
  enum class Kind : std::uint8_t {
    none,     ///< was taken back
    create,   ///< the entity began, at the end of archetype `store`; the image is its slot, and `row` what the root's
              ///< slot_count was, be it before others that began with it
    destroy,  ///< the entity ended; it was at `row` of archetype `store`. Its rows were removed by changes before this
              ///< one
    move,     ///< the entity left `row` of archetype `store` for the end of the one that it is in now
    insert,   ///< the entity got a row in `table`; `row` is the packed row where the table is sparse
    remove,   ///< the entity lost its row in `table`, whose bytes are the image; `row` as above
    update,   ///< bytes of the row changed, from `offset`; the image is what they were
    floor,    ///< the floor of the entity's index rose; the image is its slot, and `row` the root's slot_count
    page_floor,  ///< that of a whole page of slots, `store`; the image is what it was, `row` as above
    page,  ///< the column of `table` in chunk `row` of archetype `store` was replaced; the image is a ReplacedPage
  };
  Kind kind{};
  bool rows_told = false;  ///< page: an update for each row that is different follows, so the pages need no comparing
  TableId table = no_table;
  std::uint32_t store = 0;
  std::uint32_t row = 0;
  std::uint32_t offset = 0;
  Entity entity;
  std::uint32_t image_bytes = 0;
  std::uint64_t image = 0;  // offset into the log's images
};

/// What a page change has as its image.
struct ReplacedPage {
  const void* before = nullptr;
  const void* adopted = nullptr;  ///< the page that took its place, if that is an older root's
  memory::PageWriter::Retirement retirement;
};

/// A blob that a row of the table had.
struct GoneBlob {
  const void* blob;
  TableId table;
};

/// Threads: the writer only.
class ChangeLog {
 public:
  [[nodiscard]] std::span<const Change> changes() const noexcept { return changes_; }
  [[nodiscard]] const std::byte* image(const Change& change) const noexcept { return images_.data() + change.image; }
  /// Of a page change.
  [[nodiscard]] ReplacedPage replaced_page(const Change& change) const noexcept {
    ReplacedPage out;
    std::memcpy(static_cast<void*>(&out), image(change), sizeof out);
    return out;
  }
  [[nodiscard]] bool empty() const noexcept { return changes_.empty(); }
  /// What the transaction takes up: records, images, and the texts that it brought.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return changes_.size() * sizeof(Change) + images_.size() + blob_bytes_;
  }
  /// Of these, those of the texts.
  [[nodiscard]] std::size_t blob_bytes() const noexcept { return blob_bytes_; }
  /// How many entities ended.
  [[nodiscard]] std::size_t ends() const noexcept { return ends_; }

  /// Room for what the next operation records, so that recording cannot fail once the world has changed.
  /// Errors: throws std::bad_alloc.
  void reserve(std::size_t changes, std::size_t image_bytes) {
    make_room(changes_, changes);
    make_room(images_, image_bytes);
  }
  void push(Change change) noexcept {
    if (is_left_out(change.kind)) return;
    kinds_ |= bit_of(change.kind);
    ends_ += static_cast<std::size_t>(change.kind == Change::Kind::destroy);
    changes_.push_back(change);
  }
  void push(Change change, const void* image, std::size_t bytes) noexcept {
    if (is_left_out(change.kind)) return;
    change.image = images_.size();
    change.image_bytes = static_cast<std::uint32_t>(bytes);
    const auto* from = static_cast<const std::byte*>(image);
    images_.insert(images_.end(), from, from + bytes);  // of a tag none, and then there may be no memory either
    push(change);
  }
  /// The same change of several entities, each with an image of so many bytes, which lie side by side. Returns the
  /// records, for what differs in them, or none where they are left out. Lifetime: until something else is recorded.
  std::span<Change> push_many(Change change, std::span<const Entity> entities, const void* images = nullptr,
                              std::size_t image_bytes = 0) noexcept {
    if (is_left_out(change.kind)) return {};
    if (entities.size() == 1) {
      change.entity = entities[0];
      push(change, images, image_bytes);
      return {&changes_.back(), 1};
    }
    kinds_ |= bit_of(change.kind);
    change.image = images_.size();
    change.image_bytes = static_cast<std::uint32_t>(image_bytes);
    const auto* from = static_cast<const std::byte*>(images);
    images_.insert(images_.end(), from, from + entities.size() * image_bytes);
    const std::size_t first = changes_.size();
    changes_.resize(first + entities.size());
    const std::span<Change> out = std::span(changes_).subspan(first);
    for (std::size_t i = 0; i != out.size(); ++i) {
      out[i] = change;
      out[i].entity = entities[i];
      out[i].image = change.image + i * image_bytes;
    }
    return out;
  }
  /// Whether a change of that kind was recorded, be it taken back.
  [[nodiscard]] bool has_had(Change::Kind kind) const noexcept { return (kinds_ & bit_of(kind)) != 0; }

  /// What is done from here on is never taken back, and nobody asks what it was: only what accept() looks for is
  /// recorded, and rows that go, whose images are used on the way. For millions of new rows the records are as many
  /// bytes as the rows.
  void suspend() noexcept { suspended_ = true; }
  void resume() noexcept { suspended_ = false; }

  /// The last one recorded, a row that goes, has not happened.
  void drop_last() noexcept {
    assert(changes_.back().kind == Change::Kind::remove);  // the others are counted
    images_.erase(images_.end() - static_cast<std::ptrdiff_t>(changes_.back().image_bytes), images_.end());
    changes_.pop_back();
  }
  /// The change has been taken back already.
  void cancel(std::size_t change) noexcept { changes_[change].kind = Change::Kind::none; }

  /// See Change::rows_told.
  void note_rows_told(std::size_t change) noexcept { changes_[change].rows_told = true; }

  /// Blobs that the transaction made and let go of: the ones are freed if it fails, the others if it does not.
  void reserve_blobs(std::size_t count) {
    make_room(born_, count);
    make_room(gone_, count);
  }
  void blob_born(const void* blob, std::size_t bytes) noexcept {
    born_.push_back(blob);
    blob_bytes_ += bytes;
  }
  void blob_gone(const void* blob, TableId table) noexcept { gone_.push_back({blob, table}); }
  [[nodiscard]] std::span<const void* const> blobs_born() const noexcept { return born_; }
  [[nodiscard]] std::span<const GoneBlob> blobs_gone() const noexcept { return gone_; }

  /// Pages of slots that the transaction's new entities are the first of: they are freed if it fails.
  void reserve_slot_pages(std::size_t count) { make_room(slot_pages_, count); }
  void slot_page_born(std::uint32_t number) noexcept { slot_pages_.push_back(number); }
  [[nodiscard]] std::span<const std::uint32_t> slot_pages_born() const noexcept { return slot_pages_; }

  void clear() noexcept {
    clear_for_reuse(changes_);
    clear_for_reuse(images_);
    clear_for_reuse(born_);
    clear_for_reuse(gone_);
    clear_for_reuse(slot_pages_);
    blob_bytes_ = 0;
    kinds_ = 0;
    ends_ = 0;
  }

 private:
  [[nodiscard]] static std::uint32_t bit_of(Change::Kind kind) noexcept {
    return std::uint32_t{1} << static_cast<std::uint32_t>(kind);
  }
  [[nodiscard]] bool is_left_out(Change::Kind kind) const noexcept {
    return suspended_ && kind != Change::Kind::destroy && kind != Change::Kind::page && kind != Change::Kind::remove;
  }

  std::vector<Change> changes_;
  std::vector<std::byte> images_;
  std::vector<const void*> born_;
  std::vector<GoneBlob> gone_;
  std::vector<std::uint32_t> slot_pages_;
  std::size_t blob_bytes_ = 0;
  std::size_t ends_ = 0;
  std::uint32_t kinds_ = 0;  // of which there are any
  bool suspended_ = false;
};

}  // namespace stoa::storage
