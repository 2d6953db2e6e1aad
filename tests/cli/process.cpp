#include "cli/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>

namespace stoa::cli_test {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using TemporaryFile = std::unique_ptr<std::FILE, CloseFile>;

// Files, not pipes: a program that fills one pipe while the other is read would stop both.
TemporaryFile make_file() {
  TemporaryFile file(std::tmpfile());
  if (file == nullptr) throw std::runtime_error("no temporary file");
  return file;
}

std::string read_all(std::FILE* file) {
  std::string out;
  std::rewind(file);
  char piece[4096];
  while (const std::size_t bytes = std::fread(piece, 1, sizeof piece, file)) out.append(piece, bytes);
  return out;
}

[[noreturn]] void become(const std::vector<std::string>& arguments, const std::string& folder, int out, int err) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (::chdir(folder.c_str()) == 0 && ::dup2(nothing, STDIN_FILENO) >= 0 && ::dup2(out, STDOUT_FILENO) >= 0 &&
      ::dup2(err, STDERR_FILENO) >= 0) {
    ::execv(argv.front(), argv.data());
  }
  ::_exit(127);
}

}  // namespace

Finished run_program(const std::vector<std::string>& arguments, const std::string& folder,
                     const Interruption& interruption) {
  const TemporaryFile out = make_file();
  const TemporaryFile err = make_file();
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("no process");
  if (child == 0) become(arguments, folder, ::fileno(out.get()), ::fileno(err.get()));
  int status = 0;
  if (interruption.signal != 0) {
    // Not reaped while it is looked at, so the number stays this child's.
    siginfo_t ended{};
    while (!interruption.when() &&
           ::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == 0) {
      ::usleep(1000);
    }
    ::kill(child, interruption.signal);
  }
  if (::waitpid(child, &status, 0) != child) throw std::runtime_error("the process is lost");
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_all(out.get()), read_all(err.get())};
}

}  // namespace stoa::cli_test
