// For tests of subscriptions: how to wait for what another thread does, and something that happens.
#pragma once

#include "api/fleet.h"

#include <stoa/stoa.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>
#include <utility>

namespace stoa::test {

/// Enough for a busy machine; nothing waits for it where all is well.
inline constexpr std::chrono::seconds long_enough{60};

inline bool wait_until(const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + long_enough;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// Commits a ship of a fleet's, and returns the version.
inline Version add_ship(Database& database, std::uint32_t speed, const char* name = "Ida") {
  Transaction tx = database.begin();
  tx.insert(tx.create(), fleet::Ship{speed, name});
  return std::move(tx).commit().value().version;
}

}  // namespace stoa::test
