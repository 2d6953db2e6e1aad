#include "schema/toml_object.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace stoa::schema {

std::string mark(detail::SchemaDraft& draft, std::string path, const toml::source_region& region) {
  draft.marks[path] = {.line = region.begin.line, .column = region.begin.column};
  return path;
}

std::string_view type_of_node(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "an array";
    case toml::node_type::string: return "a string";
    case toml::node_type::integer: return "an integer";
    case toml::node_type::floating_point: return "a float";
    case toml::node_type::boolean: return "a boolean";
    default: return "a date or time";
  }
}

const toml::node* TomlObject::node(std::string_view key) {
  asked_.push_back(key);
  const toml::node* found = object_.get(key);
  if (found != nullptr) mark(draft_, path(key), found->source());
  return found;
}

const toml::node* TomlObject::typed(std::string_view key, toml::node_type type, std::string_view name) {
  const toml::node* found = node(key);
  if (found == nullptr || found->type() == type) return found;
  wrong(key, fmt::format("{} is {}, not {}", key, name, type_of_node(*found)));
  return nullptr;
}

std::optional<std::string> TomlObject::text(std::string_view key) {
  const toml::node* found = typed(key, toml::node_type::string, "a string");
  return found == nullptr ? std::nullopt : found->value_exact<std::string>();
}

std::optional<bool> TomlObject::boolean(std::string_view key) {
  const toml::node* found = typed(key, toml::node_type::boolean, "true or false");
  return found == nullptr ? std::nullopt : found->value_exact<bool>();
}

std::optional<std::uint16_t> TomlObject::number(std::string_view key) {
  const toml::node* found = typed(key, toml::node_type::integer, "an integer");
  if (found == nullptr) return std::nullopt;
  const std::int64_t value = *found->value_exact<std::int64_t>();
  if (value >= 0 && value < no_variant) return static_cast<std::uint16_t>(value);
  wrong(key, fmt::format("{} {} is not between 0 and {}", key, value, no_variant - 1));
  return std::nullopt;
}

const toml::array* TomlObject::array(std::string_view key) {
  const toml::node* found = typed(key, toml::node_type::array, "an array");
  return found == nullptr ? nullptr : found->as_array();
}

std::optional<std::string> TomlObject::required_text(std::string_view key) {
  if (!object_.contains(key)) wrong(key, fmt::format("{} is missing", key));
  return text(key);
}

void TomlObject::wrong(std::string_view key, std::string reason) {
  draft_.mistakes.push_back({path(key), std::move(reason)});
}

void TomlObject::finish() {
  for (const auto& [key, value] : object_) {
    if (std::ranges::find(asked_, key.str()) != asked_.end()) continue;
    mark(draft_, path(key.str()), key.source());
    wrong(key.str(), fmt::format("unknown key \"{}\"; known here: {}", key.str(), fmt::join(asked_, ", ")));
  }
}

}  // namespace stoa::schema
