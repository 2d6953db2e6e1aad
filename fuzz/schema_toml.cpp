// Text as a schema.toml: read, which is to say that it is right, written in its canonical form and read back, and used
// for a database.
#include "fuzz/harness.h"
#include "fuzz/world.h"

#include <stoa/stoa.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string_view>

namespace stoa::fuzz {
namespace {

using Compiled = std::shared_ptr<const CompiledSchema>;

Compiled compile(std::string_view text) {
  const auto schema = Schema::from_toml(text);
  require(schema.has_value(), "a right text can be read");
  const auto compiled = schema->compile();
  require(compiled.has_value(), "what can be read is right");
  return *compiled;
}

void require_refusal(const Error& error) {
  require(error.code() == ErrorCode::schema_invalid, "what is wrong is told to be the schema");
  require(!error.message().empty(), "it is told what is wrong");
}

// They are in no hash.
bool have_same_indexes(const SchemaModel& a, const SchemaModel& b) {
  const auto same_field = [](const FieldModel& x, const FieldModel& y) { return x.index == y.index; };
  return std::ranges::equal(a.tables, b.tables, [&](const TableModel& x, const TableModel& y) {
    return std::ranges::equal(x.fields, y.fields, same_field);
  });
}

}  // namespace

Reached run(std::span<const std::byte> input) {
  const std::string_view text(reinterpret_cast<const char*>(input.data()), input.size());
  const auto schema = Schema::from_toml(text);
  if (!schema) return require_refusal(schema.error()), Reached::refused;
  const Compiled first = compile(text);
  const Compiled again = compile(first->canonical_text());
  require(again->canonical_text() == first->canonical_text(), "the canonical text is the same when read back");
  require(again->hash() == first->hash(), "and so is the hash");
  require(have_same_indexes(again->model(), first->model()), "and so are the indexes");
  const auto database = Database::in_memory(*schema, options());
  require(database.has_value(), "a database can have the schema");
  return Reached::taken;
}

}  // namespace stoa::fuzz
