// SPDX-License-Identifier: MIT
// libFuzzer's entry. One program for all targets: it is the one that the program is named after, so scripts/fuzz makes a link for each. Under the
// name `list` it prints them, with the length that is worth trying.
#include "fuzz.hpp"

#include <cstring>

namespace {
const strata::fuzz::target* chosen = nullptr;
}

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerInitialize(int*, char*** argv) {
  const char* slash = std::strrchr((*argv)[0], '/');
  const char* const name = slash != nullptr ? slash + 1 : (*argv)[0];
  for (const auto& t : strata::fuzz::targets) {
    if (std::strcmp("list", name) == 0) std::printf("%s %u\n", t.name, t.longest);
    if (std::strcmp(t.name, name) == 0) chosen = &t;
  }
  if (std::strcmp("list", name) == 0) std::exit(0);
  if (chosen == nullptr) {
    std::fprintf(stderr, "%s: no target has this name\n", name);
    std::exit(2);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chosen->fuzz_one({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
