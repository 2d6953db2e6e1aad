// Which thread this is, as one word.
#pragma once

namespace stoa::txn {

/// An address that is this thread's alone, while it lives.
inline const void* this_thread_mark() {
  thread_local const char mark = 0;
  return &mark;
}

}  // namespace stoa::txn
