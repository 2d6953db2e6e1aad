// The sizes that fix the shape of memory, and what else a program and the library it links must agree about: they are
// part of the library's ABI. STOA_TINY_PAGES shrinks them all, so that tests meet every edge often.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stoa::detail {

#if defined(STOA_TINY_PAGES)
inline constexpr std::uint32_t node_bits = 1;
inline constexpr std::uint32_t slot_page_bits = 1;
inline constexpr std::uint32_t floor_page_bits = 1;
inline constexpr std::uint32_t chunk_row_bits_max = 1;
inline constexpr std::uint32_t chunk_rows_first = 1;
inline constexpr std::uint32_t sparse_page_bits = 1;
inline constexpr std::uint32_t btree_fanout = 4;
inline constexpr std::uint32_t generation_max = 7;
inline constexpr std::uint32_t archetypes_kept = 6;
inline constexpr std::uint32_t archetypes_scanned = 3;
inline constexpr std::size_t delta_chunk_bytes_min = 128;
inline constexpr std::size_t delta_chunk_bytes_max = 512;
inline constexpr std::uint64_t root_ids_together = 4;
#else
/// Children of a radix node: 64, so that a path copy of a world of a million rows is 1 KiB.
#if defined(STOA_NODE_BITS)
inline constexpr std::uint32_t node_bits = STOA_NODE_BITS;
#else
inline constexpr std::uint32_t node_bits = 6;
#endif
/// Entity slots of a page.
inline constexpr std::uint32_t slot_page_bits = 8;
/// Floors of a page: each stands for a folded page of slots.
inline constexpr std::uint32_t floor_page_bits = 8;
/// Rows of a full chunk, at most; chosen by measurement, see docs/design/0001-page-size.md.
#if defined(STOA_CHUNK_ROW_BITS)
inline constexpr std::uint32_t chunk_row_bits_max = STOA_CHUNK_ROW_BITS;
#else
inline constexpr std::uint32_t chunk_row_bits_max = 9;
#endif
/// Rows of an archetype's first chunk when it is born; it doubles until it is a full one.
inline constexpr std::uint32_t chunk_rows_first = 8;
/// Entity indices of a leaf of a sparse table: a cache line or less of bits, and the rows' places.
inline constexpr std::uint32_t sparse_page_bits = 8;
/// Keys of a B+tree node, at most.
inline constexpr std::uint32_t btree_fanout = 64;
/// As many archetypes as this may stay without rows; beyond it they are given up once the number has doubled.
inline constexpr std::uint32_t archetypes_kept = 256;
/// A query of a world with more archetypes goes by the list of those that match.
inline constexpr std::uint32_t archetypes_scanned = 32;
/// Of what keeps the deltas of the last versions, the smallest and the largest chunk; more for a larger delta.
inline constexpr std::size_t delta_chunk_bytes_min = 4 * 1024;
inline constexpr std::size_t delta_chunk_bytes_max = 64 * 1024;
/// A database is given so many ids for its roots at a time.
inline constexpr std::uint64_t root_ids_together = std::uint64_t{1} << 20U;
/// A slot whose generation has got here is retired for good.
inline constexpr std::uint32_t generation_max = 0xFFFF'FFFFU;
#endif

inline constexpr std::uint32_t node_children = 1U << node_bits;
/// A column page holds at most this many bytes, but always a row.
inline constexpr std::size_t column_page_bytes_max = 16 * 1024;

}  // namespace stoa::detail
