#include <fmt/format.h>
#include <poll.h>
#include <stoa/log.h>
#include <unistd.h>

#include <chrono>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>

#include "cli/commands.h"
#include "cli/end.h"
#include "cli/field_text.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/text.h"

namespace stoa::cli {
namespace {

constexpr std::chrono::milliseconds poll_interval{100};

std::string_view name_of(DeltaOp::Kind kind) {
  switch (kind) {
    case DeltaOp::Kind::insert: return "insert";
    case DeltaOp::Kind::update: return "update";
    case DeltaOp::Kind::remove: return "remove";
    case DeltaOp::Kind::create_entity: return "create";
    case DeltaOp::Kind::delete_entity: return "delete";
  }
  return {};
}

/// "2026-11-27T10:15:02.123456789Z"
std::string utc_text(std::chrono::sys_time<std::chrono::nanoseconds> time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

class LogPrinter {
 public:
  LogPrinter(const LogOptions& options, const SchemaModel& schema)
      : options_(options),
        schema_(schema),
        value_bytes_max_(options.all ? std::numeric_limits<std::size_t>::max() : shown_bytes_max) {}

  std::expected<void, Error> print(const LoggedTransaction& transaction) {
    written_ = {};
    options_.json ? append_object(transaction) : append_lines(transaction);
    if (!written_) return written_;
    return output_.flush_if_large();
  }
  std::expected<void, Error> flush() { return output_.flush(); }

 private:
  void append_lines(const LoggedTransaction& transaction) {
    const Delta& delta = transaction.delta;
    const std::size_t count = delta.count();
    const auto out = std::back_inserter(output_.text());
    fmt::format_to(out, "version {}  {}", transaction.version, utc_text(transaction.time));
    if (delta.tag() != 0) fmt::format_to(out, "  tag {}", delta.tag());
    fmt::format_to(out, "  {} operation{}  {} bytes\n", count, count == 1 ? "" : "s", transaction.bytes);
    std::size_t shown = 0;
    delta.each([&](const DeltaChange& change) {
      // One more is not told in fewer lines than it takes.
      if (!options_.all && shown == shown_lines_max && count > shown_lines_max + 1) {
        fmt::format_to(std::back_inserter(output_.text()), "  ... and {} more; --all lists them\n", count - shown);
        return false;
      }
      ++shown;
      append_line(change);
      return gather();
    });
  }

  void append_line(const DeltaChange& change) {
    std::string& text = output_.text();
    fmt::format_to(std::back_inserter(text), "  {}  {}", name_of(change.kind), entity_text(change.entity));
    if (change.table != nullptr) fmt::format_to(std::back_inserter(text), "  {}", change.table->name);
    std::string_view before = "  ";
    for (const FieldModel* field : change.fields) {
      text += before;
      text += field->name;
      text += '=';
      append_value_text(text, schema_, *field, change.row->field(*field).value(), value_bytes_max_);
      before = " ";
    }
    text += '\n';
  }

  void append_object(const LoggedTransaction& transaction) {
    JsonWriter json(output_.text());
    json.begin_object()
        .member("version", transaction.version)
        .member("time", utc_text(transaction.time))
        .member("tag", transaction.delta.tag())
        .member("bytes", transaction.bytes);
    json.name("operations").begin_array();
    transaction.delta.each([&](const DeltaChange& change) {
      json.begin_object().member("operation", name_of(change.kind)).member("entity", entity_text(change.entity));
      if (change.table != nullptr) json.member("table", change.table->name);
      if (change.row) {
        json.name("fields").begin_object();
        for (const FieldModel* field : change.fields) {
          json.name(field->name).value(schema_, *field, change.row->field(*field).value());
        }
        json.end_object();
      }
      json.end_object();
      return gather();
    });
    json.end_array().end_object();
    output_.text() += '\n';
  }

  // A bulk transaction need not be in memory as text as well.
  bool gather() {
    written_ = output_.flush_if_large();
    return written_.has_value();
  }

  const LogOptions& options_;
  const SchemaModel& schema_;
  const std::size_t value_bytes_max_;
  Output output_;
  std::expected<void, Error> written_;
};

/// False where nobody reads on, or nobody wants more.
bool wait_for_more() {
  pollfd output{.fd = STDOUT_FILENO, .events = 0, .revents = 0};
  ::poll(&output, 1, static_cast<int>(poll_interval.count()));  // which a signal cuts short
  return (output.revents & (POLLERR | POLLHUP | POLLNVAL)) == 0 && !interrupted();
}

/// Until the log ends or, where it is followed, until it is enough.
std::expected<void, Error> print_log(const LogOptions& options, LogReader& reader, LogPrinter& printer) {
  while (!interrupted()) {
    const auto transaction = reader.next();
    if (!transaction) return std::unexpected(transaction.error());
    if (*transaction) {
      if (auto printed = printer.print(**transaction); !printed) return printed;
      continue;
    }
    if (auto flushed = printer.flush(); !flushed) return flushed;
    if (!options.follow || !wait_for_more()) break;
  }
  return {};
}

}  // namespace

ExitStatus run_log(const LogOptions& options) {
  auto reader = LogReader::open(options.folder, options.from);
  if (!reader) return end_with_error(reader.error(), options.json);
  if (options.follow) catch_interrupts();
  LogPrinter printer(options, reader->schema().model());
  auto printed = print_log(options, *reader, printer);
  // What is before an error is shown before it.
  if (auto flushed = printer.flush(); printed && !flushed) printed = flushed;
  return printed ? ExitStatus::done : end_with_error(printed.error(), options.json);
}

}  // namespace stoa::cli
