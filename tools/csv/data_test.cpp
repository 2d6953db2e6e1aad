// The demo set of the repository: every file of it reads without an error, to the row counts that its README gives.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>

#include "csv/reader.h"

namespace stoa::csv {
namespace {

const std::map<std::string, std::size_t> row_counts = {{"agency.csv", 1},
                                                       {"routes.csv", 29},
                                                       {"calendar.csv", 7},
                                                       {"calendar_dates.csv", 6},
                                                       {"trips.csv", 20621},
                                                       {"stops.csv", 1488},
                                                       {"stop_times.csv.zst", 565093},
                                                       {"shapes.csv", 150744},
                                                       {"transfers.csv", 613},
                                                       {"feed_info.csv", 1}};

TEST(DemoData, EveryFileHasTheRowsThatItsReadmeGives) {
  const std::filesystem::path folder = std::filesystem::path(STOA_DATA_DIR) / "nyc-subway";
  for (const auto& [name, row_count] : row_counts) {
    auto source = open_file(folder / name);
    ASSERT_TRUE(source) << source.error().message();
    auto reader = Reader::open(std::move(*source));
    ASSERT_TRUE(reader) << reader.error().message();
    std::size_t rows = 0;
    for (;;) {
      const auto read = reader->next();
      ASSERT_TRUE(read) << read.error().message();
      if (!*read) break;
      ++rows;
      ASSERT_EQ(reader->line(), rows + 1);  // no cell of the set has a line break
    }
    EXPECT_EQ(rows, row_count) << name;
    EXPECT_EQ(reader->bytes_read(), std::filesystem::file_size(folder / name));
    EXPECT_EQ(reader->bytes_total(), std::filesystem::file_size(folder / name));
  }
}

}  // namespace
}  // namespace stoa::csv
