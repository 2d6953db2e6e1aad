#include <stoa/codec.h>

#include <fmt/format.h>

namespace stoa {

Error Decoder::ends_early(std::size_t wanted) const {
  return {ErrorCode::corrupt, fmt::format("byte {}: {} bytes are wanted, and {} are left", at_, wanted, remaining())};
}

Error Decoder::unknown_value(std::string_view kind) const {
  return {ErrorCode::corrupt, fmt::format("byte {}: no value that the {} has", at_, kind)};
}

Error Decoder::too_deep() const {
  return {ErrorCode::corrupt, fmt::format("byte {}: values within values, more than {} deep", at_, depth_max)};
}

Error detail::no_row_to_decode(Entity entity) {
  return Error::not_found(fmt::format("a row for entity {}:{}", entity.index(), entity.generation()));
}

Error detail::bytes_left_over(std::size_t count) {
  return {ErrorCode::corrupt, fmt::format("{} bytes are left over after the value", count)};
}

}  // namespace stoa
