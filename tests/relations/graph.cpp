#include "relations/graph.h"

#include <algorithm>

namespace stoa::test::graphs {
namespace {

constexpr std::array<const char*, actions> action_names{"restrict", "set_null", "remove", "cascade"};
constexpr std::array<const char*, 3> aim_names{"*", "node", "link"};

bool has_gone(const Content& now, const Reference& reference) {
  switch (reference.aim) {
    case Aim::entity: return !now.alive[reference.to];
    case Aim::node: return !now.has_row(reference.to, Table::node);
    case Aim::link: return !now.has_row(reference.to, Table::link);
  }
  return false;
}

void depart(Content& now, const Departure& departure) {
  auto& [node_row, link_row] = now.rows[departure.node];
  switch (departure.what) {
    case Departure::What::entity:
      now.alive[departure.node] = false;
      node_row = link_row = false;
      break;
    case Departure::What::node_row: node_row = false; break;
    case Departure::What::link_row: link_row = false; break;
    case Departure::What::rows: node_row = link_row = false; break;
    case Departure::What::node_row_comes_back: break;
  }
}

// Whether there was something left to do.
bool act(Content& now, const Reference& reference) {
  if (!has_gone(now, reference)) return false;
  bool& row = now.rows[reference.from][static_cast<std::size_t>(reference.table)];
  if (reference.action() == OnDelete::cascade && now.alive[reference.from]) {
    now.alive[reference.from] = false;
    now.rows[reference.from].fill(false);
    return true;
  }
  if (reference.action() == OnDelete::remove && row) {
    row = false;
    return true;
  }
  return false;
}

}  // namespace

std::string Layout::field_name(std::size_t field) {
  return action_names[field / slots] + std::to_string(field % slots);
}

std::string Layout::toml() const {
  std::string out = "[database]\nname = \"graphs\"\n";
  for (std::size_t table = 0; table < rows; ++table) {
    out += std::string("[tables.") + (table == 0 ? "node" : "link") + "]\n";
    out += std::string("storage = \"") + (sparse == (table == 0) ? "sparse" : "dense") + "\"\nfields = [\n";
    for (std::size_t field = 0; field < actions * slots; ++field) {
      const Aim aim = aims[table * slots + field % slots];
      out += "  { name = \"" + field_name(field) + "\", type = \"entity\", references = \"" +
             aim_names[static_cast<std::size_t>(aim)] + "\", on_delete = \"" + action_names[field / slots] + "\" },\n";
    }
    out += "]\n";
  }
  return out;
}

std::vector<Reference> Layout::wire(std::span<const Edge> edges, std::size_t first) const {
  std::array<std::array<std::size_t, actions>, nodes_max> used{};
  std::vector<Reference> out;
  out.reserve(edges.size());
  for (const Edge& edge : edges) {
    const auto action = static_cast<std::size_t>(edge.action);
    const std::size_t place = (first + used[edge.from][action]++) % (slots * rows);
    const std::size_t table = place % rows;
    const std::size_t slot = place / rows;
    out.push_back({edge.from, edge.to, static_cast<Table>(table), static_cast<std::uint8_t>(action * slots + slot),
                   aims[table * slots + slot]});
  }
  return out;
}

Content Content::all(std::size_t nodes, std::size_t rows, std::vector<Reference> references) {
  Content out;
  out.nodes = nodes;
  for (std::size_t node = 0; node < nodes; ++node) {
    out.alive[node] = true;
    out.rows[node] = {true, rows == 2};
  }
  out.references = std::move(references);
  return out;
}

Outcome judge(const Content& before, const Change& change) {
  Outcome out{before, {}, {}};
  Content& now = out.after;
  for (const Departure& departure : change.departures) depart(now, departure);
  const auto is_there = [&](const Reference& reference) { return now.has_row(reference.from, reference.table); };
  std::erase_if(now.references, [&](const Reference& reference) { return !is_there(reference); });
  for (bool more = true; more;) {
    more = false;
    for (const Reference& reference : now.references) more = act(now, reference) || more;
  }
  std::erase_if(now.references, [&](const Reference& reference) {
    if (!is_there(reference)) return true;
    if (!has_gone(now, reference)) return false;
    if (reference.action() == OnDelete::restrict) out.restricted.push_back(reference);
    return true;
  });
  for (const Reference& reference : change.made) {
    if (!is_there(reference)) continue;
    (has_gone(now, reference) ? out.missing : now.references).push_back(reference);
  }
  if (out.refused()) now = before;
  return out;
}

std::string to_text(const Content& content, const Change& change) {
  constexpr std::array<const char*, 5> what{"entity", "row in node", "row in link", "rows",
                                            "row in node, and comes back"};
  std::string out = std::to_string(content.nodes) + " nodes";
  const auto add = [&](const Reference& reference, const char* when) {
    out += std::string("; ") + when + std::to_string(reference.from) +
           (reference.table == Table::node ? ".node." : ".link.") + Layout::field_name(reference.field) + " -> " +
           std::to_string(reference.to) + " as " + aim_names[static_cast<std::size_t>(reference.aim)];
  };
  for (const Reference& reference : content.references) add(reference, "");
  for (const Reference& reference : change.made) add(reference, "made with it: ");
  for (const Departure& departure : change.departures) {
    out += "; goes: " + std::to_string(departure.node) + "'s " + what[static_cast<std::size_t>(departure.what)];
  }
  return out;
}

}  // namespace stoa::test::graphs
