// One table of a TOML text whose keys are known: each is read once, with its type; what is left over is a mistake.
#pragma once

#include <stoa/detail/schema_draft.h>

#include <toml++/toml.h>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stoa::schema {

/// Notes where `path` is, and returns it.
std::string mark(detail::SchemaDraft& draft, std::string path, const toml::source_region& region);

/// "a string", "an integer": for messages.
[[nodiscard]] std::string_view type_of_node(const toml::node& node);

class TomlObject {
 public:
  /// Requires: `path`'s place is marked.
  TomlObject(detail::SchemaDraft& draft, const toml::table& object, std::string path)
      : draft_(draft), object_(object), path_(std::move(path)) {}

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string path(std::string_view key) const { return path_ + "." + std::string(key); }

  /// The key's value, its place marked under path(key); nullptr where it is not there.
  const toml::node* node(std::string_view key);

  // nullopt where the key is not there, or is of another type, which is a mistake.
  std::optional<std::string> text(std::string_view key);
  std::optional<bool> boolean(std::string_view key);
  /// A permanent number.
  std::optional<std::uint16_t> number(std::string_view key);
  const toml::array* array(std::string_view key);

  /// As text(), and the key must be there.
  std::optional<std::string> required_text(std::string_view key);

  /// Adds a mistake about the key, or about the whole where the key is not there.
  void wrong(std::string_view key, std::string reason);

  /// Every key that nothing asked for is a mistake.
  void finish();

 private:
  const toml::node* typed(std::string_view key, toml::node_type type, std::string_view name);

  detail::SchemaDraft& draft_;
  const toml::table& object_;
  std::string path_;
  std::vector<std::string_view> asked_;
};

}  // namespace stoa::schema
