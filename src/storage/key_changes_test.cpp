// What is told of an index and then carried out, against a plain map: few changes and many, the last word on a key,
// texts whose blob changes, and the way back.
#include "storage/key_changes.h"

#include "base/random.h"
#include "base/testing/seed.h"
#include "memory/page_pool.h"
#include "storage/btree_search.h"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace stoa::storage {
namespace {

/// Keys of a kind by number. A text's has a new blob each time: what is the same by content is not the same blob.
template <typename Key>
class Keys;

template <>
class Keys<IndexKey> {
 public:
  static IndexKey make(std::uint64_t number) { return {number / 3, number}; }
};

template <>
class Keys<TextKey> {
 public:
  TextKey make(std::uint64_t number) {
    const std::string& text = texts_.emplace_back("a text of some length, " + std::to_string(1'000'000 + number / 3));
    return {detail::TextCell(text.data(), text.size()), number};
  }

 private:
  std::deque<std::string> texts_;
};

bool same_bytes(const IndexKey& a, const IndexKey& b) { return a == b; }
bool same_bytes(const TextKey& a, const TextKey& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

template <typename Key>
class KeyChangesTest : public testing::Test {
 protected:
  using Model = std::map<std::uint64_t, Key>;  // by number, which orders as the keys do

  KeyChangesTest() { pages_.begin(1); }

  /// As a row's change would: what there was under that number goes, and something comes or not.
  void change(Model& model, std::uint64_t number, bool present) {
    if (const auto old = model.find(number); old != model.end()) {
      changes_.add(old->second, false);
      done_.emplace_back(old->second, false);
      model.erase(old);
    }
    if (!present) return;
    const Key key = keys_.make(number);
    changes_.add(key, true);
    done_.emplace_back(key, true);
    model.emplace(number, key);
  }
  void accept() {
    changes_.settle(pages_, tree_);
    changes_.forget();
    done_.clear();
  }
  void take_back() {
    changes_.begin_undo();
    if (changes_.settled()) {
      for (auto at = done_.rbegin(); at != done_.rend(); ++at) changes_.add(at->first, !at->second);
    }
    changes_.settle(pages_, tree_);
    changes_.forget();
    done_.clear();
  }
  void expect(const Model& model) {
    ASSERT_EQ(tree_.count, model.size());
    BTreeCursor<Key> at = first(tree_);
    for (const auto& [number, key] : model) {
      ASSERT_TRUE(same_bytes(at.key(), key)) << number;
      at.next();
    }
    if (tree_.top != nullptr) expect_bounds(*tree_.top, tree_.height);
  }
  /// A text that an inner node names is that of a row.
  static void expect_bounds(const BTreeNode<Key>& node, std::uint32_t level) {
    if (level == 0) return;
    const BTreeInner<Key>& inner = btree::inner(node);
    for (std::uint32_t i = 0; i != node.count; ++i) {
      expect_bounds(*inner.child[i], level - 1);
      if (i == 0) continue;
      const Key& least = btree::first_leaf(inner.child[i], level - 1)->keys[0];
      const BTreeNode<Key>& before = *btree::last_leaf(inner.child[i - 1], level - 1);
      if constexpr (std::is_same_v<Key, TextKey>) {
        EXPECT_TRUE(same_bytes(node.keys[i], least));
      } else {
        EXPECT_FALSE(below(least, node.keys[i]));
      }
      EXPECT_TRUE(below(before.keys[before.count - 1], node.keys[i]));
    }
  }

  memory::PagePool pool_{{}};
  memory::PageWriter pages_{pool_};
  Keys<Key> keys_;
  KeyChanges<Key> changes_;
  BTree<Key> tree_;
  std::vector<std::pair<Key, bool>> done_;
};

struct NameOfKey {
  template <typename Key>
  static std::string GetName(int) {  // NOLINT(readability-identifier-naming): GoogleTest's
    return std::is_same_v<Key, TextKey> ? "Texts" : "Numbers";
  }
};
using KeyKinds = testing::Types<IndexKey, TextKey>;
TYPED_TEST_SUITE(KeyChangesTest, KeyKinds, NameOfKey);

TYPED_TEST(KeyChangesTest, LeaveTheTreeThatThePlainMapSays) {
  const std::uint64_t seed = stoa::test::test_seed();
  SeededRandom random(seed);
  typename TestFixture::Model model;
  std::uint64_t undone_unseen = 0;
  for (int round = 0; round != 300; ++round) {
    SCOPED_TRACE(testing::Message() << "STOA_TEST_SEED=" << seed << " round " << round);
    auto after = model;
    const std::uint64_t count = round % 3 == 0 ? random.next() % 600 : random.next() % 8;
    bool settled = false;
    for (std::uint64_t i = 0; i != count; ++i) {
      this->change(after, random.next() % 1000, random.next() % 8 < (round / 40 % 2 == 0 ? 6U : 2U));
      if (random.next() % 64 != 0) continue;
      this->changes_.settle(this->pages_, this->tree_);
      settled = true;
      this->expect(after);
    }
    if (random.next() % 3 == 0) {
      undone_unseen += settled ? 0 : 1;
      this->take_back();
    } else {
      this->accept();
      model = std::move(after);
    }
    this->expect(model);
    if (this->HasFailure()) return;
  }
  EXPECT_GT(undone_unseen, 10U);
}

// Runs of neighbours go and come, over the ends of leaves, and are too few to build the tree anew.
TYPED_TEST(KeyChangesTest, OfNeighboursLeaveTheTreeThatThePlainMapSays) {
  const std::uint64_t seed = stoa::test::test_seed();
  SeededRandom random(seed);
  typename TestFixture::Model model;
  for (std::uint64_t number = 0; number != 3000; ++number) this->change(model, number, true);
  this->accept();
  for (std::uint64_t round = 0; round != 200; ++round) {
    SCOPED_TRACE(testing::Message() << "STOA_TEST_SEED=" << seed << " round " << round);
    auto after = model;
    const std::uint64_t first = random.next() % 2900;
    const std::uint64_t count = 1 + random.next() % 100;
    const bool present = random.next() % 3 == 0;
    for (std::uint64_t number = first; number != first + count; ++number) {
      if (random.next() % 50 != 0 && after.contains(number) != present) this->change(after, number, present);
    }
    if (random.next() % 4 == 0) {
      this->changes_.settle(this->pages_, this->tree_);
      this->expect(after);
      this->take_back();
    } else {
      this->accept();
      model = std::move(after);
    }
    this->expect(model);
    if (this->HasFailure()) return;
  }
}

TYPED_TEST(KeyChangesTest, TakeTheBlobThatTheRowHasLast) {
  typename TestFixture::Model model;
  for (std::uint64_t number = 0; number != 200; ++number) this->change(model, number, true);
  this->accept();
  const auto before = model;
  for (const std::uint64_t number : {0U, 7U, 63U, 64U, 199U}) {
    this->change(model, number, false);
    this->change(model, number, true);  // the same content anew
  }
  auto taken_back = before;
  this->changes_.settle(this->pages_, this->tree_);
  this->expect(model);
  this->take_back();
  this->expect(taken_back);
}

// Taking back what stopped half-way does so for the other half.
TYPED_TEST(KeyChangesTest, ThatSayWhatIsSoCopyNothing) {
  typename TestFixture::Model model;
  for (std::uint64_t i = 0; i != 3000; ++i) this->change(model, i, true);
  this->accept();
  this->pages_.begin(2);  // the tree's nodes are an older root's now
  const std::size_t bytes = this->pool_.bytes_in_use();
  std::size_t told = 0;
  for (const auto& [number, key] : model) {
    if (number % 17 != 0) continue;
    this->changes_.add(key, true);
    ++told;
  }
  ASSERT_LT(told, model.size() / 8) << "that many would build it anew";
  this->changes_.settle(this->pages_, this->tree_);
  EXPECT_EQ(this->pool_.bytes_in_use(), bytes);
  this->changes_.forget();
  this->expect(model);
}

TYPED_TEST(KeyChangesTest, OfMuchOfATreeBuildItFull) {
  typename TestFixture::Model model;
  for (std::uint64_t i = 0; i != 3000; ++i) this->change(model, i * 7 % 3000, true);
  this->accept();
  this->expect(model);
  std::size_t leaves = 0;
  for (BTreeCursor<TypeParam> at = first(this->tree_); at.valid(); at.next()) leaves += at.index() == 0 ? 1 : 0;
  EXPECT_LE(leaves, 3000 / btree_keys_max + 1 + (std::size_t{1} << this->tree_.height));
}

}  // namespace
}  // namespace stoa::storage
