// SPDX-License-Identifier: MIT
// A second stack on the interface: it finds the first one's program there, and whatever fails meanwhile leaves nothing behind.
#include <steering/fake_kernel.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstring>

namespace {
using namespace steering_test;
using nic::xdp_mode;
using steering = nic::kernel::xdp_steering<fake_kernel>;
constexpr steering::options second{.interface_index = 7, .queue = 1, .queues = 2};

/// As the kernel answers RTM_GETLINK: the interface has that program.
std::vector<std::byte> has_program(u32 id, u8 how) {
  struct {
    nlmsghdr header;
    ifinfomsg link;
    rtattr xdp;
    rtattr attached;
    u8 how[4];
    rtattr program;
    u32 id;
  } a{};
  a.header.nlmsg_len = sizeof a;
  a.header.nlmsg_type = RTM_NEWLINK;
  a.xdp = {sizeof a.xdp + sizeof a.attached + 4 + sizeof a.program + 4, IFLA_XDP};
  a.attached = {sizeof a.attached + 1, IFLA_XDP_ATTACHED};
  a.how[0] = how;
  a.program = {sizeof a.program + 4, IFLA_XDP_PROG_ID};
  a.id = id;
  std::vector<std::byte> bytes(sizeof a);
  std::memcpy(bytes.data(), &a, sizeof a);
  return bytes;
}
kernel_state occupied(u8 how = XDP_ATTACHED_DRV) {
  kernel_state k;
  k.is_occupied = true;
  k.answer = has_program(kernel_state::program_number, how);
  return k;
}

TEST_CASE("a stack that finds its program attached shares it, with the maps that it has", "[xdp]") {
  kernel_state k = occupied();
  steering s;
  REQUIRE(s.open({&k}, second).errno_value == 0);
  CHECK(s.is_shared());
  CHECK(s.mode() == xdp_mode::driver);
  CHECK(k.open.size() == 9);  // its own maps and program are closed again
  const u8 address[] = {10, 9, 0, 2};
  CHECK(s.claim(address));
  CHECK(s.add_socket(1, 55).errno_value == 0);
  u32 entries = 0;
  for (const auto& [fd, m] : k.maps) {
    if (!k.open.contains(fd) || m.elements.empty()) continue;
    if (m.kind == BPF_MAP_TYPE_ARRAY) continue;
    entries += static_cast<u32>(m.elements.size());
    CHECK(k.numbers.contains(fd));
    CHECK((m.kind == BPF_MAP_TYPE_XSKMAP || m.key_size == 4));
  }
  CHECK(entries == 2);
  CHECK(k.first4() == 0x02'00'09'0a'0000'0001);
  s.close();
  CHECK(k.open.empty());
  for (const auto& [fd, m] : k.maps)
    if (k.numbers.contains(fd) && m.kind == BPF_MAP_TYPE_HASH) CHECK(m.elements.empty());
}

TEST_CASE("another program, or the same in another mode, is not shared", "[xdp]") {
  for (const bool is_ours : {false, true}) {
    kernel_state k = occupied(XDP_ATTACHED_SKB);
    k.is_ours = is_ours;
    steering s;
    auto o = second;
    o.mode = xdp_mode::driver;
    const auto e = s.open({&k}, o);
    CHECK(e.errno_value == EBUSY);
    CHECK((std::string(e.what).find("other mode") != std::string::npos) == is_ours);
    CHECK(k.open.empty());
    o.mode = xdp_mode::automatic;
    CHECK((s.open({&k}, o).errno_value == 0) == is_ours);
  }
}

TEST_CASE("who may not look for the program is told what it takes", "[xdp]") {
  kernel_state k = occupied();
  k.refusals = {{"by number", EPERM}};
  steering s;
  const auto e = s.open({&k}, second);
  CHECK(e.errno_value == EBUSY);
  CHECK(std::string(e.remedy).find("CAP_SYS_ADMIN") != std::string::npos);
  CHECK(k.open.empty());
}

TEST_CASE("a program that goes while one looks at it leaves its place to ours, and what is in the way without one is told", "[xdp]") {
  kernel_state k = occupied();
  k.vanishes_after = 0;
  steering s;
  CHECK(s.open({&k}, second).errno_value == 0);
  CHECK_FALSE(s.is_shared());
  CHECK(k.times("attach driver") == 2);
  s.close();
  CHECK(k.open.empty());

  k = occupied();
  k.answer = has_program(0, XDP_ATTACHED_NONE);
  CHECK(s.open({&k}, second).errno_value == EBUSY);
  CHECK(k.times("attach driver") == 8);
  CHECK(k.open.empty());
}

TEST_CASE("whichever call fails while the program is looked for, nothing is left open", "[xdp]") {
  auto o = second;
  o.mode = xdp_mode::driver;  // automatic would go on with generic mode
  u64 calls = 0;
  {
    kernel_state k = occupied();
    steering s;
    REQUIRE(s.open({&k}, o).errno_value == 0);
    calls = k.calls;
  }
  CHECK(calls > 20);
  for (u64 nth = 0; nth < calls; ++nth) {
    kernel_state k = occupied();
    k.refuse_nth = nth;
    steering s;
    const bool is_refused = s.open({&k}, o).errno_value != 0;
    std::vector<std::string> made;
    for (const std::string& call : k.journal)
      if (!call.starts_with("close")) made.push_back(call);
    INFO("call " << nth << ": " << made[nth]);
    // Others' links that cannot be looked at are passed over, and no key is as good as none that is ours.
    const bool is_after_links = std::find(made.begin(), made.begin() + static_cast<std::ptrdiff_t>(nth), "next link") != made.begin() + static_cast<std::ptrdiff_t>(nth);
    CHECK((is_refused || is_after_links));
    s.close();
    CHECK(k.open.empty());
  }
}

TEST_CASE("what the owner of our queue left behind is removed, and what others have stays", "[xdp]") {
  namespace claims = nic::kernel::claims;
  kernel_state k;
  const fake_kernel system{&k};
  const int map = static_cast<int>(nic::kernel::bpf::create_map(system, {BPF_MAP_TYPE_HASH, 4, 8, 256, ""}));
  for (u8 i = 0; i < 100; ++i) {
    const u8 address[] = {10, 0, 0, i};
    CHECK(claims::add(system, map, address, 1) == 0);
    CHECK(claims::add(system, map, address, 1) == 1);
    if (i % 3 == 0) CHECK(claims::add(system, map, address, 2) == 0);
  }
  claims::remove_all(system, map, 1);
  CHECK(k.maps[map].elements.size() == 34);
  const u8 shared[] = {10, 0, 0, 3}, gone[] = {10, 0, 0, 4};
  CHECK(claims::remove(system, map, shared, 1) == -ENOENT);
  CHECK(claims::remove(system, map, gone, 2) == -ENOENT);
  CHECK(claims::remove(system, map, shared, 2) == 0);
  claims::remove_all(system, map, 2);
  CHECK(k.maps[map].elements.empty());
}

}  // namespace
