#include "cli/end.h"

#include "cli/json.h"

namespace stoa::cli {

ExitStatus end_command(Output& output, ExitStatus status) {
  const auto written = output.flush();
  return written ? status : end_with_error(written.error());
}

ExitStatus end_with_error(const Error& error, bool json) {
  print_error(error);
  if (json) {
    Output output;
    JsonWriter writer(output.text());
    writer.begin_object().member("ok", false).name("error");
    append_error(writer, error);
    writer.end_object();
    output.text() += '\n';
    [[maybe_unused]] const auto written = output.flush();  // there is an error to report already
  }
  return exit_status_of(error.code());
}

}  // namespace stoa::cli
