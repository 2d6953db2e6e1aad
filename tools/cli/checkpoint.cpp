#include <fmt/format.h>
#include <stoa/database.h>

#include <algorithm>
#include <chrono>
#include <iterator>

#include "cli/commands.h"
#include "cli/end.h"
#include "cli/folder_files.h"
#include "cli/json.h"
#include "cli/text.h"

namespace stoa::cli {

ExitStatus run_checkpoint(const CheckpointOptions& options) {
  auto database = Database::open_existing(options.folder);
  if (!database) return end_with_error(database.error(), options.json);
  const FolderFiles before = files_in(options.folder);
  const auto began = std::chrono::steady_clock::now();
  const auto made = database->checkpoint();
  const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - began;
  if (!made) return end_with_error(made.error(), options.json);
  if (auto closed = database->close(); !closed) return end_with_error(closed.error(), options.json);

  const FolderFiles after = files_in(options.folder);
  const auto file = std::ranges::find(after.checkpoints, *made, &CheckpointFile::version);
  const std::uint64_t bytes = file == after.checkpoints.end() ? 0 : file->bytes;
  const std::uint64_t dropped = before.segments - std::min(before.segments, after.segments);
  Output output;
  if (options.json) {
    JsonWriter json(output.text());
    json.begin_object()
        .member("version", *made)
        .member("bytes", bytes)
        .member("milliseconds", taken.count())
        .member("segments_dropped", dropped)
        .member("passed_by", database->recovery().passed_by)
        .end_object();
    output.text() += '\n';
  } else {
    const std::string& passed_by = database->recovery().passed_by;
    auto out = std::back_inserter(output.text());
    fmt::format_to(out, "{}: version {}, {} bytes in {:.0f} ms, {} {} of the log dropped\n", options.folder.string(),
                   *made, bytes, taken.count(), dropped, noun_for(dropped, "segment", "segments"));
    if (!passed_by.empty()) fmt::format_to(out, "replaces   {}\n", passed_by);
  }
  return end_command(output, ExitStatus::done);
}

}  // namespace stoa::cli
