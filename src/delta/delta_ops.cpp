// From runs to a list of single operations.
#include "delta/delta_access.h"
#include "delta/run_reader.h"

#include <cstring>
#include <vector>

namespace stoa::delta {
namespace {

using Content = detail::DeltaAccess::Content;
using Kind = DeltaOp::Kind;
using schema::RowBytes;

class Lister {
 public:
  explicit Lister(const Content& content) : content_(content) {}

  void run() {
    RunReader reader(content_.body, *content_.tables);
    while (const Run* run = reader.next()) list(*run);
  }

 private:
  void list(const Run& run) {
    EntityCursor entities(run);
    std::vector<std::span<const std::byte>> values = run.values;
    for (std::uint64_t left = run.count; left != 0; --left) {
      const Entity entity = entities.next();
      switch (run.code) {
        case RunCode::floors: return;
        case RunCode::destroy: add(Kind::delete_entity, no_table, entity, 0, {}); break;
        case RunCode::remove: add(Kind::remove, run.tables[0], entity, 0, {}); break;
        case RunCode::update: update(run, entity, values[0]); break;
        case RunCode::revive:
        case RunCode::create: add(Kind::create_entity, no_table, entity, 0, {}); [[fallthrough]];
        case RunCode::insert:
          for (std::size_t at = 0; at != run.tables.size(); ++at) insert(run.tables[at], entity, values[at]);
          break;
      }
    }
  }

  void insert(TableId table, Entity entity, std::span<const std::byte>& values) {
    const RowBytes& row = (*content_.tables)[table];
    const std::span<const std::byte> from = values;
    const bool as_it_lies = row.are_the_row() || !row.fixed_bytes(row.all());
    if (as_it_lies) {
      (void)row.skip(row.all(), values);
      add(Kind::insert, table, entity, 0, from.first(from.size() - values.size()));
      return;
    }
    std::vector<std::byte>& image = content_.rows.emplace_back(row.row_bytes());
    (void)row.decode(row.all(), values, image.data());
    add(Kind::insert, table, entity, 0, image);
  }

  // What lies side by side in the row is one range; a text is its own.
  void update(const Run& run, Entity entity, std::span<const std::byte>& values) {
    const TableId table = run.tables[0];
    std::uint32_t begin = 0;  // of the range under way, which is empty where there is none
    std::uint32_t end = 0;
    std::span<const std::byte> range = values;
    const auto flush = [&] {
      if (begin != end) add(Kind::update, table, entity, begin, range.first(end - begin));
      begin = end = 0;
    };
    for (const std::uint16_t field : run.fields) {
      for (const auto [offset, bytes] : (*content_.tables)[table].pieces(field)) {
        if (bytes == 0 || offset != end) flush();
        if (bytes == 0) {
          std::span<const std::byte> text;
          (void)schema::take_text(values, text);
          add(Kind::update, table, entity, offset, text);
          continue;
        }
        if (begin == end) {
          begin = offset;
          range = values;
        }
        end = offset + bytes;
        values = values.subspan(bytes);
      }
    }
    flush();
  }

  void add(Kind kind, TableId table, Entity entity, std::uint32_t offset, std::span<const std::byte> data) {
    content_.ops.push_back({.kind = kind, .table = table, .entity = entity, .field_offset = offset, .data = data});
  }

  const Content& content_;
};

}  // namespace

void list_operations(const Content& content) { Lister(content).run(); }

}  // namespace stoa::delta
