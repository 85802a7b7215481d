// SPDX-License-Identifier: MIT
// The steering program in the kernel that we run on, in a network namespace of its own: the verifier takes it, BPF_PROG_TEST_RUN says of each frame what the table
// says, and what may fail is made to fail.
#include "in_kernel.hpp"

#include <csignal>
#include <iterator>

namespace {
using namespace in_kernel;

/// The kernel's run of the program over each frame of the table, at each length that it takes (14 bytes and more).
void runs_as_the_table_says(const xdp_steering& s, bool has_socket, std::span<const row> rows = table) {
  columns before = in_columns(s.verdicts());
  for (const row& r : rows)
    for (std::size_t size = 14; size <= r.sent.size; ++size) {
      INFO(r.what << ", " << size << " bytes");
      steering::verdict v = wanted(r, size);
      const bool is_ours = v == arp || v == ip || v == neighbour || v == group || v == transit;
      if (is_ours && !has_socket) v = no_socket;
      nic::kernel::bpf::run_result result;
      REQUIRE(nic::kernel::bpf::run_program(nic::kernel::system_calls{}, s.program(), r.sent.bytes().first(size), result) == 0);
      ++before[static_cast<u32>(v)];
      const columns now = in_columns(s.verdicts());
      if (result.verdict != (is_ours && has_socket ? 4u : 2u) || now != before) {
        CHECK(result.verdict == (is_ours && has_socket ? 4u : 2u));
        CHECK(now == before);
        before = now;
      }
    }
}

TEST_CASE("the kernel says of each frame what the table says", "[kernel]") {
  for (const bool has_frags : {false, true}) {
    own_namespace alone;
    xsk socket;  // before the program: with it, the entry goes
    xdp_steering s;
    open(s, {.mode = xdp_mode::generic, .queues = 2, .has_frags = has_frags});
    for (const auto& a : ours4) REQUIRE(s.claim(a));
    for (const auto& a : ours6) REQUIRE(s.claim(a));
    runs_as_the_table_says(s, false);
    REQUIRE(s.add_socket(0, socket.fd).errno_value == 0);
    runs_as_the_table_says(s, true);
    REQUIRE(own_namespace::ip("address add 10.9.0.1/24 dev v1"));
    REQUIRE(s.claim(std::array<u8, 4>{}));  // a router's
    runs_as_the_table_says(s, true, router_table);
    CHECK(s.add_socket(steering::most_queues, socket.fd).errno_value == E2BIG);
    CHECK(s.add_socket(1, 0).errno_value != 0);  // no AF_XDP socket
  }
}

TEST_CASE("driver mode is got on veth, generic mode on lo, and what is required and not there is refused", "[kernel]") {
  own_namespace alone;
  {
    xdp_steering s;
    open(s);
    CHECK(s.mode() == xdp_mode::driver);
    CHECK(facts_of("v0").foreign_program != 0);
    CHECK(facts_of("v1").foreign_program == 0);
  }
  CHECK(facts_of("v0").foreign_program == 0);
  xdp_steering s;
  const int lo = facts_of("lo").index;
  REQUIRE(s.open({}, {.interface_index = lo}).errno_value == 0);
  CHECK(s.mode() == xdp_mode::generic);
  CHECK(s.driver_errno() == EOPNOTSUPP);
  const auto e = s.open({}, {.interface_index = lo, .mode = xdp_mode::driver});
  CHECK(e.errno_value == EOPNOTSUPP);
  CHECK(e.is_impossible_here);
  CHECK(facts_of("lo").foreign_program == 0);
}

TEST_CASE("a large MTU refuses driver mode, unless frames may come in several buffers", "[kernel]") {
  own_namespace alone("link set v0 mtu 9000");
  REQUIRE(own_namespace::ip("link set v1 mtu 9000"));
  xdp_steering s;
  open(s);
  CHECK(s.mode() == xdp_mode::generic);
  CHECK(s.driver_errno() == ERANGE);
  const int index = facts_of("v0").index;
  CHECK(s.open({}, {.interface_index = index, .mode = xdp_mode::driver}).errno_value == ERANGE);
  CHECK(s.open({}, {.interface_index = index, .mode = xdp_mode::driver, .has_frags = true}).errno_value == 0);
  s.close();
  // The largest that the remedy promises.
  REQUIRE(own_namespace::ip("link set v1 mtu 3498"));
  CHECK(s.open({}, {.interface_index = index, .mode = xdp_mode::driver}).errno_value == 0);
}

constexpr ebpf::statement passes_all[] = {ebpf::mov(ebpf::r0, steering::xdp_pass), ebpf::exit_with_r0()};

TEST_CASE("a foreign program is not replaced, in whichever mode it is", "[kernel]") {
  own_namespace alone;
  {
    xdp_steering s;
    open(s);
  }
  const nic::kernel::system_calls system;
  const auto code = ebpf::assemble<passes_all>();
  const nic::kernel::owned_descriptor<> program{system, static_cast<int>(nic::kernel::bpf::load_xdp_program(system, code, "theirs", 0))};
  REQUIRE(program);
  for (const u32 theirs : {XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE})
    for (const xdp_mode ours : {xdp_mode::automatic, xdp_mode::driver, xdp_mode::generic}) {
      const int index = facts_of("v0").index;
      const nic::kernel::owned_descriptor<> link{system, static_cast<int>(nic::kernel::bpf::create_xdp_link(system, program.get(), index, theirs))};
      REQUIRE(link);
      const u32 attached = facts_of("v0").foreign_program;
      xdp_steering s;
      const auto e = s.open({}, {.interface_index = index, .mode = ours});
      CHECK((e.errno_value == EBUSY || e.errno_value == EEXIST));
      CHECK(std::string(e.what).find("another XDP program") != std::string::npos);
      CHECK_FALSE(e.is_impossible_here);
      CHECK(facts_of("v0").foreign_program == attached);
    }
}

TEST_CASE("an interface that is not there is told", "[kernel]") {
  own_namespace alone;
  const auto f = nic::kernel::facts_of(nic::kernel::system_calls{}, "nope");
  REQUIRE_FALSE(f);
  CHECK(f.error().errno_value == ENODEV);
  xdp_steering s;
  open(s);
  const auto e = s.open({}, {.interface_index = 9999});
  CHECK(e.errno_value != 0);
  CHECK(std::string(e.remedy).find("ip link") != std::string::npos);
}

TEST_CASE("facts are those that ip shows", "[kernel]") {
  own_namespace alone("link set v0 mtu 1400 address 02:00:5e:10:00:07");
  const auto f = facts_of("v0");
  CHECK(f.mtu == 1400);
  CHECK(f.mac == mac_address{{2, 0, 0x5e, 0x10, 0, 7}});
  CHECK(f.is_up);
  CHECK(f.has_carrier);
  CHECK(f.receive_queues == 1);
  REQUIRE(own_namespace::ip("link add w0 numrxqueues 3 numtxqueues 2 type veth peer name w1"));
  CHECK(facts_of("w0").receive_queues == 3);
  CHECK_FALSE(f.lro);
  REQUIRE(own_namespace::ip("link set v1 down"));
  CHECK(facts_of("v0").is_up);
  CHECK_FALSE(facts_of("v0").has_carrier);
  REQUIRE(own_namespace::ip("link set v0 down"));
  CHECK_FALSE(facts_of("v0").is_up);
}

TEST_CASE("the interface lets the groups of claimed addresses in", "[kernel]") {
  own_namespace alone;
  const auto joined = [] {
    std::ifstream file("/proc/thread-self/net/dev_mcast");
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const auto has = [&](const char* mac) { return joined().find(mac) != std::string::npos; };
  xdp_steering s;
  open(s);
  CHECK_FALSE(has("3333ffc3d4e5"));
  REQUIRE(s.claim(ours6[0]));
  REQUIRE(s.claim(ours6[1]));  // another address of the same group
  REQUIRE(s.claim(ours4[2]));
  CHECK(has("3333ffc3d4e5"));
  CHECK(has("01005e010203"));
  REQUIRE(s.disclaim(ours6[0]));
  CHECK(has("3333ffc3d4e5"));
  REQUIRE(s.disclaim(ours6[1]));
  CHECK_FALSE(has("3333ffc3d4e5"));
  s.close();
  CHECK_FALSE(has("01005e010203"));
}

TEST_CASE("the program goes with its process, however that ends", "[kernel]") {
  own_namespace alone;
  {
    xdp_steering s;
    open(s);
  }
  int says[2];
  REQUIRE(::pipe2(says, O_CLOEXEC) == 0);
  const int index = facts_of("v0").index;
  const pid_t child = ::fork();
  if (child == 0) {
    xdp_steering s;
    const char result = s.open({}, {.interface_index = index}).errno_value == 0 ? 'y' : 'n';
    (void)!::write(says[1], &result, 1);
    for (;;) ::pause();
  }
  char result = 0;
  REQUIRE(::read(says[0], &result, 1) == 1);
  CHECK(result == 'y');
  CHECK(facts_of("v0").foreign_program != 0);
  REQUIRE(::kill(child, SIGKILL) == 0);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  CHECK(facts_of("v0").foreign_program == 0);
  xdp_steering s;
  open(s);
  (void)::close(says[0]);
  (void)::close(says[1]);
}

TEST_CASE("each right that is missing is named", "[kernel]") {
  own_namespace alone;
  {
    xdp_steering s;
    open(s);
  }
  const int index = facts_of("v0").index;
  constexpr u64 bpf = capability(CAP_BPF), admin = capability(CAP_NET_ADMIN), raw = capability(CAP_NET_RAW);
  const struct {
    u64 has;
    const char* remedy;
  } cases[] = {{admin | raw, "CAP_BPF"}, {bpf | raw, "CAP_NET_ADMIN"}, {bpf | admin, "CAP_NET_RAW"}, {0, "CAP_BPF"}, {bpf | admin | raw, ""}};
  static char log[1 << 16];
  for (const auto& c : cases) {
    log[0] = 0;
    nic::open_error e{"", "", "the thread kept its rights", -1};
    with_capabilities(c.has, [&] {
      xdp_steering s;
      e = s.open({}, {.interface_index = index, .log = log});
    });
    INFO(e.what << " (" << e.step << ", errno " << e.errno_value << "); " << e.remedy << "\n" << log);
    if (*c.remedy == 0) {
      CHECK(e.errno_value == 0);
      continue;
    }
    CHECK(e.errno_value == EPERM);
    CHECK(e.is_impossible_here);
    CHECK(std::string(e.remedy).find(c.remedy) != std::string::npos);
    CHECK(facts_of("v0").foreign_program == 0);
  }
  nic::open_error e;
  with_capabilities(0, [&] { e = nic::kernel::overheard<>{}.open({}, index); });
  CHECK(e.errno_value == EPERM);
  CHECK(std::string(e.remedy).find("CAP_NET_RAW") != std::string::npos);
}

TEST_CASE("what both need is overheard, whichever mode the program is in", "[kernel]") {
  for (const xdp_mode mode : {xdp_mode::driver, xdp_mode::generic}) {
    own_namespace alone;
    xsk socket;
    xdp_steering s;
    open(s, {.mode = mode});
    for (const auto& a : ours4) REQUIRE(s.claim(a));
    for (const auto& a : ours6) REQUIRE(s.claim(a));
    REQUIRE(s.add_socket(0, socket.fd).errno_value == 0);
    nic::kernel::overheard<> o;
    REQUIRE(o.open({}, facts_of("v0").index).errno_value == 0);

    const int from = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = facts_of("v1").index;
    std::vector<std::vector<std::byte>> heard, wanted_to_be;
    for (const row& r : table) {
      REQUIRE(::sendto(from, r.sent.data, r.sent.size, 0, reinterpret_cast<sockaddr*>(&to), sizeof to) == static_cast<ssize_t>(r.sent.size));
      if (std::string(r.what).starts_with("gratuitous") || std::string(r.what).find("advertisement to a group") != std::string::npos)
        wanted_to_be.emplace_back(r.sent.data, r.sent.data + r.sent.size);
      o.read([&](std::span<const std::byte> frame) { heard.emplace_back(frame.begin(), frame.end()); });
    }
    for (u32 i = 0; i < 100 && heard.size() < wanted_to_be.size(); ++i) {
      o.read([&](std::span<const std::byte> frame) { heard.emplace_back(frame.begin(), frame.end()); });
      nic::kernel::system_calls{}.sleep_ns(1'000'000);
    }
    CHECK(heard == wanted_to_be);
    CHECK(wanted_to_be.size() == 4);
    (void)::close(from);

    // Each frame was seen by the program; the kernel added none of its own, with IPv6 off.
    u64 frames = 0, redirected = 0;
    const columns c = in_columns(s.verdicts());
    for (u32 i = 0; i < c.size(); ++i) frames += c[i];
    redirected = c[static_cast<u32>(arp)] + c[static_cast<u32>(ip)] + c[static_cast<u32>(neighbour)] + c[static_cast<u32>(group)];
    CHECK(frames >= std::size(table));
    u64 ours = 0;
    for (const row& r : table) ours += r.becomes == arp || r.becomes == ip || r.becomes == neighbour || r.becomes == group;
    CHECK(redirected + c[static_cast<u32>(no_socket)] == ours);
  }
}

}  // namespace
