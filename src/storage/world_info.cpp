#include "storage/world_info.h"

#include "schema/table_bytes.h"
#include "storage/index_value.h"

#include <utility>

namespace stoa::storage {

detail::WorldInfo make_world(std::shared_ptr<const CompiledSchema> schema) {
  detail::WorldInfo out;
  std::uint16_t sparse = 0;
  for (const TableModel& table : schema->model().tables) {
    detail::WorldInfo::Table info;
    info.cell_bytes = table.bytes;
    if (table.storage == Storage::sparse) info.sparse = sparse++;
    info.is_taken_as_is = !table.is_padded() && table.blobs.empty() && table.checked.empty();
    out.tables.push_back(info);
  }
  out.bytes = std::make_shared<const schema::TableBytes>(schema->model());
  out.indexes = derive_indexes(schema->model());
  for (std::uint32_t number = 0; number != out.indexes.size(); ++number) {
    detail::WorldInfo::Table& table = out.tables[to_index(out.indexes[number].table)];
    if (table.index_count++ == 0) table.index_first = number;
  }
  out.schema = std::move(schema);
  return out;
}

}  // namespace stoa::storage
