#include "csv/writer.h"

namespace stoa::csv {

void append_cell(std::string& out, std::string_view cell) {
  // A byte order mark at the front of a file would be dropped by the reader; within quotes it is text.
  if (cell.find_first_of(",\"\r\n") == std::string_view::npos && !cell.starts_with("\xEF\xBB\xBF")) {
    out += cell;
    return;
  }
  out += '"';
  for (std::size_t at = 0; at < cell.size();) {
    const std::size_t quote = cell.find('"', at);
    if (quote == std::string_view::npos) {
      out += cell.substr(at);
      break;
    }
    out += cell.substr(at, quote + 1 - at);
    out += '"';
    at = quote + 1;
  }
  out += '"';
}

void append_record(std::string& out, std::span<const std::string_view> cells) {
  if (cells.size() == 1 && cells.front().empty()) {
    out += "\"\"\n";
    return;
  }
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i != 0) out += ',';
    append_cell(out, cells[i]);
  }
  out += '\n';
}

}  // namespace stoa::csv
