#include "database/world_info.h"

#include "storage/index_set.h"

#include <atomic>
#include <utility>

namespace stoa::database {

detail::WorldInfo make_world(std::shared_ptr<const CompiledSchema> schema) {
  detail::WorldInfo out;
  std::uint16_t sparse = 0;
  for (const TableModel& table : schema->model().tables) {
    detail::WorldInfo::Table info;
    info.cell_bytes = table.bytes;
    if (table.storage == Storage::sparse) info.sparse = sparse++;
    out.tables.push_back(info);
  }
  out.indexes = storage::derive_indexes(schema->model());
  out.schema = std::move(schema);
  return out;
}

}  // namespace stoa::database
