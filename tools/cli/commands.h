// The commands but `import`, which is a folder of its own: what each is asked, and what runs it.
//
// Each writes its result to standard output and errors to standard error, and answers how the process is to end.
#pragma once

#include <stoa/entity.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "cli/exit_status.h"

namespace stoa::cli {

struct CheckOptions {
  std::filesystem::path schema;
  bool json = false;
};
/// `stoa check`: is the schema right?
ExitStatus run_check(const CheckOptions& options);

struct InfoOptions {
  std::filesystem::path folder;
  bool json = false;
};
/// `stoa info`: what a database holds, as it is on disk now; also beside a live owner.
ExitStatus run_info(const InfoOptions& options);

enum class DumpFormat : std::uint8_t { csv, json };
struct DumpOptions {
  std::filesystem::path folder;
  std::string table;
  DumpFormat format = DumpFormat::csv;
  bool entities = false;  ///< with a first column `@entity`
  bool json = false;      ///< an error is told in JSON, too
};
/// `stoa dump`: the rows of a table; what is written as CSV, `stoa import` reads.
ExitStatus run_dump(const DumpOptions& options);

struct LogOptions {
  std::filesystem::path folder;
  Version from = 0;     ///< 0: the first that is there
  bool follow = false;  ///< goes on until it is interrupted or nobody reads its output
  bool json = false;
  bool all = false;  ///< every operation, and values whole
};
/// `stoa log`: the transactions that were committed, and what each changed.
ExitStatus run_log(const LogOptions& options);

struct DiffOptions {
  std::filesystem::path a;
  std::filesystem::path b;
  bool json = false;
  bool all = false;  ///< every difference, and values whole
};
/// `stoa diff`: how the content of two databases differs. Answers data_wrong where it does, and call_wrong where the
/// two could not be compared, whatever the reason.
ExitStatus run_diff(const DiffOptions& options);

struct VerifyOptions {
  std::filesystem::path folder;
  bool json = false;
};
/// `stoa verify`: is every stored byte right, and does every rule of the schema hold?
ExitStatus run_verify(const VerifyOptions& options);

struct CheckpointOptions {
  std::filesystem::path folder;
  bool json = false;
};
/// `stoa checkpoint`: writes the whole state to the folder, so that opening it is fast and its log short.
ExitStatus run_checkpoint(const CheckpointOptions& options);

}  // namespace stoa::cli
