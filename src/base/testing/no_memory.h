// For tests: replaces operator new for the whole test binary, so that memory runs out on demand. To be included in one
// source of it.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

namespace stoa::test {

/// While it is set, this thread gets no memory.
inline thread_local bool no_memory = false;

struct NoMemory {
  NoMemory() { no_memory = true; }
  ~NoMemory() { no_memory = false; }
  NoMemory(const NoMemory&) = delete;
  NoMemory& operator=(const NoMemory&) = delete;
};

}  // namespace stoa::test

// Not inlined: g++ would see free() at the end of what new began, and take it for a mistake.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  void* block = stoa::test::no_memory ? nullptr : std::malloc(bytes);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t& /*how*/) noexcept {
  return stoa::test::no_memory ? nullptr : std::malloc(bytes);
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t /*bytes*/) noexcept { std::free(block); }
