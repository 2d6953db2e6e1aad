// Random runs of a log that loses power at random moments, against one rule: what was acknowledged is there afterwards,
// and what is there was submitted, whole and in order.
#include "wal/log_fixture.h"

#include <cstdio>
#include <map>
#include <string_view>

namespace stoa::wal {
namespace {

/// How often the interesting things happened: a run in which one never did has tested nothing.
class Counts {
 public:
  void add(std::string_view what) { ++counts_[std::string(what)]; }
  void expect_all(std::initializer_list<std::string_view> kinds) const {
    for (const std::string_view kind : kinds) {
      const auto found = counts_.find(std::string(kind));
      EXPECT_TRUE(found != counts_.end()) << "never happened: " << kind;
    }
  }

 private:
  std::map<std::string, std::uint64_t> counts_;
};

class PowerLossTest : public LogTest {
 protected:
  /// From here on nothing is written: the process is over, at the `calls`-th change of the file system from now.
  void stop_after(std::uint64_t calls) {
    files_.set_fault_hook([left = calls](FileOperation operation,
                                         const std::string& path) mutable -> std::optional<Error> {
      if (operation == FileOperation::read || operation == FileOperation::open || operation == FileOperation::list) {
        return std::nullopt;
      }
      if (left > 0) {
        --left;
        return std::nullopt;
      }
      return Error(ErrorCode::io, Place{.source = path}, "stopped");
    });
  }

  /// Writes at random until the file system stops. Keeps acknowledged_ and submitted_.
  void work(Writer& writer, Counts& counts) {
    bool begun = false;
    while (true) {
      switch (random_.next() % 8) {
        case 0:
          if (!writer.seal()) return;
          acknowledged_ = writer.synced_version();
          counts.add("seal");
          break;
        case 1:
        case 2:
          if (!writer.sync()) return;
          acknowledged_ = writer.synced_version();
          counts.add("sync");
          break;
        case 3: files_.write_back_some(random_); break;
        case 4:
          if (random_.next() % 20 == 0) {
            if (writer.close()) acknowledged_ = writer.last_version();
            counts.add("close");
            return;
          }
          break;
        default: {
          const std::uint64_t segment = writer.segment_number();
          const std::uint64_t count = 1 + random_.next() % 12;
          submitted_ = writer.last_version() + count;
          if (!write(writer, count)) {
            if (!begun) counts.add("crash in the first segment's beginning");
            return;
          }
          if (begun && writer.segment_number() != segment) counts.add("rotation");
          begun = true;
          if (writer.synced_version() > acknowledged_) acknowledged_ = writer.synced_version();
        }
      }
    }
  }

  /// Who read the log as its owner and wrote nothing has changed nothing, however it ended: the end is where it was,
  /// and what was dropped there is reported again.
  static void expect_same(const Recovery& before, const Recovery& after, Counts& counts) {
    EXPECT_EQ(after.end.version, before.end.version);
    ASSERT_EQ(after.dropped.has_value(), before.dropped.has_value());
    counts.add(after.dropped ? "torn tail seen again" : "nothing seen again");
    if (!after.dropped) return;
    EXPECT_EQ(after.dropped->file, before.dropped->file);
    EXPECT_EQ(after.dropped->offset, before.dropped->offset);
    EXPECT_EQ(after.dropped->bytes, before.dropped->bytes);
  }

  std::uint64_t acknowledged_ = 0;
  std::uint64_t submitted_ = 0;
};

TEST_F(PowerLossTest, EveryAcknowledgedTransactionSurvives) {
  const std::uint64_t seed = test_seed(20240607);
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  Counts counts;
  for (std::uint64_t history = 0; history < 300; ++history) {
    SCOPED_TRACE("history " + std::to_string(history));
    random_.reseed(seed + history);
    const auto old = list_segments(files_, log_folder).value();
    for (const std::uint64_t number : old) {
      const auto removed = files_.remove(segment_path(number));
      ASSERT_TRUE(removed) << removed.error().message();
    }
    ASSERT_TRUE(files_.sync_directory(log_folder));
    acknowledged_ = 0;
    submitted_ = 0;
    std::optional<Recovery> left_alone;  // what was found and not written to since
    for (int life = 0; life < 8; ++life) {
      stop_after(random_.next() % 60);
      const auto recovered = recover_checked();
      if (!recovered && recovered.error().code() == ErrorCode::io) counts.add("crash in recovery");
      if (recovered) {
        ASSERT_GE(recovered->end.version, acknowledged_);
        ASSERT_LE(recovered->end.version, submitted_);
        if (recovered->end.version < submitted_) counts.add("unacknowledged lost");
        if (recovered->end.version > acknowledged_) counts.add("unacknowledged kept");
        if (recovered->dropped) counts.add("torn tail");
        if (left_alone) expect_same(*left_alone, *recovered, counts);
        left_alone.reset();
        auto writer = open_writer(recovered->end, 700 + random_.next() % 2000);
        if (writer) {
          acknowledged_ = recovered->end.version;
          submitted_ = recovered->end.version;
          if (random_.next() % 4 == 0) {
            left_alone = *recovered;
            if (random_.next() % 2 == 0) {
              EXPECT_TRUE(writer->close());
            }
          } else {
            work(*writer, counts);
          }
        } else {
          ASSERT_EQ(writer.error().code(), ErrorCode::io) << writer.error().message();
          counts.add("crash in open");
        }
      } else {
        ASSERT_EQ(recovered.error().code(), ErrorCode::io) << recovered.error().message();
      }
      files_.set_fault_hook({});
      constexpr Unsynced kinds[] = {Unsynced::kept, Unsynced::lost, Unsynced::shuffled, Unsynced::shuffled};
      files_.crash(kinds[random_.next() % 4], random_);
    }
    const auto recovered = recover_checked();
    ASSERT_TRUE(recovered) << recovered.error().message();
    ASSERT_GE(recovered->end.version, acknowledged_);
    ASSERT_LE(recovered->end.version, submitted_);
  }
  counts.expect_all({"seal", "sync", "close", "rotation", "crash in recovery", "crash in open",
                     "crash in the first segment's beginning", "unacknowledged lost", "unacknowledged kept",
                     "torn tail", "nothing seen again", "torn tail seen again"});
}

}  // namespace
}  // namespace stoa::wal
