// SPDX-License-Identifier: MIT
// A packet is one ownership; a second handle to it is made by moving.
// expect g++: use of deleted function
// expect clang: deleted
#include <strata/buffer/packet.hpp>

strata::packet second(strata::packet& first) {
#ifdef FIXED
  return std::move(first);
#else
  return first;
#endif
}
