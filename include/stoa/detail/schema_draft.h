// A schema while it is being said: the model before anything is derived, where its parts were written, the C++ types
// that belong to its tables, and the mistakes so far. Not for users; Schema wraps it.
#pragma once

#include <stoa/error.h>
#include <stoa/schema_model.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace stoa::detail {

/// What Boost.Describe and the compiler know of a C++ type that is a row.
struct RowDescription {
  std::string type_name;
  std::uint32_t type_index = 0;
  SchemaModel definitions;  ///< the enums and structs that `row` uses; names may repeat
  StructModel row;          ///< fields with their real offsets, and the real size; 0 bytes for a tag
};

/// One C++ type, one table.
struct Binding {
  RowDescription type;
  std::string table;
  bool declares = false;  ///< the type declares the table, rather than being checked against it
};

/// One reason why the schema is wrong. `path` names the part: "tables.docked.fields.gate.min".
struct Mistake {
  std::string path;
  std::string reason;
  ErrorCode code = ErrorCode::schema_invalid;
};

/// A rule that no two rows have the same values in all of these fields.
struct CompoundUnique {
  std::string table;
  std::vector<std::string> fields;
  std::string path;
};

/// A place in a TOML text.
struct Mark {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

struct SchemaDraft {
  SchemaModel model;
  std::string source;                              ///< the TOML file, or empty: said in C++
  std::map<std::string, Mark, std::less<>> marks;  ///< of a TOML text, by path
  std::vector<Binding> bindings;
  std::vector<CompoundUnique> compound_uniques;
  std::vector<Mistake> mistakes;
};

// What the builder's templates call. `table` and `field` are names; a rule on what is not there is dropped, because the
// mistake that led to it is already in the list.
void declare_table(SchemaDraft& draft, std::string name, RowDescription type);
void bind_table(SchemaDraft& draft, std::string name, RowDescription type);
TableModel* find_table(SchemaDraft& draft, std::string_view table);
FieldModel* find_field(SchemaDraft& draft, std::string_view table, std::string_view field);
void add_mistake(SchemaDraft& draft, std::string_view table, std::string_view field, std::string reason);
void add_unique_together(SchemaDraft& draft, std::string_view table, const std::vector<std::string_view>& fields);
void set_default(SchemaDraft& draft, std::string_view table, std::string_view field, const void* value);
void set_range(SchemaDraft& draft, std::string_view table, std::string_view field, const void* min, const void* max);

}  // namespace stoa::detail
