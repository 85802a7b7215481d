// SPDX-License-Identifier: MIT
#include <http/files.hpp>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace example::http {
namespace {

constexpr int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;  // a FIFO or a device would block, and is refused below

/// The kernel before 5.6, or a sandbox, has no openat2: one part after the other, and no symbolic link at all.
int open_by_parts(int at, std::string path) {
  handle here;
  for (std::size_t from = 0;;) {
    const std::size_t slash = path.find('/', from);
    if (slash == std::string::npos) return ::openat(here ? here.fd() : at, path.c_str() + from, flags | O_NOFOLLOW);
    path[slash] = 0;
    handle next(::openat(here ? here.fd() : at, path.c_str() + from, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next) return -1;
    here = std::move(next);
    from = slash + 1;
  }
}
int open_beneath(int at, const std::string& path) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  long fd;
  do fd = ::syscall(SYS_openat2, at, path.c_str(), &how, sizeof how);
  while (fd < 0 && (errno == EINTR || errno == EAGAIN));
  if (fd < 0 && (errno == ENOSYS || errno == EPERM)) return open_by_parts(at, path);
  return static_cast<int>(fd);
}

}  // namespace

void handle::close() {
  if (fd_ >= 0) (void)::close(std::exchange(fd_, -1));
}

bool folder::open(const char* path) {
  at_ = handle(::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
  return static_cast<bool>(at_);
}

int folder::open_file(const std::string& path, handle& file, std::uint64_t& size) const {
  file = handle(open_beneath(at_.fd(), path));
  if (!file) {
    switch (errno) {
      case EXDEV:                    // RESOLVE_BENEATH: a symbolic link leads out
      case ELOOP:
      case EACCES:
      case EPERM: return 403;
      case EMFILE:
      case ENFILE:
      case ENOMEM: return 503;
      case EIO: return 500;
      default: return 404;
    }
  }
  struct stat s{};
  if (::fstat(file.fd(), &s) != 0) return 500;
  if (!S_ISREG(s.st_mode)) {
    file.close();
    return 404;
  }
  size = static_cast<std::uint64_t>(s.st_size);
  return 0;
}

new_file& new_file::operator=(new_file&& other) noexcept {
  if (this != &other) {
    drop();
    in_ = std::exchange(other.in_, nullptr);
    file_ = std::move(other.file_);
    name_ = std::move(other.name_);
    hidden_ = std::move(other.hidden_);
  }
  return *this;
}
bool new_file::open(const folder& in, const std::string& name) {
  drop();
  static std::atomic<unsigned long> count{0};  // the process's own, so that two uploads of one name do not meet, on two cores either
  char hidden[64];
  (void)std::snprintf(hidden, sizeof hidden, ".upload-%ld-%lu", static_cast<long>(::getpid()), count.fetch_add(1) + 1);
  file_ = handle(::openat(in.fd(), hidden, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!file_) return false;
  in_ = &in;
  name_ = name;
  hidden_ = hidden;
  return true;
}
bool new_file::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file_.fd(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}
bool new_file::keep() {
  const bool is_kept = in_ != nullptr && ::renameat(in_->fd(), hidden_.c_str(), in_->fd(), name_.c_str()) == 0;
  if (is_kept) in_ = nullptr;
  drop();
  return is_kept;
}
void new_file::drop() {
  file_.close();
  if (in_ != nullptr) (void)::unlinkat(in_->fd(), hidden_.c_str(), 0);
  in_ = nullptr;
}

}  // namespace example::http
