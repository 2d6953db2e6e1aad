// Walks that write plain arrays, beside single operations on the same rows: a page tells only what its rows are now.
#include "world.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <unistd.h>

namespace stoa::test {
namespace {

// In memory nobody wants to know which rows a walk changed; a log does.
class BulkWrite : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(folder_);
    open();
    Transaction transaction = db_->begin();
    rows_ = transaction.create(3);
    for (std::int32_t i = 0; i < 3; ++i) transaction.insert(rows_[static_cast<std::size_t>(i)], Velocity{i + 1, 0});
    ASSERT_TRUE(std::move(transaction).commit());
  }
  void TearDown() override {
    db_.reset();
    std::filesystem::remove_all(folder_);
  }
  void open() {
    db_.reset();
    auto opened = GetParam() ? Database::open(folder_, make_schema()) : Database::in_memory(make_schema());
    ASSERT_TRUE(opened) << opened.error().message();
    db_.emplace(std::move(*opened));
  }
  /// And in a folder also what comes back from it.
  void expect(Version version, const std::vector<std::int32_t>& values) {
    for (int round = 0; round < (GetParam() ? 2 : 1); ++round) {
      if (round == 1) open();
      EXPECT_EQ(db_->version(), version);
      const Snapshot now = db_->snapshot();
      for (std::size_t i = 0; i < rows_.size(); ++i) EXPECT_EQ(now.get<Velocity>(rows_[i])->dx, values[i]) << i;
    }
  }
  template <typename Function>
  void write(Function&& function) {
    const auto answer = db_->write(function);
    ASSERT_TRUE(answer) << answer.error().message();
  }
  static void add(Writer& writer, std::int32_t number) {
    writer.each<Velocity>([&](Entity, Velocity& velocity) { velocity.dx += number; });
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("stoa-bulk-" + std::to_string(::getpid()));
  std::optional<Database> db_;
  std::vector<Entity> rows_;
};
INSTANTIATE_TEST_SUITE_P(InMemoryAndInAFolder, BulkWrite, ::testing::Bool());

TEST_P(BulkWrite, SeveralWalksAreOneEffect) {
  write([](Writer& writer) {
    add(writer, 1);
    add(writer, 2);
    add(writer, -1);
  });
  expect(2, {3, 4, 5});
}

TEST_P(BulkWrite, WalksThatTakeEachOtherBackHaveNoEffect) {
  write([](Writer& writer) {
    add(writer, 1);
    add(writer, -1);
  });
  expect(1, {1, 2, 3});
}

TEST_P(BulkWrite, AWalkThatIsTakenBackRowByRowHasNoEffect) {
  write([&](Writer& writer) {
    add(writer, 1);
    for (std::int32_t i = 0; i < 3; ++i) writer.set<&Velocity::dx>(rows_[static_cast<std::size_t>(i)], i + 1);
  });
  expect(1, {1, 2, 3});
}

TEST_P(BulkWrite, RowByRowThatIsTakenBackByAWalkHasNoEffect) {
  write([&](Writer& writer) {
    for (std::int32_t i = 0; i < 3; ++i) writer.set<&Velocity::dx>(rows_[static_cast<std::size_t>(i)], i + 2);
    add(writer, -1);
  });
  expect(1, {1, 2, 3});
}

TEST_P(BulkWrite, RowsThatOnlyChangePlacesHaveNoEffect) {
  write([&](Writer& writer) {
    add(writer, 1);
    writer.insert(rows_[0], Active{}).remove<Active>(rows_[0]);  // its row is the last one now
    add(writer, -1);
  });
  expect(1, {1, 2, 3});
}

TEST_P(BulkWrite, ValuesThatMoveAgainstTheirRowsAreAnEffect) {
  // The page holds 1, 2, 3 before and after, but the rows have changed places.
  write([&](Writer& writer) {
    writer.each<Velocity>([&](Entity entity, Velocity& velocity) {
      velocity.dx = entity == rows_[0] ? 3 : entity == rows_[1] ? 2 : 1;
    });
    writer.insert(rows_[0], Active{}).remove<Active>(rows_[0]);
  });
  expect(2, {3, 2, 1});
}

TEST_P(BulkWrite, AWalkWithAnOperationOnItsRowsIsOneEffect) {
  write([&](Writer& writer) {
    writer.each<Velocity>([&](Entity entity, Velocity& velocity) {
      velocity.dx += 10;
      if (entity == rows_[1]) writer.set<&Velocity::dx>(entity, 7);
    });
  });
  expect(2, {11, 7, 13});
}

TEST_P(BulkWrite, WhatAWalkWroteBeforeAnExceptionStandsIfTheFunctionGoesOn) {
  std::vector<std::int32_t> values{1, 2, 3};
  write([&](Writer& writer) {
    std::size_t seen = 0;
    try {
      writer.each<Velocity>([&](Entity entity, Velocity& velocity) {
        if (++seen == 3) throw std::runtime_error("enough");
        velocity.dx += 10;
        for (std::size_t i = 0; i < 3; ++i) values[i] += entity == rows_[i] ? 10 : 0;
      });
    } catch (const std::runtime_error&) {
    }
  });
  expect(2, values);
}

// No row is told here: the pages themselves must come back.
TEST_P(BulkWrite, AFailedFunctionOfWalksAloneLeavesNothing) {
  const auto answer = db_->write([&](Writer& writer) -> std::expected<void, Error> {
    add(writer, 5);
    add(writer, 5);
    return std::unexpected(Error::invalid("no"));
  });
  EXPECT_EQ(answer.error().code(), ErrorCode::invalid_argument);
  expect(1, {1, 2, 3});
}

TEST_P(BulkWrite, AFailedFunctionLeavesNothingOfItsWalks) {
  const auto answer = db_->write([&](Writer& writer) -> std::expected<void, Error> {
    add(writer, 5);
    writer.insert(rows_[0], Active{}).destroy(rows_[1]);
    add(writer, 5);
    return std::unexpected(Error::invalid("no"));
  });
  EXPECT_EQ(answer.error().code(), ErrorCode::invalid_argument);
  expect(1, {1, 2, 3});
}

}  // namespace
}  // namespace stoa::test
