// What has a thread of its own, where the system gives none: an error, and the world as it was before.
#include <gtest/gtest.h>
#include <pthread.h>
#include <stoa/stoa.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace stoa {
namespace {

struct Port {
  std::uint32_t number;
};
BOOST_DESCRIBE_STRUCT(Port, (), (number))

/// While it lives a thread needs a larger stack than there is room for, so none starts.
class NoThreads {
 public:
  NoThreads() {
    pthread_getattr_default_np(&before_);
    pthread_attr_t large;
    pthread_getattr_default_np(&large);
    pthread_attr_setstacksize(&large, std::size_t{1} << 50U);
    pthread_setattr_default_np(&large);
    pthread_attr_destroy(&large);
  }
  ~NoThreads() {
    pthread_setattr_default_np(&before_);
    pthread_attr_destroy(&before_);
  }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

 private:
  pthread_attr_t before_{};
};

class NoThread : public testing::Test {
 protected:
  NoThread() : schema_("harbour") {
    schema_.table<Port>("port");
    std::string name = (std::filesystem::temp_directory_path() / "stoa-api-XXXXXX").string();
    parent_ = mkdtemp(name.data());
  }
  ~NoThread() override { std::filesystem::remove_all(parent_); }

  Schema schema_;
  std::filesystem::path parent_;
};

void expect_no_thread(const std::expected<Database, Error>& opened) {
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code(), ErrorCode::out_of_memory);
  EXPECT_EQ(opened.error().message(), "the system has no thread to spare");
}

TEST_F(NoThread, IsAnErrorOfAWorldInMemory) {
  {
    const NoThreads none;
    expect_no_thread(Database::in_memory(schema_));
  }
  EXPECT_TRUE(Database::in_memory(schema_).has_value());
}

TEST_F(NoThread, TakesTheCreationOfAFolderBack) {
  const NoThreads none;
  expect_no_thread(Database::open(parent_ / "world", schema_));
  EXPECT_TRUE(std::filesystem::is_empty(parent_));
}

TEST_F(NoThread, LeavesAWorldThatIsThere) {
  const std::filesystem::path world = parent_ / "world";
  {
    Database database = Database::open(world, schema_).value();
    Transaction transaction = database.begin();
    transaction.insert(transaction.create(), Port{7});
    ASSERT_TRUE(std::move(transaction).commit().has_value());
  }
  {
    const NoThreads none;
    expect_no_thread(Database::open(world, schema_));
    Options options;
    options.writer = WriterMode::manual;
    EXPECT_TRUE(Database::open(world, schema_, options).has_value()) << "it needs none";
  }
  EXPECT_EQ(Database::open_existing(world).value().version(), 1U);
}

}  // namespace
}  // namespace stoa
