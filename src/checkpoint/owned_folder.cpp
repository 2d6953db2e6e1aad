#include "checkpoint/owned_folder.h"

#include "checkpoint/folder.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace stoa::checkpoint {
namespace {

using Names = std::vector<std::string>;

bool has(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// What of the names a database consists of, but for the lock: whoever removes that lets go of the folder.
///
/// The schema goes first, and for certain: what is left when it is cut short must never be opened as a database of
/// which only a part is there.
std::expected<void, Error> remove_files(FileSystem& files, const std::string& folder, const Names& names) {
  if (has(names, schema_file_name)) {
    if (auto removed = files.remove(join_path(folder, schema_file_name)); !removed) return removed;
    if (std::any_of(names.begin(), names.end(), is_content)) {
      if (auto synced = files.sync_directory(folder); !synced) return synced;
    }
  }
  for (const std::string& name : names) {
    if (name == schema_file_name || name == lock_file_name || !is_database_file(name)) continue;
    if (auto removed = files.remove(join_path(folder, name)); !removed) return removed;
  }
  return {};
}

// Whether there is something that remove_database() may remove.
std::expected<void, Error> check_removable(FileSystem& files, const std::string& folder) {
  const auto names = files.list(folder);
  if (!names && names.error().code() != ErrorCode::not_found) return std::unexpected(names.error());
  if (!names || names->empty()) {
    return std::unexpected(Error(ErrorCode::not_found, Place{folder}, "there is no database"));
  }
  const auto refuse = [&](std::string reason) {
    return std::unexpected(Error(ErrorCode::not_a_database, Place{folder}, std::move(reason)));
  };
  if (has(*names, schema_file_name)) {
    // Anybody may have written a schema of that name; only an owner adds to it.
    if (has(*names, lock_file_name) || std::any_of(names->begin(), names->end(), is_content)) return {};
    return refuse("the folder has a schema.toml, and neither a lock nor a log");
  }
  if (std::all_of(names->begin(), names->end(), is_database_file)) return {};
  return refuse("the folder has files, and no schema.toml is among them");
}

}  // namespace

std::expected<OwnedFolder, Error> OwnedFolder::lock(FileSystem& files, const std::string& folder, bool create) {
  // Another process may remove the folder between two steps, when it removes its database or takes it back.
  constexpr int tries = 3;
  for (int i = 1;; ++i) {
    OwnedFolder owned(files, folder);
    const auto claimed = owned.claim(create);
    if (claimed) return owned;
    if (!create || claimed.error().code() != ErrorCode::not_found || i == tries) {
      return std::unexpected(claimed.error());
    }
  }
}

std::expected<void, Error> OwnedFolder::claim(bool create) {
  if (create) {
    const auto made = files_->make_directory(folder_);
    if (!made && made.error().code() == ErrorCode::already_exists) {
      return std::unexpected(
          Error(ErrorCode::not_a_database, Place{folder_}, "there is something of that name, and it is no folder"));
    }
    if (!made) return std::unexpected(made.error());
    made_folder_ = *made;
  }
  // Before the lock, which would leave its file in a folder that is somebody else's.
  if (auto usable = check_not_foreign(*files_, folder_); !usable) return usable;
  auto lock = files_->lock(folder_);
  if (!lock) return std::unexpected(lock.error());
  lock_ = *std::move(lock);
  if (auto usable = check_not_foreign(*files_, folder_); !usable) return usable;
  const auto held = holds_database(*files_, folder_);
  if (!held) return std::unexpected(held.error());
  had_database_ = *held;
  return {};
}

OwnedFolder::~OwnedFolder() {
  if (files_ == nullptr || kept_ || had_database_) return;
  try {
    take_back();
  } catch (...) {  // NOLINT(bugprone-empty-catch): out of memory; something else is being reported
  }
}

// Something else is being reported, so failures are left at that.
void OwnedFolder::take_back() {
  if (lock_ != nullptr) {
    const auto names = files_->list(folder_);
    if (!names) return;
    // A schema that is not from here is a database's that could not be looked at, or was put there meanwhile.
    const bool is_anothers = !created_ && has(*names, schema_file_name);
    if (created_) {
      if (!remove_files(*files_, folder_, *names)) return;
    } else if (has(*names, unfinished_schema_name)) {
      if (!files_->remove(join_path(folder_, unfinished_schema_name))) return;
    }
    if (is_anothers || !files_->remove(join_path(folder_, lock_file_name))) return;
  }
  if (made_folder_) (void)files_->remove_directory(folder_);
}

std::expected<void, Error> OwnedFolder::create_database(const CompiledSchema& schema) {
  auto written = write_schema(*files_, folder_, schema);
  created_ = written.has_value();
  return written;
}

std::expected<void, Error> OwnedFolder::remove() {
  const auto names = files_->list(folder_);
  if (!names) return std::unexpected(names.error());
  if (auto removed = remove_files(*files_, folder_, *names); !removed) return removed;
  if (auto removed = files_->remove(join_path(folder_, lock_file_name)); !removed) return removed;
  // From here on another may have the folder: make a database in it, or remove it.
  const auto gone = created_ && !made_folder_ ? false : files_->remove_directory(folder_);
  if (!gone) return std::unexpected(gone.error());
  return files_->sync_directory(*gone ? parent_path(folder_) : folder_);
}

std::expected<void, Error> OwnedFolder::remove_database(FileSystem& files, const std::string& folder) {
  // Before the lock, which would leave its file in a folder that is somebody else's; and again when nobody can come.
  if (auto removable = check_removable(files, folder); !removable) return removable;
  OwnedFolder owned(files, folder);
  auto lock = files.lock(folder);
  if (!lock) return std::unexpected(lock.error());
  owned.lock_ = *std::move(lock);
  if (auto removable = check_removable(files, folder); !removable) return removable;
  owned.keep();
  return owned.remove();
}

}  // namespace stoa::checkpoint
