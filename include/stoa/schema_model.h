// The schema as plain data: what a TOML file or the C++ builder say, and what is derived from it once.
// It says nothing about how rows are stored.
#pragma once

#include <stoa/entity.h>
#include <stoa/value.h>

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stoa {

enum class FieldKind : std::uint8_t {
  boolean,
  i8,
  i16,
  i32,
  i64,
  u8,
  u16,
  u32,
  u64,
  f32,
  f64,
  enumeration,
  structure,
  entity,
  text,
  bytes,
};

enum class Storage : std::uint8_t { dense, sparse };  // a table of either kind without fields is a tag

/// What happens to a row when what it refers to goes.
enum class OnDelete : std::uint8_t { restrict, set_null, remove, cascade };

struct FieldType {
  FieldKind kind{};
  std::uint32_t extent = 0;      ///< elements of a fixed array; 0 where the field is no array
  std::uint16_t definition = 0;  ///< index into SchemaModel::enums or ::structs, by kind
  friend bool operator==(const FieldType&, const FieldType&) = default;
};

struct Reference {
  std::string table;          ///< empty: any entity
  TableId target = no_table;  ///< derived
  OnDelete on_delete = OnDelete::restrict;
};

struct FieldModel {
  std::string name;
  FieldType type;
  FieldId number = no_field;  ///< permanent
  std::uint32_t offset = 0;   ///< bytes from the row's start, platform C rules
  std::uint32_t bytes = 0;    ///< of the whole field, arrays included
  bool required = false;      ///< references: never null; others: a CSV cell may not be empty; texts: not empty
  bool unique = false;
  bool key = false;    ///< unique, required, and what a CSV column that references this table holds
  bool index = false;  ///< ordered index
  std::optional<Value> default_value;
  std::optional<Value> min;
  std::optional<Value> max;
  std::optional<Reference> reference;
};

/// An enum variant's number that is not given; numbers are dense from 0 in the order of the names.
inline constexpr std::uint16_t no_variant = std::numeric_limits<std::uint16_t>::max();

struct EnumVariant {
  std::string name;
  std::int64_t value = 0;             ///< bit pattern, for u64 bases too
  std::uint16_t number = no_variant;  ///< permanent
};

struct EnumModel {
  std::string name;
  FieldKind base = FieldKind::i32;
  std::vector<EnumVariant> variants;  ///< once complete, in the order of their values
};

struct StructModel {
  std::string name;
  std::vector<FieldModel> fields;
  std::uint32_t bytes = 0;
  std::uint32_t align = 1;
};

/// A run of bytes of a row that belong to fields; what lies between the runs is padding.
struct ByteRun {
  std::uint32_t offset = 0;
  std::uint32_t bytes = 0;
};

/// One scalar of a row, arrays and nested structs opened up.
struct Leaf {
  std::uint32_t offset = 0;
  FieldKind kind{};              ///< never structure
  std::uint16_t definition = 0;  ///< of an enumeration
  FieldId field = no_field;      ///< the table's field that it is in
};

struct TableModel {
  std::string name;
  TableId number = no_table;  ///< permanent
  Storage storage = Storage::dense;
  bool logged = true;
  bool replicated = true;
  std::vector<FieldModel> fields;                     ///< in layout order; `number` is by name
  std::vector<std::vector<FieldId>> unique_together;  ///< compound unique rules
  std::uint32_t bytes = 0;                            ///< of a row; 0 for a tag
  std::uint32_t align = 1;

  // Derived; the first three in the order of their offsets.
  std::vector<ByteRun> runs;             ///< merged; a single run of `bytes` where the row has no padding
  std::vector<std::uint32_t> blobs;      ///< offsets of every Text and Bytes cell
  std::vector<Leaf> checked;             ///< the bools and enums: not every bit pattern is a value
  std::vector<std::uint16_t> by_number;  ///< from a field's number to its index in `fields`

  [[nodiscard]] bool is_tag() const { return fields.empty(); }
  [[nodiscard]] bool is_padded() const { return !runs.empty() && runs.front().bytes != bytes; }
  [[nodiscard]] const FieldModel* find(std::string_view field) const;
  [[nodiscard]] const FieldModel& field(FieldId number) const;  ///< requires: the number exists
  [[nodiscard]] const FieldModel* key() const;                  ///< nullptr where no field is a key
};

using SchemaHash = std::array<std::uint64_t, 2>;

struct SchemaModel {
  std::string name;
  std::vector<EnumModel> enums;
  std::vector<StructModel> structs;
  std::vector<TableModel> tables;  ///< once complete, in the order of their numbers
  std::vector<TableId> by_name;    ///< derived: the tables in the order of their names
  /// Of what the schema says, enums and structs by their content: neither the order in which tables, fields and
  /// variants are declared nor the names of enums and structs matter, nor what has an index. The order within a struct
  /// does: its cell is stored whole.
  SchemaHash hash{};

  [[nodiscard]] const TableModel* find(std::string_view table) const;  ///< requires: complete
  [[nodiscard]] const TableModel& table(TableId number) const;         ///< requires: the number exists
};

inline constexpr std::uint32_t row_bytes_max = 64 * 1024;
inline constexpr std::uint32_t table_count_max = 4096;
inline constexpr std::uint32_t field_count_max = 4096;       // of one table or struct
inline constexpr std::uint32_t definition_count_max = 4096;  // enums, and structs
inline constexpr std::uint32_t struct_depth_max = 16;
inline constexpr std::uint32_t blob_bytes_max = 16 * 1024 * 1024;

}  // namespace stoa
