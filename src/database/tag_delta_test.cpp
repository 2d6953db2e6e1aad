// Tags in a transaction whose log has no images.
#include "database/folder_fixture.h"

#include <stoa/delta.h>

#include <array>

namespace stoa::detail {
namespace {

std::shared_ptr<const CompiledSchema> tags() {
  return Schema::from_toml(
             "[database]\nname = \"w\"\n[tables.a]\nfields = []\n[tables.b]\nfields = [{ name = \"x\", type = \"u32\" "
             "}]\n"
             "[tables.z]\nfields = []\n",
             "a")
      .value()
      .compile()
      .value();
}

// The images of a huge transaction are given back, and a tag's needs none.
class TagAfterHugeTest : public FolderTest, public ::testing::WithParamInterface<int> {};
TEST_P(TagAfterHugeTest, IsLogged) {
  const auto schema = tags();
  std::array<std::uint64_t, 2> hash{};
  {
    Options with = options();
    with.segment_bytes_max = 64 << 20;
    const Core core = DatabaseCore::open(files_, world, schema, with).value();
    Entity entity;
    {
      Transaction t = core->engine().begin();
      entity = t.create();
      t.insert("z", entity, std::initializer_list<NamedValue>{});
      ASSERT_TRUE(std::move(t).commit());
    }
    {
      Transaction t = core->engine().begin();
      for (int i = 0; i != 200'000; ++i) t.insert("b", t.create(), {{"x", std::uint32_t{1}}});
      ASSERT_TRUE(std::move(t).commit());
    }
    {
      Transaction t = core->engine().begin();
      t.insert("b", entity, {{"x", std::uint32_t{1}}});
      ASSERT_TRUE(std::move(t).commit());
    }
    Transaction t = core->engine().begin();
    t.remove("z", entity);
    t.insert(GetParam() == 0 ? "a" : "z", entity, std::initializer_list<NamedValue>{});
    ASSERT_TRUE(std::move(t).commit());
    hash = core->snapshot().state_hash();
    EXPECT_EQ(core->version(), GetParam() == 0 ? 4U : 3U);
    ASSERT_TRUE(core->close());
  }
  const auto core = DatabaseCore::open(files_, world, schema, options());
  ASSERT_TRUE(core) << core.error().message();
  EXPECT_EQ((*core)->snapshot().state_hash(), hash);
}
INSTANTIATE_TEST_SUITE_P(Both, TagAfterHugeTest, ::testing::Values(0, 1));

}  // namespace
}  // namespace stoa::detail
