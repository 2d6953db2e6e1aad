// A world as small as can be, for the tests of pins and reclamation: a root block that names a few leaf blocks, all
// full of patterns, and overwritten the moment they are reclaimed. It keeps the protocol's order of steps; the tests
// decide who takes a step when.
#pragma once

#include "memory/page_pool.h"
#include "memory/page_writer.h"
#include "memory/pins.h"
#include "memory/reclaimer.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

namespace stoa::memory {

/// The payload of every block, leaf or root, so that any of them may be used again as any other.
struct TestBlock {
  static constexpr std::size_t leaves = 4;

  std::uint64_t tag;  // of a root: its number
  const TestBlock* leaf[leaves] = {};
  std::uint64_t leaf_tag[leaves] = {};
  std::uint64_t check = 0;

  void seal() noexcept { check = sum(); }
  [[nodiscard]] bool intact() const noexcept { return check == sum(); }

  [[nodiscard]] std::uint64_t sum() const noexcept {
    std::uint64_t sum = tag * 0x9E3779B97F4A7C15U + 1;
    for (std::size_t i = 0; i != leaves; ++i) {
      sum = (sum ^ reinterpret_cast<std::uintptr_t>(leaf[i]) ^ leaf_tag[i]) * 0xD6E8FEB86659FD93U;
    }
    return sum;
  }
};

/// Whether the whole root is as it was published. What a reader sees through a pin.
[[nodiscard]] inline bool is_whole(const TestBlock& root) noexcept {
  if (!root.intact()) return false;
  for (std::size_t i = 0; i != TestBlock::leaves; ++i) {
    if (!root.leaf[i]->intact() || root.leaf[i]->tag != root.leaf_tag[i]) return false;
  }
  return true;
}

class TestWorld {
 public:
  TestWorld() {
    writer.begin(1);
    next_ = new_block(1);
    for (std::size_t i = 0; i != TestBlock::leaves; ++i) set_leaf(*next_, i);
    next_->seal();
    store_root();
    store_number();
    writer.begin(2);
  }

  // A commit of the writer, step by step.

  /// Makes the next root: one leaf and the root itself are new, the rest is shared.
  void fill(std::size_t leaf) {
    const TestBlock& before = *newest_.load(std::memory_order_relaxed);  // relaxed: the writer's own store
    next_ = new_block(writer.root_seq());
    std::copy_n(before.leaf, TestBlock::leaves, next_->leaf);
    std::copy_n(before.leaf_tag, TestBlock::leaves, next_->leaf_tag);
    writer.discard(before.leaf[leaf]);
    set_leaf(*next_, leaf);
    next_->seal();
    writer.discard(&before);
  }
  void store_root() { newest_.store(next_, std::memory_order_seq_cst); }
  void store_number() { number_.store(next_->tag, std::memory_order_release); }
  void retire() { reclaimer.retire(writer.take_retired()); }
  bool collect() { return pins.collect(seen); }
  /// Frees what may be freed, and overwrites it: what is freed last the pool gives out first.
  void reclaim() {
    const std::size_t before = pool.bytes_in_use();
    reclaimer.reclaim(seen);
    while (pool.bytes_in_use() != before) {
      graves_.push_back(new_block(0));
      std::fill_n(graves_.back()->leaf_tag, TestBlock::leaves, 0xDEAD);
    }
  }
  /// Lets the overwritten blocks be used again.
  void empty_graves() {
    for (TestBlock* grave : graves_) pool.release(grave);
    graves_.clear();
  }
  void begin_next() { writer.begin(writer.root_seq() + 1); }

  // What a reader loads: the number to announce, and then the root.

  [[nodiscard]] std::uint64_t load_number() const { return number_.load(std::memory_order_acquire); }
  [[nodiscard]] const TestBlock* load_root() const { return newest_.load(std::memory_order_seq_cst); }

  /// The blocks of one root, and no others, are in use.
  [[nodiscard]] bool drained() const { return pool.bytes_in_use() == (TestBlock::leaves + 1) * block_bytes_; }

  PagePool pool{{.slab_bytes_first = 16 << 10}};
  PageWriter writer{pool};
  Reclaimer reclaimer{pool, 1};
  Pins pins;
  PinSet seen;

 private:
  TestBlock* new_block(std::uint64_t tag) {
    auto* block = new (writer.allocate(sizeof(TestBlock))) TestBlock{.tag = tag};
    block_bytes_ = PagePool::block_bytes(block);
    return block;
  }
  void set_leaf(TestBlock& root, std::size_t index) {
    TestBlock* leaf = new_block(root.tag * TestBlock::leaves + index);
    leaf->seal();
    root.leaf[index] = leaf;
    root.leaf_tag[index] = leaf->tag;
  }

  std::atomic<const TestBlock*> newest_{nullptr};
  std::atomic<std::uint64_t> number_{0};
  TestBlock* next_ = nullptr;
  std::vector<TestBlock*> graves_;
  std::size_t block_bytes_ = 0;
};

}  // namespace stoa::memory
