// What a transaction wrote down, of which only the ids stay where it is given up.
#include "txn/op_buffer.h"

#include "base/random.h"
#include "base/testing/seed.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace stoa::txn {
namespace {

std::vector<Entity> created_by(const OpBuffer& ops) {
  std::vector<Entity> out;
  OpBuffer::Reader reader(ops);
  while (const WriteOp* op = reader.next()) {
    EXPECT_EQ(op->kind, WriteOp::Kind::create);
    const auto entities = OpBuffer::entities(*op);
    out.insert(out.end(), entities.begin(), entities.end());
  }
  return out;
}

TEST(OpBuffer, KeepsWhatCreatesAndNoOtherMemory) {
  SeededRandom random(test::test_seed());
  std::uint32_t next = 0;
  for (int round = 0; round != 300; ++round) {
    OpBuffer ops;
    std::vector<Entity> created;
    const std::uint64_t one_in = 1 + random.next() % 30;
    for (std::uint64_t left = random.next() % 400; left != 0; --left) {
      if (random.next() % one_in == 0) {
        std::vector<Entity> some(1 + (random.next() % 4 == 0 ? random.next() % 300 : 0));
        for (Entity& entity : some) entity = {next++, 1};
        ops.push_many({.kind = WriteOp::Kind::create, .entity = {}}, some, nullptr, 0, {});
        created.insert(created.end(), some.begin(), some.end());
      } else {
        const std::vector<std::byte> row(random.next() % 3000 + 1);
        ops.push({.kind = WriteOp::Kind::insert, .entity = {}}, row.data(), static_cast<std::uint32_t>(row.size()), {},
                 0);
      }
    }
    ops.keep_creations();
    ASSERT_EQ(created_by(ops), created);
    EXPECT_EQ(ops.count(), created.size());
    EXPECT_LE(ops.bytes(), created.size() * (sizeof(WriteOp) + sizeof(Entity)));
    ops.push_many({.kind = WriteOp::Kind::create, .entity = {}}, std::vector<Entity>{{7, 7}}, nullptr, 0, {});
    created.emplace_back(7, 7);
    ASSERT_EQ(created_by(ops), created) << "it goes on behind them";
  }
}

TEST(OpBuffer, ReadsWhatWasWrittenSinceItWasCleared) {
  SeededRandom random(test::test_seed());
  for (int buffers = 0; buffers != 20; ++buffers) {
    OpBuffer ops;
    OpBuffer other;
    for (int round = 0; round != 30; ++round) {
      std::vector<std::size_t> sizes(random.next() % 40);
      const std::uint64_t largest = random.next() % 8 == 0 ? OpBuffer::kept_bytes_max * 2 : 600;
      for (std::size_t& size : sizes) {
        size = 8 * (random.next() % (largest / 8));
        const std::vector<std::byte> row(size, static_cast<std::byte>(round));
        ops.push({.kind = WriteOp::Kind::insert, .entity = {}}, row.data(), static_cast<std::uint32_t>(size), {}, 0);
      }
      if (random.next() % 4 == 0) {
        ops.swap(other);
        ops.swap(other);
      }
      EXPECT_EQ(ops.empty(), sizes.empty());
      OpBuffer::Reader reader(ops);
      for (const std::size_t size : sizes) {
        const WriteOp* op = reader.next();
        ASSERT_NE(op, nullptr);
        ASSERT_EQ(op->payload_bytes, size);
        const std::byte* const row = OpBuffer::payload(*op);
        ASSERT_TRUE(
            std::all_of(row, row + size, [&](std::byte byte) { return byte == static_cast<std::byte>(round); }));
      }
      ASSERT_EQ(reader.next(), nullptr);
      ops.clear();
      EXPECT_EQ(ops.bytes(), 0U);
    }
  }
}

TEST(OpBufferReader, LooksBehindARecordAsFarAsItsBlockGoes) {
  OpBuffer ops;
  for (std::uint32_t i = 0; i != 2; ++i) ops.push({.kind = WriteOp::Kind::destroy, .entity = {i, 1}});
  OpBuffer::Reader reader(ops);
  const WriteOp* const first = reader.peek();
  const WriteOp* const second = reader.find_after(*first);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->entity, Entity(1, 1));
  EXPECT_EQ(reader.find_after(*second), nullptr);
  EXPECT_EQ(reader.peek(), first) << "nothing was taken";
  reader.take(*second, 2);
  EXPECT_EQ(reader.taken(), 2U);
  EXPECT_EQ(reader.peek(), nullptr);
}

}  // namespace
}  // namespace stoa::txn
