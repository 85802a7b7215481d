// SPDX-License-Identifier: MIT
// What a program says of itself on its --stats-socket, each second.
//
//   http_server --nic af_xdp --interface veth1 --address 10.9.0.2/24 --root . --stats-socket /run/strata.sock &
//   top /run/strata.sock
#include <cli/options.hpp>
#include <cli/text.hpp>
#include <top/value.hpp>

#include <strata/posix/explain.hpp>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

using example::value_tree;

int fail(const std::string& what, const char* step, int errno_value, const char* remedy) {
  const char* const symbol = errno_value == 0 ? nullptr : strata::posix::errno_name(errno_value);
  const std::string number = errno_value == 0 ? "" : ", errno " + (symbol != nullptr ? std::string(symbol) : std::to_string(errno_value));
  (void)std::fprintf(stderr, "top: error: %s (%s%s); %s\n", example::one_line(what).c_str(), step, number.c_str(), remedy);
  return 1;
}

/// ` key=value` for each member that is no object; those that are zero are left out if `is_brief`.
void print_members(const value_tree& of, bool is_brief) {
  for (const auto& [name, v] : of.members) {
    if (v.is != value_tree::kind::word && v.is != value_tree::kind::string) continue;
    if (is_brief && v.text == "0") continue;
    std::printf(" %s=%s", name.c_str(), example::value(v.text).c_str());
  }
  std::printf("\n");
}

/// One record a line: the program, its layers, what was dropped, its connections.
void print(const value_tree& all) {
  std::printf("program");
  print_members(all, false);
  for (const auto& [name, layer] : all["layers"].members) {
    std::printf("layer name=%s", name.c_str());
    print_members(layer, true);
  }
  for (const auto& [why, n] : all["drops"].members)
    if (n.number() != 0) std::printf("drop why=%s frames=%s\n", why.c_str(), n.text.c_str());
  for (const auto& [none, connection] : all["connections"].members) {
    std::printf("connection");
    print_members(connection, false);
  }
  (void)std::fflush(stdout);
}

/// Lines from the socket until a signal or its end; the exit code.
class reader {
 public:
  reader(const example::top_options& o, int socket, int signals) : options_(o), socket_(socket), signals_(signals) {}

  int run() {
    for (;;) {
      pollfd fds[] = {{socket_, POLLIN, 0}, {signals_, POLLIN, 0}};
      if (::poll(fds, 2, -1) < 0 && errno != EINTR) return fail("cannot wait", "poll", errno, "try again");
      if ((fds[1].revents & POLLIN) != 0) return done();
      char block[65536];
      const ssize_t n = ::recv(socket_, block, sizeof block, MSG_DONTWAIT);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (n <= 0) return samples_ != 0 ? done() : fail("the program has ended before it said anything", "recv", n < 0 ? errno : 0, "start it again");
      text_.append(block, static_cast<std::size_t>(n));
      if (text_.size() > 64u << 20) return fail("a line has no end", "recv", EPROTO, "is it a --stats-socket?");
      for (std::size_t end; (end = text_.find('\n')) != std::string::npos; text_.erase(0, end + 1)) {
        if (!show(std::string_view(text_).substr(0, end))) return fail("what comes is no statistics", "recv", EPROTO, "is it a --stats-socket?");
        ++samples_;
        if (options_.once) return std::fflush(stdout) == 0 ? 0 : fail("the records cannot be written", "write", errno, "is there room?");
      }
    }
  }

 private:
  bool show(std::string_view line) {
    value_tree all;
    if (!example::value_reader(line).read(all) || all["program"].text.empty()) return false;
    if (options_.format == example::format::jsonl) {
      std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
    } else {
      if (!options_.once && ::isatty(STDOUT_FILENO) == 1) std::printf("\033[H\033[2J");
      print(all);
    }
    (void)std::fflush(stdout);
    return true;
  }
  int done() const {
    if (!options_.once) std::printf("done samples=%llu retransmitted=0 drops=0 chunks_in_use=0\n", samples_);
    return std::fflush(stdout) == 0 ? 0 : 1;
  }

  const example::top_options& options_;
  int socket_, signals_;
  std::string text_{};
  unsigned long long samples_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  example::top_options o;
  if (const auto code = example::read_options(argc, argv, o)) return *code;
  sigset_t stop;
  (void)::sigemptyset(&stop);
  (void)::sigaddset(&stop, SIGINT);
  (void)::sigaddset(&stop, SIGTERM);
  (void)::sigprocmask(SIG_BLOCK, &stop, nullptr);
  const int signals = ::signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  if (o.path.size() >= sizeof where.sun_path) return fail("the path is longer than 107 bytes: " + o.path, "connect", ENAMETOOLONG, "give the path of a --stats-socket");
  o.path.copy(where.sun_path, sizeof where.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0)
    return fail("there is nothing to read at " + o.path, "connect", errno, "start a program with this --stats-socket");
  const int code = reader(o, fd, signals).run();
  (void)::close(fd);
  return code;
}
