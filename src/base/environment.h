// What a database takes from outside itself, so that a test can give it all.
#pragma once

#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"

namespace stoa {

/// Lifetime: borrows; the three outlive the database.
struct Environment {
  // NOLINTNEXTLINE(google-explicit-constructor): where only the files are given, the rest is the system's
  Environment(FileSystem& its_files, RandomSource& its_random = system_random(),
              const Clock& its_clock = system_clock())
      : files(its_files), random(its_random), clock(its_clock) {}

  FileSystem& files;
  RandomSource& random;
  const Clock& clock;
};

}  // namespace stoa
