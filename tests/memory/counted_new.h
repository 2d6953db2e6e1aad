// For tests: replaces operator new for the whole test binary, so that allocations are counted. To be included in one
// source of it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace stoa::test {

/// Of all threads, since the start.
inline std::atomic<std::uint64_t> heap_allocations{0};

inline void* counted(std::size_t bytes) noexcept {
  heap_allocations.fetch_add(1, std::memory_order_relaxed);  // relaxed: read once the threads are still
  return std::malloc(bytes);
}

}  // namespace stoa::test

// Not inlined: g++ would see free() at the end of what new began, and take it for a mistake.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  void* block = stoa::test::counted(bytes);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t& /*how*/) noexcept {
  return stoa::test::counted(bytes);
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t /*bytes*/) noexcept { std::free(block); }
