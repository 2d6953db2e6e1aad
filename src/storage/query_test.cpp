// What a walk is told of the pages that it comes to next. Which rows it visits is tests/api/query_test.cpp's.
#include <stoa/detail/query.h>

#include "storage/buffer_manager.h"
#include "storage/testing/world.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace stoa::storage {
namespace {

using detail::Block;
using detail::QueryCursor;
using detail::Term;
using Need = Term::Need;

constexpr std::size_t chunks = 3;
constexpr std::size_t entity_count = ((chunks - 1) << detail::chunk_row_bits_max) + 1;

/// Entities with a position, all of them active, all of which follow somebody.
class PagesAhead : public testing::Test {
 protected:
  void SetUp() override {
    const test::Position position{1, 2, 3};
    const test::Follows follows{};
    const std::array rows{RowImage{table("position"), reinterpret_cast<const std::byte*>(&position)},
                          RowImage{table("active"), nullptr},
                          RowImage{table("follows"), reinterpret_cast<const std::byte*>(&follows)}};
    for (std::size_t i = 0; i != entity_count; ++i) {
      ASSERT_EQ(buffer().create(manager_.entities().reserve(), rows), Outcome::done);
    }
  }

  WriteBuffer& buffer() { return manager_.write_buffer(); }
  TableId table(std::string_view name) {
    for (const TableModel& model : manager_.world().schema->model().tables) {
      if (model.name == name) return model.number;
    }
    return no_table;
  }

  /// What a walk says, block by block.
  struct Said {
    std::vector<const std::byte*> columns;
    std::vector<const std::byte*> ahead;
  };
  std::vector<Said> walk(std::span<const Term> terms) {
    std::vector<Said> out;
    std::vector<const std::byte*> columns(terms.size());
    std::vector<const std::byte*> ahead(terms.size());
    QueryCursor cursor(buffer().root(), terms);
    for (Block block; cursor.next(block, columns.data(), ahead.data());) out.push_back({columns, ahead});
    return out;
  }

  BufferManager manager_{test::make_world(), {}};
};

void expect_next_columns(const auto& said, std::size_t term) {
  ASSERT_EQ(said.size(), chunks);
  for (std::size_t i = 0; i + 1 != said.size(); ++i) EXPECT_EQ(said[i].ahead[term], said[i + 1].columns[term]);
  EXPECT_EQ(said.back().ahead[term], nullptr);
}

TEST_F(PagesAhead, AreTheNextBlocksWhereChunksAreVisited) {
  const std::array terms{Term{table("active"), Need::row}, Term{table("position"), Need::row},
                         Term{table("health"), Need::maybe}};
  const auto said = walk(terms);
  expect_next_columns(said, 1);
  for (const Said& block : said) {
    EXPECT_EQ(block.ahead[0], nullptr) << "a tag has no page";
    EXPECT_EQ(block.ahead[2], nullptr) << "the archetype has no such column";
  }
}

TEST_F(PagesAhead, AreTheNextBlocksWhereASparseTableIsWalkedAlone) {
  const std::array terms{Term{table("follows"), Need::row}};
  expect_next_columns(walk(terms), 0);
}

TEST_F(PagesAhead, AreNotToldWhereRowsAreFoundOneByOne) {
  const std::array terms{Term{table("position"), Need::row}, Term{table("follows"), Need::row}};
  const auto said = walk(terms);
  ASSERT_EQ(said.size(), entity_count);
  for (const Said& block : said) EXPECT_EQ(block.ahead, std::vector<const std::byte*>(2));
}

}  // namespace
}  // namespace stoa::storage
