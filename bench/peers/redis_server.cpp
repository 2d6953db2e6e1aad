#include "peers/redis.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <thread>
#include <utility>

#include <fcntl.h>

namespace bench::redis {

Server::Server() : socket_((folder_.path() / "redis.socket").string()) {
  // The same program as redis-server under another name is in a package that starts no service; its first argument says
  // what it is to be.
  const char* const arguments[] = {"redis-server",
                                   "--port",
                                   "0",
                                   "--unixsocket",
                                   socket_.c_str(),
                                   "--dir",
                                   folder_.path().c_str(),
                                   "--save",
                                   "",
                                   "--appendonly",
                                   "no",
                                   "--loglevel",
                                   "warning",
                                   nullptr};
  pid_ = ::fork();
  if (pid_ == -1) throw std::runtime_error("redis: cannot fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nowhere = ::open("/dev/null", O_RDWR);
    for (int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(nowhere, stream);
    ::execv(STOA_BENCH_REDIS, const_cast<char* const*>(arguments));
    ::_exit(127);
  }
}

// It has nothing to save.
Server::~Server() {
  if (pid_ == -1) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Server::need_alive() {
  if (pid_ != -1 && ::waitpid(pid_, nullptr, WNOHANG) == 0) return;
  pid_ = -1;
  throw std::runtime_error("redis: the server has ended: " STOA_BENCH_REDIS);
}

Connection::Connection(Server& server) {
  using namespace std::chrono_literals;
  const auto until = std::chrono::steady_clock::now() + 20s;
  for (;;) {
    context_.reset(redisConnectUnix(server.socket().c_str()));
    if (context_ != nullptr && context_->err == 0) return;
    server.need_alive();
    if (std::chrono::steady_clock::now() > until) throw std::runtime_error("redis: the server does not answer");
    std::this_thread::sleep_for(1ms);
  }
}

void Connection::append() {
  const int status =
      redisAppendCommandArgv(context_.get(), static_cast<int>(words_.size()), words_.data(), lengths_.data());
  words_.clear();
  lengths_.clear();
  if (status != REDIS_OK) throw std::runtime_error(std::string("redis: ") + context_->errstr);
}

Reply Connection::answer() {
  void* reply = nullptr;
  if (redisGetReply(context_.get(), &reply) != REDIS_OK) {
    throw std::runtime_error(std::string("redis: ") + context_->errstr);
  }
  Reply out(static_cast<redisReply*>(reply));
  if (out->type == REDIS_REPLY_ERROR) throw std::runtime_error("redis: " + std::string(out->str, out->len));
  return out;
}

}  // namespace bench::redis
