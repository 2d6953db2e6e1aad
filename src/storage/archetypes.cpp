#include "storage/archetypes.h"

#include "base/reuse.h"
#include "storage/chunk_store.h"

#include <algorithm>
#include <limits>
#include <new>
#include <utility>

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

std::size_t Archetypes::TablesHash::operator()(Tables tables) const noexcept {
  std::uint64_t out = tables.size();
  for (TableId table : tables) out = (out ^ to_index(table)) * 0x9E37'79B9'7F4A'7C15U;
  return static_cast<std::size_t>(out ^ (out >> 32U));
}

Archetypes::Archetypes(const detail::WorldInfo& world, memory::PageWriter& pages) : world_(world), pages_(pages) {
  (void)find_or_make({});
}

std::uint32_t Archetypes::with(std::uint32_t number, TableId table) {
  if (const Edge* edge = find_edge(node(number).add, table)) return edge->to;
  const Tables now = shape(number).tables;
  std::vector<TableId> tables(now.begin(), now.end());
  tables.insert(std::lower_bound(tables.begin(), tables.end(), table), table);
  const std::uint32_t to = find_or_make(tables);
  make_room(new_edges_, 1);
  node(number).add.push_back({table, to});
  new_edges_.push_back(number);
  return to;
}

std::uint32_t Archetypes::without(std::uint32_t number, TableId table) {
  if (const Edge* edge = find_edge(node(number).remove, table)) return edge->to;
  const Tables now = shape(number).tables;
  std::vector<TableId> tables(now.begin(), now.end());
  std::erase(tables, table);
  const std::uint32_t to = find_or_make(tables);
  make_room(new_edges_, 1);
  node(number).remove.push_back({table, to});
  new_edges_.push_back(number);
  return to;
}

std::uint32_t Archetypes::find_or_make(Tables tables) {
  if (auto at = by_tables_.find(tables); at != by_tables_.end()) return (*at)->number;
  const std::uint32_t number = end_;
  // A slot names an archetype by its number and 1.
  if (number == std::numeric_limits<std::uint32_t>::max() - 1) throw std::bad_alloc();
  if (number / page_size == pages_of_nodes_.size()) pages_of_nodes_.push_back(nullptr);
  std::unique_ptr<NodePage>& page = pages_of_nodes_[number / page_size];
  if (page == nullptr) page = std::make_unique<NodePage>();
  const detail::StoreShape* shape = make_shape(pages_, world_, number, tables);
  try {
    by_tables_.insert(shape);
  } catch (...) {
    pages_.discard(shape);
    throw;
  }
  node(number).shape = shape;
  ++page->used;
  ++end_;
  return number;
}

const detail::StoreShape& Archetypes::relocate_shape(std::uint32_t number) {
  const detail::StoreShape* const from = node(number).shape;
  const detail::StoreShape* const to = make_shape(pages_, world_, number, from->tables);
  auto place = by_tables_.extract(by_tables_.find(Tables(from->tables)));
  place.value() = to;
  by_tables_.insert(std::move(place));
  node(number).shape = to;
  pages_.discard(from);
  return *to;
}

void Archetypes::give_up(std::uint32_t number) noexcept {
  std::unique_ptr<NodePage>& page = pages_of_nodes_[number / page_size];
  Node& gone = node(number);
  by_tables_.erase(gone.shape);
  pages_.discard(gone.shape);
  gone = {};
  --page->used;
  const bool is_full = number / page_size < end_ / page_size;  // no number of it comes any more
  if (page->used == 0 && is_full) page = nullptr;
}

void Archetypes::take_back(std::uint32_t end) noexcept {
  for (; end_ != end; --end_) {
    Node& gone = node(end_ - 1);
    by_tables_.erase(gone.shape);
    pages_.discard(gone.shape);
    gone = {};
    --pages_of_nodes_[(end_ - 1) / page_size]->used;
  }
  for (std::uint32_t number : new_edges_) {
    if (has(number)) forget_edges_of(node(number));
  }
  new_edges_.clear();
}

void Archetypes::forget_edges() noexcept {
  for (const detail::StoreShape* shape : by_tables_) forget_edges_of(node(shape->number));
}

void Archetypes::forget_edges_of(Node& from) const noexcept {
  const auto leads_nowhere = [this](const Edge& edge) { return !has(edge.to); };
  std::erase_if(from.add, leads_nowhere);
  std::erase_if(from.remove, leads_nowhere);
}

}  // namespace stoa::storage
