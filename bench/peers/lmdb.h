// LMDB as a peer: NOSYNC and WRITEMAP on a file in memory, so that no disk is measured. Integer keys, and a handle is
// the key.
#pragma once

#include "peers/store.h"

namespace bench {

[[nodiscard]] std::unique_ptr<Store> make_lmdb(std::size_t rows);

}  // namespace bench
