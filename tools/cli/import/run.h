// What the steps of an import share: its files, and what is known of each record. Not here: the steps (survey.h,
// settle.h, load.h), and what decides between them (import.h).
#pragma once

#include <stoa/schema.h>

#include <cstdint>
#include <filesystem>
#include <vector>

#include "cli/import/options.h"
#include "cli/import/plan.h"
#include "cli/import/problems.h"
#include "cli/import/progress.h"
#include "cli/import/unique_rules.h"
#include "cli/import/waiting.h"

namespace stoa::cli {

/// A file's size and time: both passes must read the same.
struct FileStamp {
  std::uintmax_t bytes = 0;
  std::filesystem::file_time_type changed;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

struct ImportFile {
  std::filesystem::path path;
  FileStamp stamp;
  FilePlan plan;

  // By record, bad ones counted.
  std::vector<std::uint64_t> lines;
  std::vector<bool> left_out;
  std::vector<std::uint32_t> keys;        ///< number of the row's own key in its rule; empty where the table has none
  std::vector<std::uint32_t> references;  ///< numbers of the keys referred to, reference_count a record; none is null

  std::uint64_t rows_left_out = 0;

  [[nodiscard]] std::uint32_t record_count() const { return static_cast<std::uint32_t>(lines.size()); }
};

struct ImportRun {
  const SchemaModel& schema;
  UniqueRules& rules;
  std::vector<ImportFile>& files;
  Problems& problems;
  Progress& progress;
  WaitingRows waiting{};

  [[nodiscard]] bool is_left_out(RecordNumber number) const { return files[number.file].left_out[number.record]; }
  /// Whether there is a row that has the value, as far as is known.
  [[nodiscard]] bool is_there(const Holder& holder) const {
    return holder.kind == Holder::Kind::database ||
           (holder.kind == Holder::Kind::record && !is_left_out(holder.record));
  }
};

}  // namespace stoa::cli
