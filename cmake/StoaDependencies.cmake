# What the library itself needs; what only its tools and tests need is found under STOA_DEVELOPER.
find_package(Threads REQUIRED)
find_package(Boost 1.77 REQUIRED)              # Boost.Describe, headers only
find_package(tomlplusplus REQUIRED)
find_package(fmt REQUIRED)
find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)

if(STOA_DEVELOPER)
  find_package(GTest REQUIRED)
  find_package(CLI11 REQUIRED)
  find_path(ZSTD_INCLUDE_DIR zstd.h REQUIRED)
  find_library(ZSTD_LIBRARY zstd REQUIRED)
  include(GoogleTest)
endif()
