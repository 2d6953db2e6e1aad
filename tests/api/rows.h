// Rows of tests that go through many archetypes, sparse tables and tags.
#pragma once

#include <stoa/stoa.h>

#include <cstdint>

namespace stoa::test {

struct Place {
  std::uint32_t number;
};
BOOST_DESCRIBE_STRUCT(Place, (), (number))
struct Speed {
  std::uint32_t number;
};
BOOST_DESCRIBE_STRUCT(Speed, (), (number))
struct Solid {};
BOOST_DESCRIBE_STRUCT(Solid, (), ())
struct Burning {
  std::uint32_t number;
};
BOOST_DESCRIBE_STRUCT(Burning, (), (number))
struct Poisoned {
  std::uint64_t number;
};
BOOST_DESCRIBE_STRUCT(Poisoned, (), (number))
struct Marked {};
BOOST_DESCRIBE_STRUCT(Marked, (), ())

}  // namespace stoa::test
