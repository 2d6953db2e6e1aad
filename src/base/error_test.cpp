#include <stoa/error.h>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace stoa {
namespace {

TEST(Error, AViolationSaysWhichOfItsNumbersAreEntities) {
  const auto told = [](Violation::Kind kind) {
    Violation violation;
    violation.kind = kind;
    violation.constraint = "docked.port";
    violation.table = "docked";
    violation.field = "port";
    violation.entity = Entity(7, 1);
    violation.target = Entity(8, 2);
    violation.referenced = "airport";
    violation.value = "9";
    violation.bounds = "at most 5";
    return Error(std::vector{violation}).message();
  };
  using Kind = Violation::Kind;
  EXPECT_EQ(told(Kind::unique), "docked.port: entity 7:1 has the same value, 9, as entity 8:2");
  EXPECT_EQ(told(Kind::required), "docked.port: entity 7:1 has no value, and one is required");
  EXPECT_EQ(told(Kind::range), "docked.port: entity 7:1 has 9, which is not at most 5");
  EXPECT_EQ(told(Kind::foreign_key_missing),
            "docked.port: entity 7:1 refers to entity 8:2, which has no row in airport");
  EXPECT_EQ(told(Kind::foreign_key_restrict),
            "docked.port: the row in airport of entity 8:2 cannot go, entity 7:1 refers to it");
  EXPECT_EQ(told(Kind::cascade_limit), "docked.port: the cascade from entity 8:2 passes the limit");
}

}  // namespace
}  // namespace stoa
