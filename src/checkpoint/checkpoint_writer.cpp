#include "checkpoint/checkpoint_writer.h"

#include "checkpoint/checkpoint_format.h"
#include "delta/root_diff.h"

#include <span>
#include <vector>

namespace stoa::checkpoint {
namespace {

class CheckpointWriter {
 public:
  CheckpointWriter(File& file, const detail::Root& root) : file_(file), root_(root), runs_(*root.world) {}

  std::expected<void, Error> run(const wal::Identity& identity, std::size_t bytes_a_block) {
    const CheckpointHeaderBytes header = encode({.identity = identity, .version = root_.version});
    checksum_ = checkpoint_checksum(header);
    append(header);
    runs_.when_full(bytes_a_block, [this] { end_body(); });
    delta::diff_roots({}, root_, runs_);
    end_body();
    block_.assign(block_header_bytes, std::byte{});
    append_block(BlockType::end);
    return std::move(done_);
  }

 private:
  void end_body() {
    block_.assign(block_header_bytes, std::byte{});
    const std::size_t logged = runs_.finish(block_);
    runs_.clear();
    block_.resize(block_header_bytes + logged);
    if (logged != 0) append_block(BlockType::body);
  }

  void append_block(BlockType type) {
    checksum_ = encode_block(type, checksum_, block_);
    append(block_);
  }

  // After an error the walk goes on to its end, as nothing in it can be stopped, and writes no more.
  void append(std::span<const std::byte> bytes) {
    if (done_) done_ = file_.write(offset_, bytes);
    offset_ += bytes.size();
  }

  File& file_;
  const detail::Root& root_;
  delta::RunWriter runs_;
  std::vector<std::byte> block_;
  Hash128 checksum_{};
  std::uint64_t offset_ = 0;
  std::expected<void, Error> done_;
};

}  // namespace

std::expected<void, Error> write_checkpoint(File& file, const wal::Identity& identity, const detail::Root& root,
                                            std::size_t bytes_a_block) {
  return CheckpointWriter(file, root).run(identity, bytes_a_block);
}

}  // namespace stoa::checkpoint
