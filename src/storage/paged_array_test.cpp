// Editing the persistent radix array: what is copied, what stays, and that other roots keep what they had.
#include "storage/paged_array.h"

#include "memory/page_pool.h"
#include "storage/testing/workload.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <vector>

namespace stoa::storage {
namespace {

class PagedArray : public testing::Test {
 protected:
  void SetUp() override { pages_.begin(1); }
  detail::PagedArray seal() {
    pages_.begin(pages_.root_seq() + 1);
    return array_;
  }
  std::uint64_t& cell(std::uint64_t index) { return edit_cell<std::uint64_t>(pages_, array_, index, page_bits); }
  static std::uint64_t read(const detail::PagedArray& array, std::uint64_t index) {
    const void* page = find_page(array, index >> page_bits);
    return page == nullptr ? 0 : static_cast<const std::uint64_t*>(page)[index & ((1U << page_bits) - 1)];
  }

  static constexpr std::uint32_t page_bits = 1;
  memory::PagePool pool_;
  PageWriter pages_{pool_};
  detail::PagedArray array_;
};

TEST_F(PagedArray, HasNoPageWhereNoneWasWritten) {
  EXPECT_EQ(find_page(array_, 0), nullptr);
  cell(5) = 1;
  EXPECT_EQ(find_page(array_, 0), nullptr);
  EXPECT_EQ(find_page(array_, std::uint64_t{1} << 40U), nullptr);
}

TEST_F(PagedArray, BeginsPagesWithZeros) {
  for (std::uint64_t i = 0; i != 64; ++i) {
    EXPECT_EQ(cell(i * 7), 0U);
    cell(i * 7) = ~std::uint64_t{0};
  }
}

TEST_F(PagedArray, EditsItsOwnPagesInPlace) {
  std::uint64_t& first = cell(3);
  const std::size_t used = pool_.bytes_in_use();
  EXPECT_EQ(&cell(3), &first);
  EXPECT_EQ(pool_.bytes_in_use(), used);
}

TEST_F(PagedArray, GrowsInHeightAndKeepsWhatItHad) {
  cell(0) = 10;
  EXPECT_EQ(array_.height(), 0U);
  const std::uint64_t far = std::uint64_t{detail::node_children} * detail::node_children * 3;
  cell(far) = 20;
  EXPECT_GE(array_.height(), 2U);
  EXPECT_EQ(read(array_, 0), 10U);
  EXPECT_EQ(read(array_, far), 20U);
}

TEST_F(PagedArray, CopiesThePathAndSharesTheRest) {
  const std::uint64_t far = std::uint64_t{detail::node_children} * detail::node_children * 2;
  cell(0) = 1;
  cell(far) = 2;
  const detail::PagedArray sealed = seal();
  cell(0) = 3;
  EXPECT_EQ(read(sealed, 0), 1U);
  EXPECT_EQ(read(array_, 0), 3U);
  EXPECT_EQ(find_page(sealed, far >> page_bits), find_page(array_, far >> page_bits));
  EXPECT_NE(find_page(sealed, 0), find_page(array_, 0));
}

TEST_F(PagedArray, SetsAndTakesAwayPages) {
  void* page = pages_.allocate(64);
  set_page(pages_, array_, 9, page);
  EXPECT_EQ(find_page(array_, 9), page);
  const detail::PagedArray sealed = seal();
  set_page(pages_, array_, 9, nullptr);
  EXPECT_EQ(find_page(array_, 9), nullptr);
  EXPECT_EQ(find_page(sealed, 9), page);
  const std::size_t used = pool_.bytes_in_use();
  set_page(pages_, array_, 9, nullptr);
  set_page(pages_, array_, std::uint64_t{1} << 30U, nullptr);
  EXPECT_EQ(pool_.bytes_in_use(), used) << "taking away what is not there makes no path";
}

TEST_F(PagedArray, IsAsSmallAsBeforeOnceAFarPageIsTakenAway) {
  cell(0) = 10;
  const std::size_t used = pool_.bytes_in_use();
  const std::uint64_t far = std::uint64_t{detail::node_children} * detail::node_children * 3;
  cell(far) = 20;
  const void* page = find_page(array_, far >> page_bits);
  set_page(pages_, array_, far >> page_bits, nullptr);
  pages_.discard(page);
  EXPECT_EQ(array_.height(), 0U);
  EXPECT_EQ(read(array_, 0), 10U);
  EXPECT_EQ(pool_.bytes_in_use(), used);
}

TEST_F(PagedArray, KeepsEveryRootsContent) {
  test::Random random(test::test_seed());
  using Model = std::map<std::uint64_t, std::uint64_t>;
  Model model;
  std::vector<std::pair<detail::PagedArray, Model>> sealed;
  for (int root = 0; root != 60; ++root) {
    for (std::uint64_t left = random.below(30); left != 0; --left) {
      const std::uint64_t index = random.below(std::uint64_t{1} << random.between(1, 20));
      cell(index) = model[index] = random.bits();
    }
    const Model now = model;
    sealed.emplace_back(seal(), now);
  }
  for (const auto& [array, expected] : sealed) {
    for (const auto& [index, value] : expected) ASSERT_EQ(read(array, index), value);
  }
  for (const auto& [index, value] : model) {
    const auto& [array, expected] = sealed.front();
    if (!expected.contains(index)) {
      ASSERT_EQ(read(array, index), 0U);
    }
  }
}

}  // namespace
}  // namespace stoa::storage
