#include "delta/envelope.h"

#include "base/crc32c.h"
#include "base/varint.h"
#include "delta/body_check.h"
#include "delta/replicated.h"
#include "delta/run_reader.h"

#include <array>
#include <cstring>
#include <limits>
#include <set>
#include <string>
#include <utility>

namespace stoa::delta {
namespace {

using Content = detail::DeltaAccess::Content;

constexpr std::array<std::byte, 4> magic{std::byte{0xF7}, std::byte{'s'}, std::byte{'d'}, std::byte{'l'}};
constexpr std::uint8_t flag_full = 1;
constexpr std::uint8_t flag_filtered = 2;
constexpr std::size_t crc_offset = 6;
constexpr std::size_t history_offset = 10;
constexpr std::size_t schema_offset = 26;
constexpr std::size_t head_bytes = 34;  // what has a fixed place
// Far from the end of the numbers: a replica that is led here can still be promoted, and its versions go on rising.
constexpr Version version_max = std::numeric_limits<std::int64_t>::max();

template <typename T>
void store(std::byte* to, T value) {
  std::memcpy(to, &value, sizeof value);
}
template <typename T>
T load(const std::byte* from) {
  T out;
  std::memcpy(&out, from, sizeof out);
  return out;
}

// Of all but itself.
std::uint32_t checksum(std::span<const std::byte> bytes) {
  return crc32c(bytes.subspan(crc_offset + sizeof(std::uint32_t)), crc32c(bytes.first(crc_offset)));
}

}  // namespace

std::vector<std::byte> encode_envelope(const Content& content) {
  const std::vector<std::byte> body = replicated_body(content);
  std::set<TableId> named;
  RunReader reader(body, *content.tables);
  while (const Run* run = reader.next()) named.insert(run->tables.begin(), run->tables.end());
  std::vector<std::byte> out(head_bytes);
  std::memcpy(out.data(), magic.data(), magic.size());
  out[4] = std::byte{encoding_version};
  out[5] = static_cast<std::byte>((content.full ? flag_full : 0) | (content.filtered ? flag_filtered : 0));
  std::memcpy(out.data() + history_offset, content.history.data(), sizeof content.history);
  store(out.data() + schema_offset, content.schema_mark);
  put_varint(out, content.from);
  put_varint(out, zigzag(static_cast<std::int64_t>(content.to - content.from)));
  put_varint(out, content.tag);
  put_varint(out, named.size());
  for (TableId table : named) content.tables->encode(table, out);
  out.insert(out.end(), body.begin(), body.end());
  store(out.data() + crc_offset, checksum(out));
  return out;
}

std::expected<std::shared_ptr<const Content>, Error> decode_envelope(std::span<const std::byte> bytes,
                                                                     const CompiledSchema* schema) {
  std::span<const std::byte> in = bytes;
  const auto corrupt = [&](std::string reason, std::uint64_t behind = 0) {
    const std::uint64_t offset = bytes.size() - in.size() + behind;
    return std::unexpected(Error(ErrorCode::corrupt, Place{.source = "delta", .offset = offset}, std::move(reason)));
  };
  if (bytes.size() < head_bytes || std::memcmp(bytes.data(), magic.data(), magic.size()) != 0) {
    return corrupt("no delta, or one that is cut off");
  }
  if (load<std::uint32_t>(bytes.data() + crc_offset) != checksum(bytes)) return corrupt("its checksum does not match");
  const auto version = std::to_integer<unsigned>(bytes[4]);
  if (version != encoding_version) return corrupt("its encoding is " + std::to_string(version) + ", not 2");
  const auto flags = std::to_integer<std::uint8_t>(bytes[5]);
  if ((flags & ~(flag_full | flag_filtered)) != 0) return corrupt("unknown flags");

  auto content = std::make_shared<Content>();
  content->full = (flags & flag_full) != 0;
  content->filtered = (flags & flag_filtered) != 0;
  std::memcpy(content->history.data(), bytes.data() + history_offset, sizeof content->history);
  content->schema_mark = load<std::uint64_t>(bytes.data() + schema_offset);
  if (schema != nullptr && schema_mark(schema->hash()) != content->schema_mark) {
    return std::unexpected(Error(ErrorCode::schema_mismatch, "the delta is of another schema"));
  }
  in = bytes.subspan(head_bytes);
  std::uint64_t step = 0;
  std::uint64_t count = 0;
  if (!take_varint(in, content->from) || !take_varint(in, step) || !take_varint(in, content->tag)) {
    return corrupt("not its versions");
  }
  content->to = content->from + static_cast<std::uint64_t>(unzigzag(step));  // below 0 it is a huge one
  if (content->from > version_max || content->to > version_max) return corrupt("not its versions");
  if (!take_varint(in, count) || count > table_count_max) return corrupt("a number of tables that is none");
  auto tables = std::make_shared<schema::TableBytes>();
  for (; count != 0; --count) {
    if (!tables->decode(in)) return corrupt("not a table");
  }
  content->tables = tables;
  if (schema != nullptr) {
    content->schema = std::shared_ptr<const CompiledSchema>(std::shared_ptr<const CompiledSchema>(), schema);
    content->tables = std::make_shared<const schema::TableBytes>(schema->model());
  }
  content->body.assign(in.begin(), in.end());
  const SchemaModel* const model = schema == nullptr ? nullptr : &schema->model();
  if (auto fault = find_fault(content->body, *content->tables, model)) {
    return corrupt(std::move(fault->reason), fault->offset);
  }
  return content;
}

}  // namespace stoa::delta
