#include "storage/archetypes.h"

#include "storage/chunk_store.h"

#include <algorithm>

namespace stoa::storage {
namespace {

template <typename Edge>
const Edge* find_edge(const std::vector<Edge>& edges, TableId table) {
  for (const Edge& edge : edges) {
    if (edge.table == table) return &edge;
  }
  return nullptr;
}

}  // namespace

Archetypes::Archetypes(const detail::WorldInfo& world) : world_(world) { (void)find_or_make({}); }

std::uint32_t Archetypes::with(std::uint32_t number, TableId table) {
  if (const Edge* edge = find_edge(edges_[number].add, table)) return edge->to;
  std::vector<TableId> tables = shapes_[number]->tables;
  tables.insert(std::lower_bound(tables.begin(), tables.end(), table), table);
  const std::uint32_t to = find_or_make(tables);
  edges_[number].add.push_back({table, to});
  return to;
}

std::uint32_t Archetypes::without(std::uint32_t number, TableId table) {
  if (const Edge* edge = find_edge(edges_[number].remove, table)) return edge->to;
  std::vector<TableId> tables = shapes_[number]->tables;
  std::erase(tables, table);
  const std::uint32_t to = find_or_make(tables);
  edges_[number].remove.push_back({table, to});
  return to;
}

std::uint32_t Archetypes::find_or_make(const std::vector<TableId>& tables) {
  if (auto at = by_tables_.find(tables); at != by_tables_.end()) return at->second;
  const std::uint32_t number = count();
  // by_tables_ comes last: what it names exists, and an allocation that fails before leaves an archetype nobody finds.
  edges_.resize(shapes_.size() + 1);
  shapes_.push_back(make_shape(world_, number, tables));
  by_tables_.emplace(tables, number);
  return number;
}

}  // namespace stoa::storage
