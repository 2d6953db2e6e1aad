#include "csv/byte_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <cerrno>
#include <new>
#include <string_view>
#include <system_error>
#include <vector>

namespace stoa::csv {
namespace {

Error system_error(const std::string& name, std::string_view what, int number) {
  const ErrorCode code = number == ENOENT ? ErrorCode::not_found : ErrorCode::io;
  return {code, Place{name}, fmt::format("cannot {}: {}", what, std::generic_category().message(number))};
}

class FileSource final : public ByteSource {
 public:
  FileSource(std::string name, int descriptor, std::uint64_t bytes_total)
      : ByteSource(std::move(name)), descriptor_(descriptor), bytes_total_(bytes_total) {}
  ~FileSource() override { ::close(descriptor_); }  // only read from: a failure to close loses nothing

  std::expected<std::size_t, Error> read(std::span<char> into) override {
    for (;;) {
      const ssize_t got = ::read(descriptor_, into.data(), into.size());
      if (got >= 0) {
        bytes_read_ += static_cast<std::uint64_t>(got);
        return static_cast<std::size_t>(got);
      }
      if (errno != EINTR) return std::unexpected(system_error(name(), "read", errno));
    }
  }
  std::uint64_t bytes_read() const override { return bytes_read_; }
  std::uint64_t bytes_total() const override { return bytes_total_; }

 private:
  int descriptor_;
  std::uint64_t bytes_total_;
  std::uint64_t bytes_read_ = 0;
};

struct FreeStream {
  void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
};

class ZstdSource final : public ByteSource {
 public:
  explicit ZstdSource(std::unique_ptr<ByteSource> stored)
      : ByteSource(stored->name()),
        stored_(std::move(stored)),
        stream_(ZSTD_createDStream()),
        input_(ZSTD_DStreamInSize()) {
    if (stream_ == nullptr) throw std::bad_alloc();
  }

  std::expected<std::size_t, Error> read(std::span<char> into) override {
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    // A call may take input and give nothing yet: go on until there is a byte to give, or no more input.
    while (out.pos == 0) {
      if (in_.pos == in_.size && !inside_output_) {
        const auto got = stored_->read(input_);
        if (!got) return got;
        if (*got == 0) return at_end();
        in_ = {input_.data(), *got, 0};
      }
      const std::size_t hint = ZSTD_decompressStream(stream_.get(), &out, &in_);
      if (ZSTD_isError(hint) != 0) return std::unexpected(damage(hint));
      frame_open_ = hint != 0;
      // A full output may leave decoded bytes inside the stream, which come without new input.
      inside_output_ = out.pos == out.size && frame_open_;
    }
    return out.pos;
  }
  std::uint64_t bytes_read() const override { return stored_->bytes_read() - (in_.size - in_.pos); }
  std::uint64_t bytes_total() const override { return stored_->bytes_total(); }

 private:
  std::expected<std::size_t, Error> at_end() const {
    if (frame_open_) return std::unexpected(Error(ErrorCode::corrupt, place(), "the zstd stream is cut short"));
    return 0;
  }

  Error damage(std::size_t result) const {
    const ZSTD_ErrorCode cause = ZSTD_getErrorCode(result);
    if (cause == ZSTD_error_memory_allocation) return Error::out_of_memory();
    const ErrorCode code =
        cause == ZSTD_error_frameParameter_windowTooLarge ? ErrorCode::too_large : ErrorCode::corrupt;
    return {code, place(), fmt::format("the zstd stream cannot be decoded: {}", ZSTD_getErrorName(result))};
  }

  Place place() const { return {.source = name(), .offset = bytes_read()}; }

  std::unique_ptr<ByteSource> stored_;
  std::unique_ptr<ZSTD_DStream, FreeStream> stream_;
  std::vector<char> input_;
  ZSTD_inBuffer in_{};
  bool frame_open_ = true;  // from the start: a file without any frame is no zstd stream
  bool inside_output_ = false;
};

}  // namespace

std::expected<std::unique_ptr<ByteSource>, Error> open_file(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return std::unexpected(system_error(path.string(), "open", errno));
  struct stat about {};
  const bool sized = ::fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode);
  std::unique_ptr<ByteSource> file = std::make_unique<FileSource>(
      path.string(), descriptor, sized ? static_cast<std::uint64_t>(about.st_size) : std::uint64_t{0});
  if (path.extension() == ".zst") return std::make_unique<ZstdSource>(std::move(file));
  return file;
}

}  // namespace stoa::csv
