// Which options make sense.
#pragma once

#include <stoa/error.h>
#include <stoa/options.h>

#include <expected>

namespace stoa::database {

/// Errors: invalid_argument, naming the option.
[[nodiscard]] std::expected<void, Error> check_options(const Options& options);

}  // namespace stoa::database
