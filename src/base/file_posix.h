// The operating system's files. The class is behind the interface; what is here beside it is the rule for partial
// transfers, apart from the system calls so that a test can provoke every one.
#pragma once

#include "base/file.h"

#include <sys/types.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace stoa {

/// Threads: any. Lives as long as the program.
[[nodiscard]] FileSystem& posix_file_system();

namespace detail {

/// Calls transfer(done) -> ssize_t, as pread and pwrite answer, until `bytes` are done or it returns 0 (the end).
/// A signal is no failure, and part of a transfer is progress. Returns the bytes done, or -1 with errno set.
template <typename Transfer>
ssize_t transfer_all(std::size_t bytes, Transfer&& transfer) {
  std::size_t done = 0;
  while (done < bytes) {
    const ssize_t step = transfer(done);
    if (step < 0 && errno == EINTR) continue;
    if (step < 0) return -1;
    if (step == 0) break;
    done += static_cast<std::size_t>(step);
  }
  return static_cast<ssize_t>(done);
}

}  // namespace detail
}  // namespace stoa
