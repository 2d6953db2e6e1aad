#include "schema/layout.h"

#include <algorithm>

#include "schema/kinds.h"

namespace stoa::schema {
namespace {

struct Size {
  std::uint32_t bytes = 0;
  std::uint32_t align = 1;
};

std::uint32_t capped(std::uint64_t bytes) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, layout_bytes_max));
}

std::uint64_t round_up(std::uint64_t bytes, std::uint32_t align) { return (bytes + align - 1) / align * align; }

class LayoutPass {
 public:
  explicit LayoutPass(SchemaModel& schema) : schema_(schema), done_(schema.structs.size()) {}

  void run() {
    for (std::size_t i = 0; i < schema_.structs.size(); ++i) struct_size(i);
    for (TableModel& table : schema_.tables) {
      const Size size = place(table.fields);
      table.bytes = size.bytes;
      table.align = size.align;
    }
  }

 private:
  Size struct_size(std::size_t definition) {
    StructModel& model = schema_.structs[definition];
    if (!done_[definition]) {
      const Size size = place(model.fields);
      model.bytes = size.bytes;
      model.align = size.align;
      done_[definition] = true;
    }
    return {model.bytes, model.align};
  }

  Size element_size(const FieldType& type) {
    switch (type.kind) {
      case FieldKind::enumeration: {
        const FieldKind base = schema_.enums[type.definition].base;
        return {scalar_bytes(base), scalar_align(base)};
      }
      case FieldKind::structure: return struct_size(type.definition);
      default: return {scalar_bytes(type.kind), scalar_align(type.kind)};
    }
  }

  Size place(std::vector<FieldModel>& fields) {
    Size total;
    for (FieldModel& field : fields) {
      const Size element = element_size(field.type);
      field.bytes = capped(std::uint64_t{element.bytes} * element_count(field.type));
      field.offset = capped(round_up(total.bytes, element.align));
      total.bytes = capped(std::uint64_t{field.offset} + field.bytes);
      total.align = std::max(total.align, element.align);
    }
    total.bytes = capped(round_up(total.bytes, total.align));
    return total;
  }

  SchemaModel& schema_;
  std::vector<bool> done_;
};

void add_run(std::vector<ByteRun>& runs, std::uint32_t offset, std::uint32_t bytes) {
  if (!runs.empty() && runs.back().offset + runs.back().bytes == offset) {
    runs.back().bytes += bytes;
  } else {
    runs.push_back({offset, bytes});
  }
}

void add_leaves(const SchemaModel& schema, TableModel& table, const FieldModel& field, FieldId id, std::uint32_t base) {
  const std::uint32_t bytes = element_bytes(schema, field.type);
  for (std::uint32_t i = 0; i < element_count(field.type); ++i) {
    const std::uint32_t offset = base + field.offset + i * bytes;
    if (field.type.kind == FieldKind::structure) {
      for (const FieldModel& inner : schema.structs[field.type.definition].fields) {
        add_leaves(schema, table, inner, id, offset);
      }
      continue;
    }
    add_run(table.runs, offset, bytes);
    switch (field.type.kind) {
      case FieldKind::boolean:
      case FieldKind::enumeration:
        table.checked.push_back(
            {.offset = offset, .kind = field.type.kind, .definition = field.type.definition, .field = id});
        break;
      case FieldKind::text:
      case FieldKind::bytes: table.blobs.push_back(offset); break;
      default: break;
    }
  }
}

}  // namespace

void lay_out(SchemaModel& schema) { LayoutPass(schema).run(); }

void derive_leaves(const SchemaModel& schema, TableModel& table) {
  table.runs.clear();
  table.blobs.clear();
  table.checked.clear();
  for (const FieldModel& field : table.fields) add_leaves(schema, table, field, field.number, 0);
}

std::vector<std::uint16_t> structs_in(const std::vector<FieldModel>& fields) {
  std::vector<std::uint16_t> out;
  for (const FieldModel& field : fields) {
    if (field.type.kind == FieldKind::structure) out.push_back(field.type.definition);
  }
  return out;
}

}  // namespace stoa::schema
