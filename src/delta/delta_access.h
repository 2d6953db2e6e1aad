// How the library itself makes deltas and looks into them.
#pragma once

#include "delta/kept_deltas.h"
#include "schema/table_bytes.h"

#include <stoa/delta.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace stoa {

/// Immutable but for the list of operations, which is made when somebody asks for it.
struct Delta::Content {
  Version from = 0;
  Version to = 0;
  std::uint64_t tag = 0;
  bool full = false;
  bool filtered = false;  ///< not all that changed: no replica can take it
  detail::HistoryId history{};
  std::uint64_t schema_mark = 0;                     ///< as delta::schema_mark()
  std::shared_ptr<const CompiledSchema> schema;      ///< null where it is not known
  std::shared_ptr<const schema::TableBytes> tables;  ///< of the schema, or of what the delta brought along
  std::vector<std::byte> body;

  mutable std::once_flag listed;
  mutable std::vector<DeltaOp> ops;
  mutable std::vector<std::vector<std::byte>> rows;  ///< what in `ops` is not in `body`
};

namespace detail {

class DeltaAccess {
 public:
  using Content = Delta::Content;

  [[nodiscard]] static Delta make(std::shared_ptr<const Content> content) { return Delta(std::move(content)); }
  [[nodiscard]] static const Content& content(const Delta& delta) { return delta.content(); }
};

}  // namespace detail

namespace delta {

/// Of a schema's hash what a delta carries: enough to tell schemas apart that nobody made to be alike.
[[nodiscard]] inline std::uint64_t schema_mark(const SchemaHash& hash) { return hash[0]; }

/// What a delta has of the root that it leads to, and no body yet. Errors: throws std::bad_alloc, as the next.
[[nodiscard]] std::shared_ptr<detail::DeltaAccess::Content> content_of(const detail::Root& to);
/// One that a root keeps, as programs get it: with bytes of its own.
[[nodiscard]] Delta copy_kept(const KeptDelta& kept, const detail::Root& root);

/// Fills `content.ops`. Requires: the body has been looked through, as all bodies of deltas have.
void list_operations(const detail::DeltaAccess::Content& content);

}  // namespace delta
}  // namespace stoa
