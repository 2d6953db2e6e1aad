#include <stoa/delta.h>

#include "delta/delta_access.h"
#include "delta/envelope.h"
#include "delta/root_diff.h"
#include "delta/run_reader.h"

#include <stoa/detail/snapshot_access.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <stdexcept>

namespace stoa {
namespace {

using detail::DeltaAccess;
using schema::RowBytes;

Delta difference(const detail::Root& from, const detail::Root& to, bool full) {
  auto content = delta::content_of(to);
  content->from = from.version;
  content->full = full;
  delta::RunWriter runs(*to.world);
  delta::diff_roots(from, to, runs);
  runs.finish(content->body);
  return DeltaAccess::make(std::move(content));
}

}  // namespace

Delta Delta::full(const Snapshot& snapshot) { return difference({}, detail::SnapshotAccess::root(snapshot), true); }

Delta diff(const Snapshot& from, const Snapshot& to) {
  const detail::Root& a = detail::SnapshotAccess::root(from);
  const detail::Root& b = detail::SnapshotAccess::root(to);
  if (a.world != b.world) throw std::logic_error("stoa: diff: the snapshots are of two databases");
  return difference(a, b, false);
}

std::expected<Delta, Error> Delta::decode(std::span<const std::byte> bytes) {
  auto content = delta::decode_envelope(bytes, nullptr);
  if (!content) return std::unexpected(std::move(content.error()));
  return Delta(*std::move(content));
}

std::expected<Delta, Error> Delta::decode(std::span<const std::byte> bytes, const CompiledSchema& schema) {
  auto content = delta::decode_envelope(bytes, &schema);
  if (!content) return std::unexpected(std::move(content.error()));
  return Delta(*std::move(content));
}

const Delta::Content& Delta::content() const {
  if (content_ == nullptr) throw std::logic_error("stoa: a delta that was moved from is used");
  return *content_;
}

Version Delta::from() const { return content().from; }
Version Delta::to() const { return content().to; }
std::uint64_t Delta::tag() const { return content().tag; }
bool Delta::is_full() const { return content().full; }
bool Delta::empty() const { return content().body.empty(); }

std::span<const DeltaOp> Delta::ops() const {
  std::call_once(content().listed, [this] { delta::list_operations(content()); });
  return content().ops;
}

std::vector<std::byte> Delta::encode() const { return delta::encode_envelope(content()); }
std::size_t Delta::byte_size() const { return encode().size(); }

const CompiledSchema& Delta::schema() const {
  if (content().schema == nullptr) throw std::logic_error("stoa: each: the delta was decoded without a schema");
  return *content().schema;
}

void Delta::visit(TableId table, const detail::DeltaVisitor& visitor) const {
  const RowBytes& bytes = (*content().tables)[table];
  // For cells of any alignment that a row may ask for.
  std::vector<std::max_align_t> row(bytes.row_bytes() / sizeof(std::max_align_t) + 1);
  auto* const cells = reinterpret_cast<std::byte*>(row.data());
  const auto take = [&](RowBytes::Fields fields, std::span<const std::byte>& values) {
    std::memset(cells, 0, bytes.row_bytes());
    (void)bytes.decode(fields, values, cells);
  };
  delta::RunReader reader(content().body, *content().tables);
  while (const delta::Run* run = reader.next()) {
    const auto at = std::ranges::find(run->tables, table);
    const bool is_end = run->code == delta::RunCode::destroy;
    if (!is_end && at == run->tables.end()) continue;
    delta::EntityCursor entities(*run);
    std::span<const std::byte> values;
    if (!run->values.empty()) values = run->values[static_cast<std::size_t>(at - run->tables.begin())];
    for (std::uint64_t left = run->count; left != 0; --left) {
      const Entity entity = entities.next();
      if (is_end || run->code == delta::RunCode::remove) {
        visitor.removed(entity);
      } else if (run->code == delta::RunCode::update) {
        take(run->fields, values);
        visitor.updated(entity, cells, run->fields);
      } else {
        take(bytes.all(), values);
        visitor.inserted(entity, cells);
      }
    }
  }
}

namespace delta {

std::shared_ptr<DeltaAccess::Content> content_of(const detail::Root& to) {
  auto content = std::make_shared<DeltaAccess::Content>();
  content->to = to.version;
  content->history = to.history;
  content->schema_mark = schema_mark(to.world->schema->hash());
  content->schema = to.world->schema;
  content->tables = to.world->bytes;
  return content;
}

Delta copy_kept(const KeptDelta& kept, const detail::Root& root) {
  auto content = content_of(root);
  content->from = kept.from;
  content->to = kept.to;
  content->tag = kept.tag;
  content->full = kept.full;
  content->body.assign(kept.body.begin(), kept.body.end());
  return DeltaAccess::make(std::move(content));
}

}  // namespace delta

namespace detail {

std::uint16_t field_number(const CompiledSchema& schema, TableId table, std::string_view field) {
  return static_cast<std::uint16_t>(to_index(schema.model().table(table).find(field)->number));
}

void copy_fields(const CompiledSchema& schema, TableId table, std::span<const std::uint16_t> fields,
                 const std::byte* from, std::byte* to) {
  const TableModel& model = schema.model().table(table);
  for (const std::uint16_t number : fields) {
    const FieldModel& field = model.field(FieldId{number});
    std::memcpy(to + field.offset, from + field.offset, field.bytes);
  }
}

}  // namespace detail
}  // namespace stoa
