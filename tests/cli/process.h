// Runs a program to its end and keeps what it wrote. Not here: what that should have been.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace stoa::cli_test {

struct Finished {
  int status = -1;  ///< as exit() got it; 128 + the signal's number where a signal ended it
  std::string out;
  std::string err;
};

/// A signal for the program, sent once `when` is true; asked again and again while it runs.
struct Interruption {
  int signal = 0;
  std::function<bool()> when;
};

/// Starts `arguments[0]` with the rest as its arguments and nothing on its standard input, in `folder`.
[[nodiscard]] Finished run_program(const std::vector<std::string>& arguments, const std::string& folder,
                                   const Interruption& interruption = {});

}  // namespace stoa::cli_test
