// SPDX-License-Identifier: MIT
// Drops some of what comes to an interface, by an XDP program of its own, until a signal; says how many frames that were.
//
//   lossy_xdp peer0 1 [generic]     1 per cent; without `generic` in driver mode
//   ready
//   dropped=N
#include <strata/nic/linux/bpf.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <linux/if_link.h>
#include <net/if.h>

namespace {

using namespace strata::nic::ebpf;
namespace bpf = strata::nic::kernel::bpf;

constexpr strata::i32 all = 1 << 24;
constexpr std::size_t limit_at = 2;  // the instruction whose number says how many of `all` are dropped
inline constexpr statement source[] = {
    call(7),                   // bpf_get_prandom_u32
    shift_right(r0, 8),
    jump_ge(r0, 0, "pass"),
    mov(r1, 0),
    store32(r10, -4, r1),
    load_map(r1, 0),
    mov(r2, r10),
    add(r2, -4),
    call(1),                   // bpf_map_lookup_elem
    jump_eq(r0, 0, "pass"),
    mov(r1, 1),
    atomic_add64(r0, 0, r1),
    mov(r0, 1),                // XDP_DROP
    exit_with_r0(),
    label("pass"),
    mov(r0, 2),                // XDP_PASS
    exit_with_r0(),
};

int fail(const char* step, long why) {
  (void)std::fprintf(stderr, "lossy_xdp: error: the frames cannot be dropped (%s, errno %ld); is there such an interface, and the privilege?\n", step, -why);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const double per_cent = argc > 2 ? std::atof(argv[2]) : 0;
  if (argc < 3 || argc > 4 || !(per_cent > 0 && per_cent <= 100) || (argc == 4 && std::strcmp(argv[3], "generic") != 0)) {
    (void)std::fputs("lossy_xdp: error: wrong arguments (options); lossy_xdp INTERFACE PER_CENT [generic]\n", stderr);
    return 2;
  }
  sigset_t stop;
  (void)::sigemptyset(&stop);
  (void)::sigaddset(&stop, SIGINT);
  (void)::sigaddset(&stop, SIGTERM);
  (void)::sigprocmask(SIG_BLOCK, &stop, nullptr);

  const strata::nic::kernel::system_calls system;
  const long map = bpf::create_map(system, {BPF_MAP_TYPE_ARRAY, 4, 8, 1, "lossy_dropped"});
  if (map < 0) return fail("bpf BPF_MAP_CREATE", map);
  auto code = assemble<source>();
  code[limit_at].immediate = static_cast<strata::i32>(per_cent / 100 * all);
  const int maps[] = {static_cast<int>(map)};
  relocate(code, maps);
  const long program = bpf::load_xdp_program(system, code, "lossy", BPF_F_XDP_HAS_FRAGS);
  if (program < 0) return fail("bpf BPF_PROG_LOAD", program);
  const long link = bpf::create_xdp_link(system, static_cast<int>(program), static_cast<int>(::if_nametoindex(argv[1])), argc == 4 ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
  if (link < 0) return fail("bpf BPF_LINK_CREATE", link);
  std::puts("ready");
  (void)std::fflush(stdout);
  int which = 0;
  (void)::sigwait(&stop, &which);
  const strata::u32 key = 0;
  strata::u64 dropped = 0;
  (void)bpf::lookup_element(system, static_cast<int>(map), &key, &dropped);
  std::printf("dropped=%llu\n", static_cast<unsigned long long>(dropped));
  return 0;  // the program goes with us
}
