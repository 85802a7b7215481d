// SPDX-License-Identifier: MIT
// One line for whoever started the program, and the exit code: 1 an error, 77 not possible here.
#pragma once
#include <strata/nic/driver.hpp>

#include <cerrno>
#include <cstdio>

namespace strata::inline STRATA_ABI::posix {

/// The symbol of an errno value, such as "EPERM"; null for one that neither NICs nor files meet.
[[nodiscard]] inline const char* errno_name(int value) {
  switch (value) {
    case EPERM: return "EPERM";
    case ENOENT: return "ENOENT";
    case EINTR: return "EINTR";
    case EIO: return "EIO";
    case ENXIO: return "ENXIO";
    case E2BIG: return "E2BIG";
    case EBADF: return "EBADF";
    case EAGAIN: return "EAGAIN";
    case ENOMEM: return "ENOMEM";
    case EACCES: return "EACCES";
    case EFAULT: return "EFAULT";
    case EBUSY: return "EBUSY";
    case EEXIST: return "EEXIST";
    case ENODEV: return "ENODEV";
    case ENOTDIR: return "ENOTDIR";
    case EISDIR: return "EISDIR";
    case EINVAL: return "EINVAL";
    case ENFILE: return "ENFILE";
    case EMFILE: return "EMFILE";
    case EFBIG: return "EFBIG";
    case ENOSPC: return "ENOSPC";
    case EROFS: return "EROFS";
    case EPIPE: return "EPIPE";
    case ERANGE: return "ERANGE";
    case ENAMETOOLONG: return "ENAMETOOLONG";
    case ENOSYS: return "ENOSYS";
    case ELOOP: return "ELOOP";
    case EOPNOTSUPP: return "EOPNOTSUPP";
    case EMSGSIZE: return "EMSGSIZE";
    case ENOPROTOOPT: return "ENOPROTOOPT";
    case EPROTONOSUPPORT: return "EPROTONOSUPPORT";
    case EAFNOSUPPORT: return "EAFNOSUPPORT";
    case EADDRINUSE: return "EADDRINUSE";
    case EADDRNOTAVAIL: return "EADDRNOTAVAIL";
    case ENETDOWN: return "ENETDOWN";
    case ENETUNREACH: return "ENETUNREACH";
    case ENOBUFS: return "ENOBUFS";
    case EDQUOT: return "EDQUOT";
    case ECONNRESET: return "ECONNRESET";
    case ECONNABORTED: return "ECONNABORTED";
    case EHOSTUNREACH: return "EHOSTUNREACH";
    case EPROTO: return "EPROTO";
    case ETIMEDOUT: return "ETIMEDOUT";
    case ECONNREFUSED: return "ECONNREFUSED";
    default: return nullptr;
  }
}

/// Prints why a NIC did not open, on stderr, and returns what main should:
///   NAME: error: WHAT (STEP, errno NAME); REMEDY      1
///   NAME: skipped: WHAT (STEP, errno NAME); REMEDY    77, where privilege, kernel or a tool is missing
inline int explain(const nic::open_error& e, const char* program = "strata") {
  char number[24] = "";
  const char* symbol = "";
  if (e.errno_value != 0) {
    symbol = errno_name(e.errno_value);
    if (symbol == nullptr) {
      (void)std::snprintf(number, sizeof number, "%d", e.errno_value);
      symbol = number;
    }
  }
  (void)std::fprintf(stderr, "%s: %s: %s (%s%s%s); %s\n", program, e.is_impossible_here ? "skipped" : "error", e.what, e.step,
                     e.errno_value != 0 ? ", errno " : "", symbol, e.remedy);
  return e.is_impossible_here ? 77 : 1;
}

}  // namespace strata::inline STRATA_ABI::posix
