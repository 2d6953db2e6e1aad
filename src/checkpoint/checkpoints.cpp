#include "checkpoint/checkpoints.h"

#include "base/make_error.h"
#include "base/numbered_name.h"
#include "checkpoint/folder.h"
#include "wal/segments.h"

#include <utility>

namespace stoa::checkpoint {
namespace {

constexpr std::string_view prefix = "checkpoint-";

// Whether or not it is there.
std::expected<void, Error> remove_if_there(FileSystem& files, const std::string& path) {
  auto removed = files.remove(path);
  if (!removed && removed.error().code() != ErrorCode::not_found) return removed;
  return {};
}

}  // namespace

std::string checkpoint_name(Version version) { return numbered_name(prefix, version); }

std::optional<Version> parse_checkpoint_name(std::string_view name) {
  const auto version = parse_numbered_name(prefix, name);
  return version && *version != 0 ? version : std::nullopt;
}

std::string unfinished_checkpoint_name(Version version) {
  return checkpoint_name(version) + std::string(unfinished_suffix);
}

bool is_unfinished_checkpoint_name(std::string_view name) {
  const auto finished = without_unfinished_suffix(name);
  return finished && parse_checkpoint_name(*finished);
}

std::expected<std::vector<Version>, Error> list_checkpoints(FileSystem& files, const std::string& folder) {
  const auto names = files.list(folder);
  if (!names) return std::unexpected(names.error());
  std::vector<Version> out;  // rising, as names are sorted
  for (const std::string& name : *names) {
    if (const auto version = parse_checkpoint_name(name)) out.push_back(*version);
  }
  return out;
}

std::expected<std::unique_ptr<Checkpointer>, Error> Checkpointer::open(FileSystem& files, std::string folder,
                                                                       const wal::Identity& identity, Version newest) {
  const auto names = files.list(folder);
  if (!names) return std::unexpected(names.error());
  for (const std::string& name : *names) {
    if (!is_unfinished_checkpoint_name(name)) continue;
    if (auto removed = files.remove(join_path(folder, name)); !removed) return std::unexpected(removed.error());
  }
  return std::unique_ptr<Checkpointer>(new Checkpointer(files, std::move(folder), identity, newest));
}

std::expected<Version, Error> Checkpointer::make(const detail::Root& root) {
  const std::scoped_lock guard(mutex_);
  if (root.version > newest_) {
    const std::string unfinished = join_path(folder_, unfinished_checkpoint_name(root.version));
    const auto written = without_bad_alloc([&] { return write(unfinished, root); });
    if (!written) {
      (void)files_.remove(unfinished);  // what was answered matters more; the next owner removes it
      return std::unexpected(written.error());
    }
    older_ = std::exchange(newest_, root.version);
    any_superfluous_ = true;
  }
  if (any_superfluous_) {
    if (auto removed = without_bad_alloc([this] { return remove_superfluous(); }); !removed) {
      return std::unexpected(removed.error());
    }
    any_superfluous_ = false;
  }
  return newest_;
}

Version Checkpointer::newest() const {
  const std::scoped_lock guard(mutex_);
  return newest_;
}

// In this order: a file that has its name is whole, and one that is believed keeps it.
std::expected<void, Error> Checkpointer::write(const std::string& unfinished, const detail::Root& root) {
  if (auto removed = remove_if_there(files_, unfinished); !removed) return removed;
  auto file = files_.create(unfinished);
  if (!file) return std::unexpected(file.error());
  wal::Identity identity = identity_;
  identity.history_id = to_id(root.history);
  if (auto written = write_checkpoint(**file, identity, root); !written) return written;
  if (auto synced = (*file)->sync(); !synced) return synced;
  if (auto renamed = files_.rename(unfinished, join_path(folder_, checkpoint_name(root.version))); !renamed) {
    return renamed;
  }
  return files_.sync_directory(folder_);
}

// Of other checkpoints nobody knows whether they are good, or they are too old. Where only one is good the whole log
// stays: it is what stands in for that one.
std::expected<void, Error> Checkpointer::remove_superfluous() {
  if (older_ != 0) {
    if (auto trimmed = wal::trim(files_, folder_, older_); !trimmed) return std::unexpected(trimmed.error());
  }
  const auto versions = list_checkpoints(files_, folder_);
  if (!versions) return std::unexpected(versions.error());
  bool any = false;
  for (const Version version : *versions) {
    if (version == newest_ || version == older_) continue;
    if (auto removed = files_.remove(join_path(folder_, checkpoint_name(version))); !removed) return removed;
    any = true;
  }
  return any ? files_.sync_directory(folder_) : std::expected<void, Error>();
}

}  // namespace stoa::checkpoint
