// SPDX-License-Identifier: MIT
// Several stacks on one interface, in the kernel that we run on.
#include "in_kernel.hpp"

namespace {
using namespace in_kernel;

/// What the program answers to an IPv4 packet to that address.
u32 answer_to(const xdp_steering& s, const u8 (&address)[4]) {
  std::array<std::byte, 60> frame{};
  frame[12] = std::byte{8}, frame[14] = std::byte{0x45}, frame[17] = std::byte{46};
  for (u32 i = 0; i < 4; ++i) frame[30 + i] = std::byte{address[i]};
  nic::kernel::bpf::run_result result;
  REQUIRE(nic::kernel::bpf::run_program(nic::kernel::system_calls{}, s.program(), frame, result) == 0);
  return result.verdict;
}
constexpr u8 of_both[] = {10, 9, 0, 2}, of_first[] = {10, 9, 0, 3}, of_second[] = {10, 9, 0, 4};

TEST_CASE("stacks on other queues of the interface share the program, until the last one goes", "[kernel]") {
  for (const xdp_mode mode : {xdp_mode::automatic, xdp_mode::generic}) {
    own_namespace alone;
    xsk zero, one;  // a run by BPF_PROG_TEST_RUN comes by queue 0
    xdp_steering a, b;
    open(a, {.mode = mode});
    open(b, {.queue = 1, .queues = 2});
    CHECK_FALSE(a.is_shared());
    CHECK(b.is_shared());
    CHECK(b.mode() == a.mode());
    REQUIRE(a.add_socket(0, zero.fd).errno_value == 0);
    REQUIRE(b.add_socket(1, one.fd).errno_value == 0);
    REQUIRE(a.claim(of_first));
    REQUIRE(b.claim(of_second));
    for (xdp_steering* s : {&a, &b}) REQUIRE(s->claim(of_both));
    for (const xdp_steering* s : {&a, &b})
      for (const auto* address : {&of_both, &of_first, &of_second}) CHECK(answer_to(*s, *address) == 4);
    CHECK(in_columns(a.verdicts()) == in_columns(b.verdicts()));
    CHECK_FALSE(b.disclaim(of_first));
    CHECK(b.disclaim(of_both));
    CHECK(answer_to(a, of_both) == 4);  // still the other's
    CHECK(b.claim(of_both));

    a.close();
    CHECK(facts_of("v0").foreign_program != 0);
    CHECK(answer_to(b, of_first) == 2);
    CHECK(answer_to(b, of_second) == 4);
    CHECK(answer_to(b, of_both) == 4);
    xdp_steering c;
    open(c);
    CHECK(c.is_shared());
    c.close();
    b.close();
    CHECK(facts_of("v0").foreign_program == 0);
  }
}

TEST_CASE("what a stack that died has claimed is forgotten when its queue is taken again", "[kernel]") {
  own_namespace alone;
  xsk socket;
  xdp_steering survivor;
  open(survivor, {.queue = 1, .queues = 2});
  const int index = facts_of("v0").index;
  const pid_t child = ::fork();
  if (child == 0) {
    xdp_steering s;
    const bool works = s.open({}, {.interface_index = index}).errno_value == 0 && s.claim(of_first) && s.claim(of_both);
    ::_exit(works ? 7 : 1);  // no destructor runs
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WEXITSTATUS(status) == 7);
  REQUIRE(survivor.claim(of_both));
  xdp_steering again;
  open(again);
  CHECK(again.is_shared());
  REQUIRE(again.add_socket(0, socket.fd).errno_value == 0);
  CHECK(answer_to(again, of_first) == 2);
  CHECK(answer_to(again, of_both) == 4);  // the survivor's, too
}

TEST_CASE("to share the program asks for one right more, and for the same mode", "[kernel]") {
  own_namespace alone;
  xdp_steering a, b;
  open(a);
  const int index = facts_of("v0").index;
  CHECK(std::string(b.open({}, {.interface_index = index, .mode = xdp_mode::generic, .queue = 1}).what).find("other mode") != std::string::npos);
  nic::open_error e;
  with_capabilities(capability(CAP_BPF) | capability(CAP_NET_ADMIN) | capability(CAP_NET_RAW), [&] { e = b.open({}, {.interface_index = index, .queue = 1}); });
  CHECK((e.errno_value == EBUSY || e.errno_value == EEXIST));
  CHECK(std::string(e.remedy).find("CAP_SYS_ADMIN") != std::string::npos);
}

}  // namespace
