// What the process says when it ends, and which error means which. Not here: the errors' texts.
#pragma once

#include <stoa/error.h>

#include <cstdint>

namespace stoa::cli {

enum class ExitStatus : std::uint8_t {
  done = 0,
  data_wrong = 1,  ///< a schema, a file's content or a database's content is not right
  call_wrong = 2,  ///< what was asked for cannot be done: an option, a name, a folder that is in use, a full disk
};

/// 1 where what was read is wrong, 2 where the call or the machine it ran on is.
[[nodiscard]] ExitStatus exit_status_of(ErrorCode code);

}  // namespace stoa::cli
