// SPDX-License-Identifier: MIT
// What xdp_steering asks of the kernel, what it says when it is refused, and that it leaves nothing behind.
#include <steering/fake_kernel.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>

namespace {
using namespace steering_test;
using nic::xdp_mode;
using steering = nic::kernel::xdp_steering<fake_kernel>;
namespace names = nic::steering;

bool says(const char* text, const std::string& part) { return std::string(text).find(part) != std::string::npos; }

TEST_CASE("the program is attached in driver mode, with its maps in it, and detached before they go", "[xdp]") {
  kernel_state k;
  {
    steering s;
    REQUIRE(s.open({&k}, {.interface_index = 7, .queues = 4}).errno_value == 0);
    CHECK(s.mode() == xdp_mode::driver);
    CHECK(s.driver_errno() == 0);
    CHECK(k.link_flags == std::vector<u32>{XDP_FLAGS_DRV_MODE});
    CHECK(k.program_flags == 0);
    CHECK(k.map_of(BPF_MAP_TYPE_XSKMAP, 4)->entries == names::most_queues);
    CHECK(k.map_of(BPF_MAP_TYPE_HASH, 4)->entries == names::most_addresses);
    CHECK(k.map_of(BPF_MAP_TYPE_HASH, 16)->entries == names::most_addresses);
    CHECK(k.map_of(BPF_MAP_TYPE_ARRAY, 4)->entries == 128);
    CHECK(k.first4() == 0);

    // Each load of a map names the descriptor of the map that was meant.
    REQUIRE(k.program.size() == names::own_address.size());
    u32 loads = 0;
    for (std::size_t i = 0; i < k.program.size(); ++i) {
      if (k.program[i].code != (BPF_LD | BPF_IMM | BPF_DW)) continue;
      ++loads;
      const auto meant = static_cast<names::map>(names::own_address[i].immediate);
      const auto& m = k.maps.at(k.program[i].imm);
      CHECK((meant == names::map::sockets) == (m.kind == BPF_MAP_TYPE_XSKMAP));
      CHECK((meant == names::map::own4) == (m.kind == BPF_MAP_TYPE_HASH && m.key_size == 4 && m.value_size == 8));
      CHECK((meant == names::map::kernel4) == (m.kind == BPF_MAP_TYPE_HASH && m.key_size == 4 && m.value_size == 4));
      CHECK((meant == names::map::own6) == (m.kind == BPF_MAP_TYPE_HASH && m.key_size == 16));
      CHECK((meant == names::map::verdicts) == (m.kind == BPF_MAP_TYPE_ARRAY && m.entries == 128));
      CHECK((meant == names::map::first4) == (m.kind == BPF_MAP_TYPE_ARRAY && m.entries == 1));
      CHECK(k.program[i].src_reg == (meant == names::map::first4 ? BPF_PSEUDO_MAP_VALUE : BPF_PSEUDO_MAP_FD));
    }
    CHECK(loads == 12);
    k.journal.clear();
  }
  CHECK(std::count(k.journal.begin(), k.journal.end(), "close") == 8);  // six maps, program, packet socket
  CHECK(k.journal.front() == "close link");
  CHECK(k.open.empty());
}

TEST_CASE("automatic becomes generic where the interface has no driver mode, and says why", "[xdp]") {
  for (const int why : {EOPNOTSUPP, ERANGE, EINVAL, ENOSPC, ENOMEM}) {
    kernel_state k;
    k.refusals = {{"attach driver", why}};
    steering s;
    REQUIRE(s.open({&k}, {.interface_index = 7}).errno_value == 0);
    CHECK(s.mode() == xdp_mode::generic);
    CHECK(s.driver_errno() == why);
    CHECK(k.link_flags == std::vector<u32>{XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE});
  }
  kernel_state k;
  steering s;
  REQUIRE(s.open({&k}, {.interface_index = 7, .mode = xdp_mode::generic}).errno_value == 0);
  CHECK(s.mode() == xdp_mode::generic);
  CHECK(k.link_flags == std::vector<u32>{XDP_FLAGS_SKB_MODE});
}

TEST_CASE("frames in several buffers are asked for by a flag", "[xdp]") {
  kernel_state k;
  steering s;
  REQUIRE(s.open({&k}, {.interface_index = 7, .has_frags = true}).errno_value == 0);
  CHECK(k.program_flags == BPF_F_XDP_HAS_FRAGS);
}

struct likely {
  const char* call;
  int why;
  steering::options options;
  const char* what;
  const char* remedy;
  bool is_impossible_here;
};
constexpr steering::options any{.interface_index = 7}, by_driver{.interface_index = 7, .mode = xdp_mode::driver},
    generic{.interface_index = 7, .mode = xdp_mode::generic}, in_frags{.interface_index = 7, .has_frags = true};
constexpr likely failures[] = {
    {"create map", ENOSYS, any, "no bpf(2)", "CONFIG_BPF_SYSCALL", true},
    {"create map", EPERM, any, "not allowed", "CAP_BPF", true},
    {"create map", EPERM, any, "not allowed", "ulimit -l", true},  // before Linux 5.11 too much locked memory has the same errno
    {"create map", ENOMEM, any, "no memory", "free some", false},
    {"create map", EMFILE, any, "cannot be made", "bpf(2)", false},
    {"create XSKMAP", EPERM, any, "not allowed", "CAP_NET_ADMIN", true},
    {"create XSKMAP", EINVAL, any, "AF_XDP", "CONFIG_XDP_SOCKETS", true},
    {"load", EPERM, any, "not allowed", "CAP_NET_ADMIN", true},
    {"load", EACCES, any, "verifier", "CAP_PERFMON", true},  // Linux 5.10 lets nobody without it compare with the frame's end
    {"load", EINVAL, any, "verifier", "Linux 5.9", true},
    {"load", EINVAL, in_frags, "several buffers", "Linux 5.18", true},
    {"load", ENOMEM, any, "cannot be loaded", "bpf(2)", false},
    {"socket AF_PACKET", EPERM, any, "packet socket", "CAP_NET_RAW", true},
    {"socket AF_PACKET", EAFNOSUPPORT, any, "packet socket", "CONFIG_PACKET", true},
    {"attach driver", EPERM, any, "not allowed", "CAP_NET_ADMIN", true},
    {"attach driver", EBUSY, any, "another XDP program", "xdp off", false},
    {"attach driver", EEXIST, any, "another XDP program", "xdp off", false},
    {"attach driver", ENODEV, any, "not there", "ip link", false},
    {"attach driver", ERANGE, by_driver, "MTU", "3498", false},
    {"attach driver", EOPNOTSUPP, by_driver, "driver knows no XDP", "generic", true},
    {"attach driver", EINVAL, by_driver, "driver mode", "generic", false},
    {"attach driver", ENOSPC, by_driver, "cannot be attached", "dmesg", false},
    {"attach generic", EBUSY, generic, "another XDP program", "xdp off", false},
    {"attach generic", EOPNOTSUPP, generic, "knows no XDP", "af_packet", true},
    {"attach generic", EINVAL, generic, "link", "Linux 5.9", true},
};
TEST_CASE("each likely failure is named with its remedy, and nothing is left open", "[xdp]") {
  for (const likely& f : failures) {
    INFO(f.call << ", errno " << f.why);
    kernel_state k;
    k.refusals = {{f.call, f.why}};
    steering s;
    const auto e = s.open({&k}, f.options);
    CHECK(e.errno_value == f.why);
    CHECK(says(e.what, f.what));
    CHECK(says(e.remedy, f.remedy));
    CHECK(e.is_impossible_here == f.is_impossible_here);
    CHECK(std::string(e.step) != "");
    CHECK(k.refusals.empty());
    CHECK(k.open.empty());
  }
}

TEST_CASE("where another program is, or the right is missing, generic mode is not tried", "[xdp]") {
  for (const int why : {EPERM, EBUSY, EEXIST, ENODEV}) {
    kernel_state k;
    k.refusals = {{"attach driver", why}};
    steering s;
    CHECK(s.open({&k}, any).errno_value == why);
    CHECK(k.times("attach generic") == 0);
  }
}

TEST_CASE("whichever call fails, open says so and leaves nothing open, and works the next time", "[xdp]") {
  u64 calls = 0;
  {
    kernel_state k;
    steering s;
    REQUIRE(s.open({&k}, any).errno_value == 0);
    calls = k.calls;
  }
  CHECK(calls == 9);
  for (u64 nth = 0; nth < calls; ++nth) {
    kernel_state k;
    k.refuse_nth = nth;
    steering s;
    const auto e = s.open({&k}, by_driver);
    CHECK(e.errno_value == EIO);
    CHECK(k.open.empty());
    CHECK(s.open({&k}, by_driver).errno_value == 0);
    s.close();
    CHECK(k.open.empty());
  }
}

TEST_CASE("the verifier is asked for its reasons once it has refused", "[xdp]") {
  char log[64] = {};
  steering::options with_log = any;
  with_log.log = log;
  kernel_state k;
  steering s;
  CHECK(s.open({&k}, with_log).errno_value == 0);
  CHECK(k.times("load") == 1);
  for (const u32 times : {1u, 2u}) {  // if it takes the program the second time, that is not kept
    kernel_state refusing;
    refusing.refusals = {{"load", EACCES, times}};
    CHECK(s.open({&refusing}, with_log).errno_value == EACCES);
    CHECK(refusing.times("load") == 2);
    CHECK(refusing.open.empty());
  }
}

TEST_CASE("a verifier that a signal interrupted is asked again, a few times", "[xdp]") {
  kernel_state k;
  k.refusals = {{"load", EAGAIN, 4}};
  steering s;
  CHECK(s.open({&k}, any).errno_value == 0);
  k.refusals = {{"load", EAGAIN, 100}};
  CHECK(s.open({&k}, any).errno_value == EAGAIN);
  CHECK(k.refusals.front().times == 95);
}

TEST_CASE("sockets are entered by queue", "[xdp]") {
  kernel_state k;
  steering s;
  REQUIRE(s.open({&k}, {.interface_index = 7, .queues = 2}).errno_value == 0);
  CHECK(s.add_socket(0, 55).errno_value == 0);
  CHECK(s.add_socket(1, 56).errno_value == 0);
  CHECK(k.map_of(BPF_MAP_TYPE_XSKMAP, 4)->elements.at({1, 0, 0, 0}) == std::vector<u8>{56, 0, 0, 0});
  const auto e = s.add_socket(names::most_queues, 57);
  CHECK(e.errno_value == E2BIG);
  CHECK(says(e.remedy, "options.queues"));
  k.refusals = {{"update", EOPNOTSUPP}};
  CHECK(s.add_socket(0, 3).errno_value == EOPNOTSUPP);
}

TEST_CASE("verdicts are the sum over the rows of queues", "[xdp]") {
  kernel_state k;
  steering s;
  REQUIRE(s.open({&k}, any).errno_value == 0);
  for (auto& [fd, m] : k.maps)
    if (m.kind == BPF_MAP_TYPE_ARRAY && m.entries == 128)
      for (auto& [key, value] : m.elements) {
        const u64 n = (key[0] % 8u + 1) * 100 + key[0] / 8u;
        std::memcpy(value.data(), &n, sizeof n);
      }
  k.journal.clear();
  const auto c = s.verdicts();
  CHECK(k.journal.size() == 1);
  const auto sum = [](u64 v) { return 16 * (v + 1) * 100 + 120; };
  using enum names::verdict;
  const auto of = [&](names::verdict v) { return sum(static_cast<u64>(v)); };
  CHECK(c.passed == of(passed));
  CHECK(c.malformed == of(malformed));
  CHECK(c.redirected_arp == of(arp));
  CHECK(c.redirected_ip == of(ip));
  CHECK(c.redirected_neighbour == of(neighbour));
  CHECK(c.redirected_group == of(group));
  CHECK(c.redirected_transit == of(transit));
  CHECK(c.no_socket == of(no_socket));
}

TEST_CASE("a moved steering goes on, and what it was moved from owns nothing", "[xdp]") {
  kernel_state k;
  steering a;
  REQUIRE(a.open({&k}, any).errno_value == 0);
  steering b = std::move(a);
  a.close();
  CHECK(k.open.size() == 9);
  steering c;
  c = std::move(b);
  CHECK(c.mode() == xdp_mode::driver);
  c.close();
  CHECK(k.open.empty());
}

}  // namespace
