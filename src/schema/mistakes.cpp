#include "schema/mistakes.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <tuple>

#include "base/printable.h"

namespace stoa::schema {
namespace {

/// The place of the path or, where it was not written itself, of what it is part of.
detail::Mark mark_of(const detail::SchemaDraft& draft, std::string_view path) {
  while (true) {
    if (const auto found = draft.marks.find(path); found != draft.marks.end()) return found->second;
    const std::size_t dot = path.rfind('.');
    if (dot == std::string_view::npos) return {};
    path = path.substr(0, dot);
  }
}

/// "tables.docked.fields.gate.min" as a C++ program would say it: "docked.gate.min".
std::string subject(std::string_view path) {
  const auto next = [&path] {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const std::string_view part = path.substr(0, dot);
    path.remove_prefix(std::min(dot + 1, path.size()));
    return part;
  };
  std::string out(next());
  if (path.empty()) return out;
  out = next();  // what comes before it, tables, enums or structs, is said by the reason
  if (path.starts_with("fields.") || path.starts_with("variants.")) next();
  if (!path.empty()) out += fmt::format(".{}", path);
  return out;
}

}  // namespace

Error to_error(const detail::SchemaDraft& draft, const Mistakes& mistakes) {
  struct Line {
    detail::Mark mark;
    std::string_view path;
    std::string reason;
  };
  std::vector<Line> lines;
  for (const detail::Mistake& mistake : mistakes) {
    lines.push_back({mark_of(draft, mistake.path), mistake.path, printable(mistake.reason)});
  }
  std::ranges::stable_sort(lines, {}, [](const Line& line) { return std::tuple(line.mark.line, line.mark.column); });

  const std::string source = printable(draft.source);
  std::string text;
  for (const Line& line : lines) {
    if (&line == &lines.front()) {
      // The first line's place is the error's own.
      text = line.mark.line != 0 ? line.reason : fmt::format("{}: {}", printable(subject(line.path)), line.reason);
    } else if (line.mark.line != 0) {
      text += fmt::format("\n{}:{}:{}: {}", source, line.mark.line, line.mark.column, line.reason);
    } else {
      text += fmt::format("\n{}: {}", printable(subject(line.path)), line.reason);
    }
  }
  const bool only_mismatch = std::ranges::all_of(
      mistakes, [](const detail::Mistake& mistake) { return mistake.code == ErrorCode::schema_mismatch; });
  const ErrorCode code = only_mismatch ? ErrorCode::schema_mismatch : ErrorCode::schema_invalid;
  const detail::Mark first = lines.front().mark;
  if (first.line == 0) return {code, std::move(text)};
  return {code, Place{.source = draft.source, .line = first.line, .column = first.column, .offset = 0},
          std::move(text)};
}

}  // namespace stoa::schema
