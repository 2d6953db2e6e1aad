// Errors for those who must answer though memory has run out.
#pragma once

#include <stoa/error.h>

#include <expected>
#include <new>
#include <utility>

namespace stoa {

/// The error that `make()` returns or, where there is no memory for it, one that says no more than `code`.
template <typename Make>
[[nodiscard]] Error make_error(ErrorCode code, Make&& make) noexcept {
  try {
    return std::forward<Make>(make)();
  } catch (const std::bad_alloc&) {
    return Error(code);
  }
}

[[nodiscard]] inline Error make_error(ErrorCode code, const char* reason) noexcept {
  return make_error(code, [=] { return Error(code, reason); });
}

/// What `call()` returns, or out_of_memory if it throws std::bad_alloc.
template <typename Call>
[[nodiscard]] auto without_bad_alloc(Call&& call) -> decltype(call()) {
  try {
    return std::forward<Call>(call)();
  } catch (const std::bad_alloc&) {
    return std::unexpected(Error(ErrorCode::out_of_memory));
  }
}

}  // namespace stoa
