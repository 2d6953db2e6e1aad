#include "delta/replicated.h"

#include "delta/run_reader.h"

namespace stoa::delta {

std::vector<std::byte> replicated_body(const detail::DeltaAccess::Content& content) {
  std::vector<std::byte> out;
  RunReader reader(content.body, *content.tables);
  while (const Run* run = reader.next()) {
    // All tables of a run are of one kind.
    const bool stays =
        content.schema == nullptr || run->tables.empty() || content.schema->model().table(run->tables[0]).replicated;
    if (stays) out.insert(out.end(), run->bytes.begin(), run->bytes.end());
  }
  return out;
}

}  // namespace stoa::delta
