// SPDX-License-Identifier: MIT
// How AF_XDP is opened: each refusal names its step and what to do, whatever fails leaves nothing behind, and what was got is told.
#include <fake_xsk/opened.hpp>

#include <cstring>

namespace {
using namespace strata;
using namespace strata::test;
using nic::af_xdp_options;
using nic::open_error;
using nic::xdp_mode;
using nic::xdp_zero_copy;

/// Opens over a kernel that the test prepared.
struct attempt {
  fake_kernel kernel{};
  page_memory memory{64 * 2048};

  open_error fails(af_xdp_options o = {}) {
    if (o.memory.data() == nullptr) o.memory = memory;
    if (o.interface[0] == 0) o.interface = "fake0";
    auto made = fake_af_xdp::open(o, fake_system{&kernel});
    if (made) {
      FAIL_CHECK("it opened");
      return {};
    }
    CHECK(kernel.is_clean());
    const open_error e = made.error();
    CHECK(std::strlen(e.what) > 0);
    CHECK(std::strlen(e.step) > 0);
    CHECK(std::strlen(e.remedy) > 0);
    return e;
  }
  fake_af_xdp opens(af_xdp_options o = {}) {
    o.memory = memory;
    o.interface = "fake0";
    auto made = fake_af_xdp::open(o, fake_system{&kernel});
    if (!made) FAIL(made.error().what << " (" << made.error().step << ", errno " << made.error().errno_value << ")");
    return std::move(*made);
  }
};

struct refused {
  const char* call;
  int why;
  const char* step;
  bool is_impossible_here;
  const char* remedy;  // a part of it
};
/// What the kernel may say, and what the user is told to do.
constexpr refused refusals[] = {
    {"socket netlink", EACCES, "socket AF_NETLINK", true, "AF_NETLINK"},
    {"netlink answer", ENODEV, "netlink RTM_GETLINK", false, "ip link"},
    {"socket xsk", EPERM, "socket AF_XDP", true, "CAP_NET_RAW"},
    {"socket xsk", EAFNOSUPPORT, "socket AF_XDP", true, "CONFIG_XDP_SOCKETS"},
    {"socket xsk", EMFILE, "socket AF_XDP", false, "socket(2)"},
    {"memory", ENOBUFS, "setsockopt XDP_UMEM_REG", true, "CAP_IPC_LOCK"},
    {"memory", EPERM, "setsockopt XDP_UMEM_REG", true, "ulimit -l"},
    {"memory", ENOMEM, "setsockopt XDP_UMEM_REG", false, "smaller"},
    {"memory", EFAULT, "setsockopt XDP_UMEM_REG", false, "huge_pages"},
    {"memory", EINVAL, "setsockopt XDP_UMEM_REG", false, "2048 or 4096"},
    {"ring", ENOMEM, "setsockopt SOL_XDP rings", false, "options.rings"},
    {"offsets", EINVAL, "getsockopt XDP_MMAP_OFFSETS", true, "Linux 5.9"},
    {"mmap", ENOMEM, "mmap", false, "memory"},
    {"bpf map", EPERM, "bpf BPF_MAP_CREATE", true, "CAP_BPF"},
    {"bpf load", EPERM, "bpf BPF_PROG_LOAD", true, "CAP_NET_ADMIN"},
    {"bpf link", EPERM, "bpf BPF_LINK_CREATE", true, "CAP_NET_ADMIN"},
    {"bpf link", EBUSY, "bpf BPF_LINK_CREATE", false, "xdp off"},
    {"bind", EBUSY, "bind AF_XDP", false, "another queue"},
    {"bind", EPERM, "bind AF_XDP", true, "CAP_NET_RAW"},
    {"bind", ENODEV, "bind AF_XDP", false, "ip link"},
    {"bind", ENETDOWN, "bind AF_XDP", false, "up"},
    {"bind", EINVAL, "bind AF_XDP", false, "dmesg"},
    {"bpf update", E2BIG, "bpf BPF_MAP_UPDATE_ELEM", false, "options.queues"},
};
}  // namespace

TEST_CASE("whatever the kernel refuses, open says which step it was and what to do, and leaves nothing behind") {
  for (const refused& r : refusals) {
    INFO(r.call << ", " << r.why);
    attempt a;
    a.kernel.refuse(r.call, r.why);
    const open_error e = a.fails();
    CHECK(e.errno_value == r.why);
    CHECK(std::string_view(e.step) == r.step);
    CHECK(e.is_impossible_here == r.is_impossible_here);
    CHECK(std::string_view(e.remedy).find(r.remedy) != std::string_view::npos);
  }
}

TEST_CASE("a kernel without transmit metadata says so") {
  attempt a;
  a.kernel.refuse("memory", EINVAL);
  const open_error e = a.fails({.requests_checksum = true});
  CHECK(e.is_impossible_here);
  CHECK(std::string_view(e.remedy).find("without checksum requests") != std::string_view::npos);
}

TEST_CASE("whichever call fails, and however, open leaves nothing behind") {
  for (const int why : {ENOMEM, EPERM, EINVAL, EBUSY}) {
    u32 opened_all_the_same = 0;
    for (u32 k = 0;; ++k) {
      attempt a;
      a.kernel.queues = 2;
      a.kernel.fails_at = k;
      a.kernel.fails_with = why;
      {
        auto made = fake_af_xdp::open({.interface = "fake0", .memory = a.memory, .queues = 2, .busy_poll_us = 20}, fake_system{&a.kernel});
        if (made) ++opened_all_the_same;
        else CHECK(made.error().errno_value == why);
      }
      CHECK(a.kernel.is_clean());
      if (a.kernel.calls <= k) break;  // none was left to fail
      REQUIRE(k < 200);
    }
    CHECK(opened_all_the_same >= 1);
    CHECK(opened_all_the_same < 20);  // the packet socket, zero-copy and the like are not needed
  }
}

TEST_CASE("options that cannot be are refused before anything is touched") {
  const auto refused = [](af_xdp_options o, const char* step, int why = EINVAL) {
    attempt a;
    const open_error e = a.fails(o);
    CHECK(std::string_view(e.step) == step);
    CHECK(e.errno_value == why);
    CHECK(a.kernel.binds == 0);
  };
  for (const u32 size : {0u, 64u, 1024u, 2047u, 5000u, 8191u, 65536u, 70000u}) refused({.chunk_size = size}, "options.chunk_size");
  static page_memory memory{64 * 2048};
  refused({.memory = region({memory.at + 64, 32 * 2048})}, "options.memory");
  refused({.memory = region({memory.at, 2048})}, "options.memory");
  refused({.queue = 1}, "options.queue");
  refused({.queue = 0xffffffff}, "options.queue");
  refused({.queues = 0}, "options.queues");
  refused({.queues = 9}, "options.queues");
  refused({.queues = 2}, "options.queue");
  refused({.mtu = 1501}, "options.mtu");
  refused({.chunk_size = 8192, .requests_checksum = true}, "options.requests_checksum");
  refused({.chunk_size = 8192, .wants_timestamps = true}, "options.requests_checksum");
  refused({.rings = {.receive = 1000}}, "options.rings");
  refused({.rings = {.transmit = 0}}, "options.rings");
  refused({.rings = {.fill = 8192}}, "options.rings");
  refused({.rings = {.fill = 64}, .fill = 65}, "options.fill");
  refused({.interface = "a_name_of_16_byte"}, "options.interface", ENAMETOOLONG);
}

TEST_CASE("an MTU that no chunk holds is refused; one that several of the kernel's hold asks for frames in pieces") {
  attempt a;
  a.kernel.mtu = 9000;
  CHECK(std::string_view(a.fails().step) == "options.mtu");
  CHECK(a.opens({.mtu = 1500}).mtu() == 1500);
  CHECK(a.fails({.mtu = 1779}).errno_value == EMSGSIZE);
  {
    auto nic = a.opens({.mtu = 1778});
    CHECK_FALSE(a.kernel.bound_to(0)->in_pieces);
  }
  {
    auto nic = a.opens({.chunk_size = 10240});
    CHECK(nic.mtu() == 9000);
    CHECK(a.kernel.bound_to(0)->in_pieces);
    CHECK(a.kernel.registration_of(*a.kernel.bound_to(0)).chunk_size == 2048);
  }
  a.kernel.has_pieces = false;
  const open_error e = a.fails({.chunk_size = 10240});
  CHECK(std::string_view(e.step) == "bind XDP_USE_SG");
  CHECK(std::string_view(e.remedy).find("mtu 1500") != std::string_view::npos);
}

TEST_CASE("zero-copy is tried first, copies are the fallback, and what was got is told") {
  attempt a;
  {
    const auto nic = a.opens();
    CHECK_FALSE(nic.is_zero_copy());
    CHECK(nic.mode() == xdp_mode::driver);
  }
  const open_error e = a.fails({.zero_copy = xdp_zero_copy::require});
  CHECK(std::string_view(e.step) == "bind XDP_ZEROCOPY");
  CHECK(e.errno_value == EOPNOTSUPP);
  CHECK(e.is_impossible_here);
  a.kernel.has_zero_copy = true;
  a.kernel.refuse("bind", EBUSY);
  CHECK(std::string_view(a.fails({.zero_copy = xdp_zero_copy::require}).step) == "bind AF_XDP");  // a queue that is held says nothing about zero-copy
  a.kernel.refusals.clear();
  CHECK(a.opens().is_zero_copy());
  CHECK(a.opens({.zero_copy = xdp_zero_copy::require}).is_zero_copy());
  CHECK_FALSE(a.opens({.zero_copy = xdp_zero_copy::off}).is_zero_copy());
  CHECK_FALSE(a.opens({.mode = xdp_mode::generic}).is_zero_copy());
  CHECK(a.opens({.mode = xdp_mode::generic}).mode() == xdp_mode::generic);
}
TEST_CASE("driver mode is tried first, generic is the fallback, and one that is asked for is got or refused") {
  attempt a;
  a.kernel.has_driver_mode = false;
  CHECK(a.opens().mode() == xdp_mode::generic);
  CHECK(a.fails({.mode = xdp_mode::driver}).errno_value == EOPNOTSUPP);
  a.kernel.has_zero_copy = true;
  CHECK(a.fails({.zero_copy = xdp_zero_copy::require}).errno_value == EOPNOTSUPP);  // which driver mode alone has
}
TEST_CASE("a zero-copy driver that sleeps over its fill ring is woken") {
  opened t;
  CHECK_FALSE(t.nic.is_zero_copy());
  attempt a;
  a.kernel.has_zero_copy = true;
  auto nic = a.opens();
  std::vector<buffer::descriptor> table(64);
  buffer::pool chunks;
  chunks.open(a.memory, table, 2048);
  packet batch[4];
  (void)nic.receive(chunks, batch);
  CHECK(a.kernel.wakes == 0);
  a.kernel.bound_to(0)->fill.flags() = xdp::wants_wakeup;
  (void)nic.receive(chunks, batch);
  CHECK(a.kernel.wakes == 1);
  nic.close();
  CHECK(chunks.in_use() == 0);
}

TEST_CASE("a queue that a dying socket holds is tried again, and not forever") {
  attempt a;
  a.kernel.refuse("bind", EBUSY, 5);
  {
    const auto nic = a.opens();
    CHECK(a.kernel.slept_ns >= 16'000'000);
  }
  a.kernel.slept_ns = 0;
  a.kernel.refuse("bind", EBUSY);
  CHECK(a.fails().errno_value == EBUSY);
  CHECK(a.kernel.slept_ns >= 100'000'000);
  CHECK(a.kernel.slept_ns <= 200'000'000);
}

TEST_CASE("what is doubtful about an interface is told, and nothing else") {
  {
    attempt a;
    a.kernel.has_driver_mode = false;
    const auto nic = a.opens();
    REQUIRE(nic.warnings().size() == 1);
    CHECK(std::string(nic.warnings()[0]).find("tso off") != std::string::npos);
  }
  const auto first_warning = [](auto&& doubt) {
    attempt a;
    doubt(a.kernel);
    const auto nic = a.opens();
    CHECK(nic.warnings().size() <= 1);
    return std::string(nic.warnings().empty() ? "" : nic.warnings()[0]);
  };
  CHECK(first_warning([](fake_kernel&) {}).empty());
  CHECK(first_warning([](fake_kernel& k) { k.queues = 4; }).find("ethtool -L") != std::string::npos);
  CHECK(first_warning([](fake_kernel& k) { k.vlan_offload = true; }).find("rxvlan off") != std::string::npos);
  CHECK(first_warning([](fake_kernel& k) { k.lro = true; }).find("lro off") != std::string::npos);
  CHECK(first_warning([](fake_kernel& k) { k.is_up = false; }).find("ip link set") != std::string::npos);
  CHECK(first_warning([](fake_kernel& k) { k.has_carrier = false; }).find("carrier") != std::string::npos);
  CHECK(first_warning([](fake_kernel& k) { k.refuse("bind packet", EPERM); }).find("gratuitous ARP") != std::string::npos);
}

TEST_CASE("a driver holds the region and the chunk size that it was opened with, and no other") {
  attempt a;
  const auto nic = a.opens();
  CHECK(nic.holds(a.memory, 2048));
  CHECK_FALSE(nic.holds(a.memory, 4096));
  CHECK_FALSE(nic.holds(region({a.memory.at + 4096, a.memory.size - 4096}), 2048));
  CHECK_FALSE(nic.holds(region({a.memory.at, a.memory.size / 2}), 2048));
}
TEST_CASE("a driver's address is the interface's unless another is given") {
  attempt a;
  CHECK(a.opens().address() == a.kernel.mac);
  CHECK(a.opens({.mac = {{2, 0, 0, 0, 0, 0x77}}}).address() == mac_address{{2, 0, 0, 0, 0, 0x77}});
}

TEST_CASE("open sends a frame through the program into the region, and says whether it came") {
  attempt a;
  {
    auto nic = a.opens({.fill = 8});
    CHECK(nic.self_test() == nic::xdp_self_test::passed);
    CHECK(nic.warnings().empty());
    CHECK(a.kernel.bound_to(0)->fill.filled() == 0);
    CHECK(a.kernel.bound_to(0)->receive.filled() == 0);
  }
  CHECK(a.opens({.self_test = false}).self_test() == nic::xdp_self_test::not_possible);
  a.kernel.queues = 2;
  CHECK(a.opens({.queue = 1}).self_test() == nic::xdp_self_test::not_possible);
  a.kernel.runs_live_frames = false;
  {
    auto nic = a.opens({.queues = 2});
    CHECK(nic.self_test() == nic::xdp_self_test::not_possible);
    CHECK(nic.warnings().empty());
    CHECK(a.kernel.bound_to(0)->fill.filled() == 0);
  }
}
TEST_CASE("a frame that does not come is a warning, and its chunk is not left on a fill ring") {
  attempt a;
  a.kernel.program_redirects = false;
  auto nic = a.opens({.fill = 8});
  CHECK(nic.self_test() == nic::xdp_self_test::failed);
  REQUIRE(nic.warnings().size() == 1);
  CHECK(std::string(nic.warnings()[0]).find("did not arrive") != std::string::npos);
  CHECK(a.kernel.bound_to(0)->fill.filled() == 0);
  CHECK(a.kernel.binds == 4);  // zero-copy and copy, twice
  nic.close();
  CHECK(a.kernel.is_clean());
}

TEST_CASE("what to look at when nothing arrives follows a frame's way") {
  const auto told = [](auto&& how) {
    opened t({.fill = 8});
    (void)t.receive();
    how(t);
    return std::string(t.nic.diagnosis());
  };
  const auto count = [](opened& t, nic::steering::verdict v, u64 n) { t.kernel.verdicts[static_cast<u32>(v)] = n; };
  using enum nic::steering::verdict;
  CHECK(told([](opened&) {}).find("ip -s link") != std::string::npos);
  CHECK(told([&](opened& t) { count(t, passed, 3); }).find("address") != std::string::npos);
  CHECK(told([&](opened& t) { count(t, no_socket, 3); }).find("options.queues") != std::string::npos);
  CHECK(told([&](opened& t) { count(t, ip, 3); }).find("dmesg") != std::string::npos);
  CHECK(told([&](opened& t) { count(t, ip, 3), ++t.kernel.bound_to(0)->statistics.receive_dropped; }).find("tso off") != std::string::npos);
  CHECK(told([&](opened& t) { count(t, ip, 3), ++t.kernel.bound_to(0)->statistics.receive_ring_full; }).find("polled") != std::string::npos);
  CHECK(told([&](opened& t) { count(t, arp, 3), ++t.kernel.bound_to(0)->statistics.fill_ring_empty; }).find("chunk") != std::string::npos);
  CHECK(told([&](opened& t) { (void)t.deliver(1, 60), (void)t.receive(); }) == "frames arrive");
  fake_af_xdp none;
  CHECK(std::string(none.diagnosis()).find("not open") != std::string::npos);
}
