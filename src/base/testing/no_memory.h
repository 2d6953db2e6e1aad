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

/// While it lives, one of this thread's allocations fails, after `before` others, or all from that one on.
class FailingAllocation {
 public:
  enum class How : bool { once, from_then_on };
  FailingAllocation(std::size_t before, How how) : left_(before), how_(how) { current = this; }
  ~FailingAllocation() { current = nullptr; }
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;

  [[nodiscard]] bool happened() const { return happened_; }
  static bool is_now() {
    FailingAllocation* self = current;
    if (self == nullptr || (self->happened_ && self->how_ == How::once)) return false;
    if (!self->happened_ && self->left_-- != 0) return false;
    return self->happened_ = true;
  }

 private:
  inline static thread_local FailingAllocation* current = nullptr;
  std::size_t left_;
  How how_;
  bool happened_ = false;
};

inline void* allocate_or_fail(std::size_t bytes, std::size_t alignment) {
  if (no_memory || FailingAllocation::is_now()) return nullptr;
  return alignment == 0 ? std::malloc(bytes)
                        : std::aligned_alloc(alignment, (bytes + alignment - 1) & ~(alignment - 1));
}

}  // namespace stoa::test

// Not inlined: g++ would see free() at the end of what new began, and take it for a mistake.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  void* block = stoa::test::allocate_or_fail(bytes, 0);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment) {
  void* block = stoa::test::allocate_or_fail(bytes, static_cast<std::size_t>(alignment));
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t& /*how*/) noexcept {
  return stoa::test::allocate_or_fail(bytes, 0);
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t /*bytes*/) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::align_val_t /*alignment*/) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t /*bytes*/, std::align_val_t /*alignment*/) noexcept {
  std::free(block);
}
