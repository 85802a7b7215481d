// SPDX-License-Identifier: MIT
// What is read from the kernel's answers about an interface, whatever they look like.
#include <steering/fake_kernel.hpp>

#include <strata/nic/linux/interface_facts.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstring>
#include <net/if.h>

namespace {
using namespace steering_test;

void append(std::vector<std::byte>& to, const void* from, std::size_t n) {
  to.insert(to.end(), static_cast<const std::byte*>(from), static_cast<const std::byte*>(from) + n);
  while (to.size() % 4 != 0) to.push_back({});
}
void append_attribute(std::vector<std::byte>& to, u16 type, const void* payload, std::size_t n) {
  const rtattr a{static_cast<u16>(sizeof(rtattr) + n), type};
  append(to, &a, sizeof a);
  append(to, payload, n);
}
template <class T> void append_attribute(std::vector<std::byte>& to, u16 type, const T& value) { append_attribute(to, type, &value, sizeof value); }

struct described {
  u32 flags = IFF_UP | 0x10000;  // IFF_LOWER_UP
  u32 mtu = 1500;
  u16 program_kind = IFLA_XDP_PROG_ID;
  u32 program = 0;
};
std::vector<std::byte> answer_of(const described& d) {
  std::vector<std::byte> bytes(sizeof(nlmsghdr));
  ifinfomsg link{};
  link.ifi_index = 9;
  link.ifi_flags = d.flags;
  append(bytes, &link, sizeof link);
  append_attribute(bytes, IFLA_IFNAME, "veth1", 6);
  const u8 mac[] = {2, 0, 0x5e, 1, 2, 3};
  append_attribute(bytes, IFLA_ADDRESS, mac);
  append_attribute(bytes, IFLA_MTU, d.mtu);
  std::vector<std::byte> xdp;
  append_attribute(xdp, IFLA_XDP_ATTACHED, u8{1});
  if (d.program != 0) append_attribute(xdp, d.program_kind, d.program);
  append_attribute(bytes, IFLA_XDP | NLA_F_NESTED, xdp.data(), xdp.size());
  nlmsghdr header{};
  header.nlmsg_len = static_cast<u32>(bytes.size());
  header.nlmsg_type = RTM_NEWLINK;
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}
std::vector<std::byte> error_of(int why) {
  struct { nlmsghdr header; nlmsgerr error; } e{};
  e.header.nlmsg_len = sizeof e;
  e.header.nlmsg_type = NLMSG_ERROR;
  e.error.error = why;
  std::vector<std::byte> bytes;
  append(bytes, &e, sizeof e);
  return bytes;
}
void ethtool_says(kernel_state& k, u32 receive, u32 combined, u32 flags) {
  const u32 channels[] = {8, 8, 0, 8, receive, 0, 0, combined};
  k.ethtool[ETHTOOL_GCHANNELS] = {reinterpret_cast<const u8*>(channels), reinterpret_cast<const u8*>(channels) + sizeof channels};
  k.ethtool[ETHTOOL_GFLAGS] = {reinterpret_cast<const u8*>(&flags), reinterpret_cast<const u8*>(&flags) + sizeof flags};
}
auto ask(kernel_state& k, const char* name = "veth1") { return nic::kernel::facts_of(fake_kernel{&k}, name); }

TEST_CASE("the facts of an interface are those of the answer", "[xdp]") {
  kernel_state k;
  k.answer = answer_of({});
  ethtool_says(k, 3, 1, 0);
  const auto f = ask(k);
  REQUIRE(f);
  CHECK(f->index == 9);
  CHECK(f->mac == mac_address{{2, 0, 0x5e, 1, 2, 3}});
  CHECK(f->mtu == 1500);
  CHECK(f->is_up);
  CHECK(f->has_carrier);
  CHECK(f->receive_queues == 4);
  CHECK_FALSE(f->vlan_offload);
  CHECK_FALSE(f->lro);
  CHECK(f->foreign_program == 0);
  CHECK(k.open.empty());
}

TEST_CASE("what is doubtful about an interface is seen", "[xdp]") {
  for (const u16 kind : {IFLA_XDP_PROG_ID, IFLA_XDP_DRV_PROG_ID, IFLA_XDP_SKB_PROG_ID, IFLA_XDP_HW_PROG_ID}) {
    kernel_state k;
    k.answer = answer_of({.flags = 0, .mtu = 65536, .program_kind = kind, .program = 321});
    ethtool_says(k, 0, 2, ETH_FLAG_RXVLAN | ETH_FLAG_LRO);
    const auto f = ask(k);
    REQUIRE(f);
    CHECK(f->foreign_program == 321);
    CHECK(f->mtu == 65535);
    CHECK_FALSE(f->is_up);
    CHECK_FALSE(f->has_carrier);
    CHECK(f->receive_queues == 2);
    CHECK(f->vlan_offload);
    CHECK(f->lro);
  }
}

TEST_CASE("a driver that tells nothing by ethtool is taken to have one queue and no offload", "[xdp]") {
  kernel_state k;
  k.answer = answer_of({});
  const auto f = ask(k);
  REQUIRE(f);
  CHECK(f->receive_queues == 1);
  CHECK_FALSE(f->vlan_offload);
  ethtool_says(k, 0, 0, 0);
  CHECK(ask(k)->receive_queues == 1);
}

TEST_CASE("whatever fails is told, and no socket is left", "[xdp]") {
  kernel_state k;
  k.answer = error_of(-ENODEV);
  CHECK(ask(k, "nope").error().errno_value == ENODEV);
  CHECK(std::string(ask(k, "nope").error().remedy).find("ip link") != std::string::npos);
  k.answer = error_of(-EPERM);
  CHECK(ask(k).error().errno_value == EPERM);
  k.answer = error_of(0);
  CHECK(ask(k).error().errno_value == EPROTO);
  k.answer = answer_of({});
  for (const char* call : {"socket AF_NETLINK", "send", "receive"}) {
    k.refusals = {{call, ENOBUFS}};
    CHECK(ask(k).error().errno_value == ENOBUFS);
  }
  CHECK(ask(k, "").error().errno_value == EINVAL);
  CHECK(ask(k, "sixteen-bytes-16").error().errno_value == ENAMETOOLONG);
  CHECK(ask(k, "fifteen-bytes15"));
  CHECK(k.open.empty());
}

TEST_CASE("an answer that is cut off anywhere, or lies about its lengths, is read within its bounds", "[xdp]") {
  const auto whole = answer_of({.program = 5});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    kernel_state k;
    k.answer.assign(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(ask(k).error().errno_value == EPROTO);  // its header says that it is longer
    if (size < sizeof(nlmsghdr)) continue;
    const u32 length = static_cast<u32>(size);
    std::memcpy(k.answer.data(), &length, sizeof length);
    (void)ask(k);
  }
  for (std::size_t at = sizeof(nlmsghdr) + sizeof(ifinfomsg); at < whole.size(); ++at)
    for (const int value : {0, 1, 3, 5, 0x7f, 0xff}) {
      kernel_state k;
      k.answer = whole;
      k.answer[at] = static_cast<std::byte>(value);
      CHECK(ask(k));
    }
}

}  // namespace
