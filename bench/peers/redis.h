// A Redis server of the benchmark's own, and a connection to it: over a unix socket in a temporary folder, without a
// port, without persistence. It ends with this object, and with this process however that ends.
#pragma once

#include "folder.h"

#include <hiredis/hiredis.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace bench::redis {

class Server {
 public:
  Server();
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  [[nodiscard]] const std::string& socket() const { return socket_; }
  /// Errors: throws std::runtime_error where it has ended.
  void need_alive();

 private:
  Folder folder_{in_memory(peer_bytes)};
  std::string socket_;
  pid_t pid_ = -1;
};

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

template <typename Value>
[[nodiscard]] std::string_view bytes_of(const Value& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

/// Errors: throws std::runtime_error, also where Redis answers with one.
class Connection {
 public:
  explicit Connection(Server& server);

  /// A command's next word, its name first; the bytes stay with the caller until append() or call().
  Connection& word(std::string_view bytes) {
    words_.push_back(bytes.data());
    lengths_.push_back(bytes.size());
    return *this;
  }
  /// On its way with those that follow.
  void append();
  /// The answer to the oldest command that has none.
  [[nodiscard]] Reply answer();
  [[nodiscard]] Reply call() {
    append();
    return answer();
  }

 private:
  struct FreeContext {
    void operator()(redisContext* context) const { redisFree(context); }
  };
  std::unique_ptr<redisContext, FreeContext> context_;
  std::vector<const char*> words_;
  std::vector<std::size_t> lengths_;
};

}  // namespace bench::redis
