#include "wal/writer.h"

#include "base/make_error.h"
#include "wal/segments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <limits>

namespace stoa::wal {
namespace {

std::uint64_t round_up(std::uint64_t value, std::uint64_t step) { return (value + step - 1) / step * step; }

}  // namespace

Writer::Writer(FileSystem& files, std::string folder, const Identity& identity, const LogEnd& end, RandomSource& random,
               const WriterOptions& options)
    : files_(&files),
      folder_(std::move(folder)),
      identity_(identity),
      random_(&random),
      options_(options),
      end_(end),
      synced_version_(end.version) {
  if (end.segment_number != 0) previous_history_ = identity.history_id;
}

std::expected<Writer, Error> Writer::open(FileSystem& files, std::string folder, const Identity& identity,
                                          const LogEnd& end, RandomSource& random, const WriterOptions& options) {
  const auto names = files.list(folder);
  if (!names) return std::unexpected(names.error());
  for (const std::string& name : *names) {
    const std::string path = join_path(folder, name);
    const auto number = parse_segment_name(name);
    if (number && *number > end.segment_number) {
      return std::unexpected(Error(ErrorCode::already_exists, Place{.source = path},
                                   fmt::format("the log was read up to segment {} only", end.segment_number)));
    }
    if (!is_unfinished_segment_name(name)) continue;
    if (auto removed = files.remove(path); !removed) return std::unexpected(removed.error());
  }
  return Writer(files, std::move(folder), identity, end, random, options);
}

std::expected<void, Error> Writer::reserve(std::uint64_t frame_bytes) {
  if (failure_) return std::unexpected(*failure_);
  return has_room(frame_bytes) ? std::expected<void, Error>() : rotate(frame_bytes);
}

std::expected<void, Error> Writer::write(Batch& batch) {
  assert(!batch.empty());
  assert(batch.base_version() == end_.version);
  if (auto room = reserve(batch.frame_bytes()); !room) return room;
  sealed_ = false;
  return append(batch.frame_type(), batch);
}

void Writer::begin_history(const RandomId& history, bool following) noexcept {
  identity_.history_id = history;
  following_ = following;
  header_is_true_ = false;
}

std::expected<void, Error> Writer::begin_segment() {
  if (failure_) return std::unexpected(*failure_);
  return rotate(0);
}

std::expected<void, Error> Writer::sync() {
  if (failure_) return std::unexpected(*failure_);
  if (!dirty_) return {};
  if (auto synced = file_->sync(); !synced) return fail(synced.error());
  dirty_ = false;
  synced_version_ = end_.version;
  return {};
}

std::expected<void, Error> Writer::seal() {
  if (auto synced = sync(); !synced) return synced;
  if (sealed_) return {};
  if (auto written = append(FrameType::seal, no_transactions_); !written) return written;
  sealed_ = true;
  return sync();
}

std::expected<void, Error> Writer::close() {
  if (auto sealed = seal(); !sealed) return sealed;
  if (auto given_back = give_back_room(); !given_back) return given_back;
  file_.reset();
  failure_ = Error(ErrorCode::closed, "the log was closed");
  return {};
}

/// A segment that has everything but its name. To give it that needs no memory.
struct Writer::NextSegment {
  std::unique_ptr<File> file;
  std::string path;  // to be
  std::uint64_t number = 0;
  std::uint64_t salt = 0;
  std::uint32_t crc = 0;
  std::uint64_t file_bytes = 0;
  std::uint64_t zeroed_bytes = 0;
};

// The first step of a rotation, and the only one that may be tried again: nothing depends on the file yet.
std::expected<Writer::NextSegment, Error> Writer::prepare_segment(std::uint64_t frame_bytes) {
  NextSegment next;
  next.number = end_.segment_number + 1;
  next.path = join_path(folder_, segment_name(next.number));
  const std::string path = join_path(folder_, unfinished_segment_name(next.number));
  const auto made = without_bad_alloc([&]() -> std::expected<void, Error> {
    auto file = files_->create(path);
    if (!file) return std::unexpected(file.error());
    next.file = *std::move(file);
    return fill(next, frame_bytes);
  });
  if (made) return next;
  // Otherwise the rest of what was allocated keeps the disk full, and the name the next try from succeeding.
  const bool no_memory = made.error().code() == ErrorCode::out_of_memory;  // then the file may be there, or not
  if (next.file != nullptr || no_memory) {
    if (auto removed = files_->remove(path); !removed && !no_memory) return std::unexpected(removed.error());
  }
  return std::unexpected(made.error());
}

std::expected<void, Error> Writer::fill(NextSegment& next, std::uint64_t frame_bytes) {
  const std::uint64_t least = segment_header_bytes + frame_bytes + frame_header_bytes;  // always room for a seal
  if (auto room = next.file->preallocate(std::max(options_.segment_bytes, least)); !room) return room;
  const auto size = next.file->size();
  if (!size) return std::unexpected(size.error());
  const SegmentHeader header{.identity = identity_,
                             .number = next.number,
                             .base_version = end_.version,
                             .previous_crc = end_.crc,
                             .salt = random_->next(),
                             .previous_history = previous_history_,
                             .following = following_};
  const SegmentHeaderBytes bytes = encode(header);
  std::vector<std::byte> start(bytes.begin(), bytes.end());
  start.resize(start.size() + zeros_behind(start.size(), 0, *size));
  next.salt = header.salt;
  next.crc = segment_crc(bytes);
  next.file_bytes = *size;
  next.zeroed_bytes = start.size();
  if (auto written = next.file->write(0, start); !written) return written;
  return next.file->sync();
}

// From here on the header is believed: all that it says of what is before it must be on the disk.
std::expected<void, Error> Writer::name_segment(NextSegment next) {
  if (auto renamed = files_->rename(next.file->path(), next.path); !renamed) return renamed;
  if (auto synced = files_->sync_directory(folder_); !synced) return synced;
  file_ = std::move(next.file);
  file_->renamed(std::move(next.path));
  file_bytes_ = next.file_bytes;
  zeroed_bytes_ = next.zeroed_bytes;
  used_bytes_ = segment_header_bytes;
  salt_ = next.salt;
  end_.segment_number = next.number;
  end_.crc = next.crc;
  end_.base_version = end_.version;
  dirty_ = false;
  sealed_ = true;  // this header protects all before it
  previous_history_ = identity_.history_id;
  header_is_true_ = true;
  return {};
}

std::expected<void, Error> Writer::rotate(std::uint64_t frame_bytes) {
  auto next = prepare_segment(frame_bytes);
  if (!next) {
    const ErrorCode code = next.error().code();
    if (code == ErrorCode::out_of_memory) throw std::bad_alloc();
    return code == ErrorCode::disk_full ? std::unexpected(next.error()) : fail(next.error());
  }
  return go_on_in(*std::move(next));
}

std::expected<bool, Error> Writer::try_begin_segment() {
  if (failure_) return std::unexpected(*failure_);
  auto next = without_bad_alloc([this] { return prepare_segment(0); });
  if (!next) return false;
  if (auto gone_on = go_on_in(*std::move(next)); !gone_on) return std::unexpected(gone_on.error());
  return true;
}

std::expected<void, Error> Writer::go_on_in(NextSegment next) {
  if (auto synced = sync(); !synced) return synced;
  if (auto given_back = give_back_room(); !given_back) return given_back;
  if (auto named = name_segment(std::move(next)); !named) return fail(named.error());
  return {};
}

std::expected<void, Error> Writer::append(FrameType type, Batch& batch) {
  const FrameHeader header{.type = type,
                           .payload_bytes = batch.frame_bytes() - frame_header_bytes,
                           .first_version = batch.empty() ? end_.version + 1 : batch.first_version(),
                           .version_count = batch.version_count(),
                           .synced = synced_version_,
                           .salt = salt_,
                           .previous_crc = end_.crc};
  const std::uint64_t end = used_bytes_ + batch.frame_bytes();
  const bool ahead = type != FrameType::seal;  // which is small, and must not need memory
  const std::span<std::byte> bytes = batch.frame_and_zeros(ahead ? zeros_behind(end, zeroed_bytes_, file_bytes_) : 0);
  const std::uint32_t crc = encode_frame(header, bytes.first(static_cast<std::size_t>(batch.frame_bytes())));
  dirty_ = true;
  if (auto written = file_->write(used_bytes_, bytes); !written) return fail(written.error());
  zeroed_bytes_ = std::max(zeroed_bytes_, used_bytes_ + bytes.size());
  used_bytes_ = end;
  end_.crc = crc;
  end_.version = header.last_version();
  return {};
}

// Cuts off zeros only: all frames stay. It need not be durable, for zeros behind the last frame are a clean end too.
std::expected<void, Error> Writer::give_back_room() {
  if (file_ == nullptr) return {};
  if (auto cut = file_->truncate(used_bytes_); !cut) return fail(cut.error());
  return {};
}

bool Writer::has_room(std::uint64_t frame_bytes) const {
  if (!header_is_true_) return false;
  const std::uint64_t left = file_bytes_ - used_bytes_;  // at least a seal's, by construction; 0 before the first one
  return frame_bytes <= left && left - frame_bytes >= frame_header_bytes;
}

std::size_t Writer::bytes_to_write(std::uint64_t frame_bytes) const {
  return static_cast<std::size_t>(frame_bytes) + zeros_behind(used_bytes_ + frame_bytes, zeroed_bytes_, file_bytes_);
}

std::size_t Writer::zeros_behind(std::uint64_t end, std::uint64_t zeroed, std::uint64_t file_bytes) {
  if (end <= zeroed) return 0;
  return static_cast<std::size_t>(std::min(round_up(end, zero_step_bytes), std::max(file_bytes, end)) - end);
}

std::unexpected<Error> Writer::fail(Error error) {
  // disk_full is the answer that may be tried again; what is final is not.
  if (error.code() == ErrorCode::disk_full) {
    error = make_error(ErrorCode::io, [&error] {
      const Place* place = error.place();
      return Error(ErrorCode::io, place != nullptr ? *place : Place{}, std::string(error.reason()));
    });
  }
  if (!failure_) failure_ = std::move(error);
  return std::unexpected(*failure_);
}

}  // namespace stoa::wal
