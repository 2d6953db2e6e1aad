// Rows of one shape: what is written in place, what is copied, and that each removal can be taken back.
#include "storage/chunk_store.h"

#include "memory/page_pool.h"
#include "storage/paged_array.h"
#include "storage/testing/properties.h"
#include "storage/testing/workload.h"
#include "storage/testing/world.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

namespace stoa::storage {
namespace {

using test::Health;
using test::Image;
using test::image_of;
using test::Position;

/// A store of two tables and its entities, root after root, without a reclaimer: what is retired stays as it was.
class ChunkEditor : public testing::Test {
 protected:
  void SetUp() override {
    pages_.begin(1);
    store_ = storage::ChunkEditor::make(pages_, *shape_);
  }

  storage::ChunkEditor edit() {
    store_ = storage::ChunkEditor::own(pages_, store_);
    return {pages_, *store_};
  }
  /// The store as readers of the sealed root have it.
  const ChunkStore& seal() {
    pages_.begin(pages_.root_seq() + 1);
    return *store_;
  }

  std::uint32_t append() {
    const Entity entity{next_++, 1};
    storage::ChunkEditor editor = edit();
    const std::uint32_t row = editor.append(entity);
    for (std::size_t column = 1; column != shape_->columns.size(); ++column) fill(editor, row, column, entity.index());
    return row;
  }
  void append(std::uint32_t rows) {
    for (; rows != 0; --rows) append();
  }
  void fill(storage::ChunkEditor& editor, std::uint32_t row, std::size_t column, std::uint32_t value) {
    std::memset(editor.edit(row, column), static_cast<int>(value % 251 + 1), shape_->columns[column].cell_bytes);
  }
  const void* page(std::uint32_t chunk, std::size_t column) { return find_page(store_->columns()[column], chunk); }

  const detail::WorldInfo world_ = test::make_world();
  const std::array<TableId, 2> tables_{world_.schema->table_of<Position>(), world_.schema->table_of<Health>()};
  memory::PagePool pool_;
  PageWriter pages_{pool_};
  const StoreShape* const shape_ = make_shape(pages_, world_, 0, tables_);
  const std::uint32_t chunk_rows_ = shape_->chunk_rows();
  ChunkStore* store_ = nullptr;
  std::uint32_t next_ = 0;
};

TEST_F(ChunkEditor, AppendsInPlacePastTheSealedRows) {
  append(chunk_rows_ + 1);
  const ChunkStore& sealed = seal();
  const Image before = image_of(sealed);
  const void* last = page(1, 1);
  append();
  EXPECT_EQ(page(1, 1), last);
  EXPECT_EQ(image_of(sealed), before);
  EXPECT_EQ(sealed.rows + 1, store_->rows);
}

TEST_F(ChunkEditor, CopiesAPageForARowBelowTheSealedRows) {
  append(chunk_rows_ + 1);
  const ChunkStore& sealed = seal();
  const Image before = image_of(sealed);
  storage::ChunkEditor editor = edit();
  fill(editor, chunk_rows_, 1, 99);
  EXPECT_NE(page(1, 1), sealed.chunk_column(1, 1));
  EXPECT_EQ(page(1, 2), sealed.chunk_column(1, 2)) << "only the column that is written is copied";
  EXPECT_EQ(image_of(sealed), before);
}

TEST_F(ChunkEditor, CopiesAPageToAppendWhereASealedRowWasTakenOff) {
  append(chunk_rows_ + 2);
  const ChunkStore& sealed = seal();
  const Image before = image_of(sealed);
  edit().pop();
  append();
  EXPECT_EQ(image_of(sealed), before);
  const ChunkStore& again = seal();
  const Image after = image_of(again);
  edit().pop();
  seal();  // nothing is appended in this root: the mark must outlast it
  append();
  EXPECT_EQ(image_of(again), after);
  EXPECT_EQ(image_of(sealed), before);
}

TEST_F(ChunkEditor, WritesTheRowsOfTheSameRootInPlace) {
  append(chunk_rows_ + 1);
  seal();
  const void* last = page(1, 1);
  const std::uint32_t row = append();
  storage::ChunkEditor editor = edit();
  fill(editor, row, 1, 7);
  EXPECT_EQ(page(1, 1), chunk_rows_ > 1 ? last : page(1, 1));
}

TEST_F(ChunkEditor, GrowsTheFirstChunkUntilItIsAFullOne) {
  EXPECT_EQ(store_->rows_first, 0U);
  std::uint32_t room = detail::chunk_rows_first;
  std::vector<std::uint32_t> rooms;
  for (std::uint32_t row = 0; row != chunk_rows_ * 2; ++row) {
    append();
    if (rooms.empty() || rooms.back() != store_->rows_first) rooms.push_back(store_->rows_first);
    ASSERT_LE(std::min(row + 1, chunk_rows_), store_->rows_first);
  }
  for (std::uint32_t step : rooms) {
    EXPECT_EQ(step, room);
    room *= 2;
  }
  EXPECT_EQ(rooms.back(), chunk_rows_);
  for (std::uint32_t row = 0; row != store_->rows; ++row) ASSERT_EQ(store_->entity(row), Entity(row, 1));
}

TEST_F(ChunkEditor, GrowsASharedFirstChunkWithoutTouchingIt) {
  append(detail::chunk_rows_first);
  const ChunkStore& sealed = seal();
  const Image before = image_of(sealed);
  append(detail::chunk_rows_first);
  EXPECT_EQ(image_of(sealed), before);
}

TEST_F(ChunkEditor, DropsAChunkWithItsLastRow) {
  append(chunk_rows_ + 1);
  const std::size_t used = pool_.bytes_in_use();
  edit().pop();
  EXPECT_EQ(page(1, 0), nullptr);
  EXPECT_EQ(page(1, 1), nullptr);
  EXPECT_EQ(store_->chunk_count(), 1U);
  EXPECT_LT(pool_.bytes_in_use(), used);
  while (store_->rows != 0) edit().pop();
  EXPECT_EQ(page(0, 0), nullptr);
  EXPECT_EQ(store_->rows_first, 0U);
  append();
  EXPECT_EQ(store_->rows_first, detail::chunk_rows_first);
}

TEST_F(ChunkEditor, MovesTheLastRowIntoTheGap) {
  append(chunk_rows_ + 1);
  EXPECT_EQ(edit().swap_remove(0), Entity(chunk_rows_, 1));
  EXPECT_EQ(store_->entity(0), Entity(chunk_rows_, 1));
  EXPECT_EQ(std::to_integer<std::uint32_t>(*store_->chunk_column(0, 1)), chunk_rows_ % 251 + 1);
  EXPECT_EQ(edit().swap_remove(store_->rows - 1), Entity{}) << "nobody moves for the last row";
}

TEST_F(ChunkEditor, TakesRemovalsBackToTheByteAndToTheOrder) {
  test::Random random(test::test_seed());
  for (int round = 0; round != 200; ++round) {
    append(static_cast<std::uint32_t>(random.between(1, 6)));
    const ChunkStore& sealed = random.chance(50) ? seal() : *store_;
    const bool shared = pages_.root_seq() != memory::header_of(&sealed)->birth;
    const Image before = image_of(*store_);
    struct Removed {
      std::uint32_t row;
      Entity entity;
      Entity moved;
      std::vector<std::vector<std::byte>> cells;
    };
    std::vector<Removed> removed;
    for (std::uint64_t left = random.between(1, 12); left != 0 && store_->rows != 0; --left) {
      Removed now{static_cast<std::uint32_t>(random.below(store_->rows)), {}, {}, {}};
      now.entity = store_->entity(now.row);
      for (std::size_t column = 1; column != shape_->columns.size(); ++column) {
        const std::size_t bytes = shape_->columns[column].cell_bytes;
        const std::byte* cell = store_->cell(now.row, column, bytes);
        now.cells.emplace_back(cell, cell + bytes);
      }
      now.moved = edit().swap_remove(now.row);
      removed.push_back(now);
    }
    if (shared) {
      ASSERT_EQ(image_of(sealed), before);
    }
    for (; !removed.empty(); removed.pop_back()) {
      const Removed& last = removed.back();
      storage::ChunkEditor editor = edit();
      ASSERT_EQ(editor.swap_insert(last.row, last.entity), last.moved);
      for (std::size_t column = 1; column != shape_->columns.size(); ++column) {
        std::memcpy(editor.edit(last.row, column), last.cells[column - 1].data(), last.cells[column - 1].size());
      }
    }
    ASSERT_EQ(image_of(*store_), before);
    if (shared) {
      ASSERT_EQ(image_of(sealed), before);
    }
  }
}

TEST_F(ChunkEditor, PutsAReplacedColumnBackThoughTheFirstChunkGrew) {
  append(detail::chunk_rows_first);
  const Image before = image_of(*store_);
  const std::size_t column = shape_->column(tables_[0]);
  const void* replaced = nullptr;
  std::memset(edit().replace(0, column, replaced), 0, detail::chunk_rows_first * sizeof(Position));
  append();
  edit().pop();
  edit().put_back(0, column, replaced);
  EXPECT_EQ(image_of(*store_), before);
  EXPECT_EQ(test::lack_of_room(*store_), "");
}

TEST(StoreShape, KeepsTheWidestColumnWithinAPage) {
  const detail::WorldInfo world = test::make_world();
  const TableId terrain = world.schema->table_of<test::Terrain>();
  const TableId active = world.schema->table_of<test::Active>();
  const std::array tables{terrain, active};
  memory::PagePool pool;
  PageWriter pages(pool);
  const StoreShape* shape = make_shape(pages, world, 3, tables);
  EXPECT_LE(shape->chunk_rows() * sizeof(test::Terrain), detail::column_page_bytes_max);
  EXPECT_EQ(shape->number, 3U);
  EXPECT_EQ(shape->columns.size(), 2U) << "entities and terrain: a tag has no column";
  EXPECT_EQ(shape->column(terrain), 1);
  EXPECT_EQ(shape->column(active), StoreShape::membership);
  EXPECT_EQ(shape->column(world.schema->table_of<Position>()), StoreShape::absent);
  EXPECT_TRUE(shape->has(active));
}

TEST(StoreShape, FindsEachColumnWhicheverTablesThereAre) {
  const detail::WorldInfo world = test::make_world();
  memory::PagePool pool;
  PageWriter pages(pool);
  const auto& all = world.schema->model().tables;
  test::Random random(test::test_seed());
  for (int round = 0; round != 500; ++round) {
    std::vector<TableId> tables;
    for (const TableModel& table : all) {
      if (random.below(2) == 0) tables.push_back(table.number);
    }
    const StoreShape& shape = *make_shape(pages, world, 1, tables);
    ASSERT_TRUE(std::ranges::equal(shape.tables, tables));
    for (const TableModel& table : all) {
      const std::uint16_t column = shape.column(table.number);
      const bool there = std::ranges::find(tables, table.number) != tables.end();
      ASSERT_EQ(column != StoreShape::absent, there);
      if (there && table.bytes == 0) {
        ASSERT_EQ(column, StoreShape::membership);
      }
      if (there && table.bytes != 0) {
        ASSERT_EQ(shape.columns[column].table, table.number);
      }
    }
  }
}

}  // namespace
}  // namespace stoa::storage
