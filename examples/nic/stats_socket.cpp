// SPDX-License-Identifier: MIT
#include <nic/stats_socket.hpp>

#include <cerrno>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace example {

namespace {

int socket_of(const std::string& path, sockaddr_un& where) {
  where = {};
  where.sun_family = AF_UNIX;
  path.copy(where.sun_path, sizeof where.sun_path - 1);
  return ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/// Whether a socket's file is there that nobody listens on any more.
bool is_stale(const std::string& path) {
  struct stat file{};
  sockaddr_un where;
  if (::lstat(path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return false;
  const int fd = socket_of(path, where);
  if (fd < 0) return false;
  const bool is_refused = ::connect(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0 && errno == ECONNREFUSED;
  (void)::close(fd);
  return is_refused;
}

}  // namespace

stats_socket::~stats_socket() {
  for (const reader& r : readers_)
    if (r.fd >= 0) (void)::close(r.fd);
  if (fd_ < 0) return;
  struct stat now{};  // another program may have put its own there
  if (::lstat(path_.c_str(), &now) == 0 && now.st_ino == file_.st_ino && now.st_dev == file_.st_dev) (void)::unlink(path_.c_str());
  (void)::close(fd_);
}

stats_socket::failure stats_socket::open(const std::string& path) {
  sockaddr_un where;
  if (path.size() >= sizeof where.sun_path) return {"the path of the statistics' socket is longer than 107 bytes", "bind", ENAMETOOLONG, "give a shorter --stats-socket"};
  path_ = path;
  int fd = socket_of(path, where);
  if (fd < 0) return {"no socket for statistics", "socket AF_UNIX", errno, "allow more open files: ulimit -n"};
  const auto bind = [&] { return ::bind(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0 ? 0 : errno; };
  int why = bind();
  if (why == EADDRINUSE && is_stale(path) && ::unlink(path.c_str()) == 0) why = bind();
  if (why == 0 && (::listen(fd, most_readers) != 0 || ::lstat(path.c_str(), &file_) != 0)) why = errno;
  if (why != 0) {
    (void)::close(fd);
    return {"the statistics' socket cannot be made", "bind", why, why == EADDRINUSE ? "another program uses it, or the file is none of ours; give another --stats-socket" : "give another --stats-socket"};
  }
  fd_ = fd;
  return {"", "", 0, ""};
}

bool stats_socket::look(std::uint64_t now_ns) {
  next_look_ = now_ns + look_ns;
  const bool is_time = now_ns >= next_line_;
  if (is_time) next_line_ = now_ns + period_ns;
  bool wanted = false;
  for (reader& r : readers_) {
    if (r.fd < 0) {
      r.fd = ::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (r.fd < 0) continue;
      r.wants = true;  // the first line at once
    }
    send(r);
    if (r.rest.empty()) r.missed = 0;
    else if (is_time && ++r.missed == most_missed) close(r);
    r.wants = r.fd >= 0 && r.rest.empty() && (r.wants || is_time);
    wanted |= r.wants;
  }
  return wanted;
}

void stats_socket::publish(const std::string& line) {
  for (reader& r : readers_) {
    if (!std::exchange(r.wants, false)) continue;
    r.rest = line;
    send(r);
  }
}

void stats_socket::send(reader& r) {
  while (!r.rest.empty()) {
    const ssize_t n = ::send(r.fd, r.rest.data(), r.rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) {
      r.rest.erase(0, static_cast<std::size_t>(n));
    } else if (n < 0 && errno == EINTR) {
      continue;
    } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      return;
    } else {
      close(r);
    }
  }
}

void stats_socket::close(reader& r) {
  (void)::close(std::exchange(r.fd, -1));
  r = {};
}

}  // namespace example
