// SPDX-License-Identifier: MIT
// Addresses that xdp_steering is told of.
#include <steering/fake_kernel.hpp>

#include <catch2/catch_test_macros.hpp>

namespace {
using namespace steering_test;
using steering = nic::kernel::xdp_steering<fake_kernel>;
namespace names = nic::steering;
constexpr steering::options any{.interface_index = 7};

constexpr u8 v4[] = {10, 9, 0, 2}, group4[] = {239, 129, 2, 3};
constexpr u8 mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 9, 0, 2};
constexpr u8 v6[] = {0xfd, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0xa1, 0xb2, 0xc3, 0xd4, 0xe5};
constexpr u8 group6[] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11, 0x22, 0x33, 0x44};

TEST_CASE("a claimed address is in the map of its family, and its group is let in by the interface", "[xdp]") {
  kernel_state k;
  steering s;
  REQUIRE(s.open({&k}, any).errno_value == 0);
  const auto& own4 = k.map_of(BPF_MAP_TYPE_HASH, 4)->elements;
  const auto& own6 = k.map_of(BPF_MAP_TYPE_HASH, 16)->elements;

  CHECK(s.claim(v4));
  CHECK(own4.contains({10, 9, 0, 2}));
  CHECK(k.joined.empty());
  CHECK(k.first4() == 0x02'00'09'0a'0000'0001);  // as this machine loads it
  CHECK(s.claim(mapped));  // the same
  CHECK(own4.size() == 1);
  CHECK(own6.empty());

  CHECK(s.claim(v6));
  CHECK(own6.contains({std::begin(v6), std::end(v6)}));
  CHECK(k.joined.contains({0x33, 0x33, 0xff, 0xc3, 0xd4, 0xe5}));
  CHECK(s.claim(v6));  // again: joined once all the same
  CHECK(k.joined.begin()->second == 1);

  CHECK(s.claim(group4));
  CHECK(k.first4() == 0x02'00'09'0a'0000'0001);
  CHECK(k.joined.contains({0x01, 0x00, 0x5e, 0x01, 0x02, 0x03}));
  CHECK(s.claim(group6));
  CHECK(k.joined.contains({0x33, 0x33, 0x11, 0x22, 0x33, 0x44}));
  CHECK(s.claim(mac_address{{2, 0, 0, 0, 0, 9}}));
  CHECK(k.joined.size() == 4);

  CHECK(s.disclaim(v6));
  CHECK_FALSE(s.disclaim(v6));
  CHECK(s.disclaim(mapped));
  CHECK(k.first4() == 0);  // a group is no address to be found first
  CHECK(s.claim(v4));
  CHECK(k.first4() == 0x02'00'09'0a'0000'0001);
  CHECK(s.disclaim(group4));
  CHECK(s.disclaim(group6));
  CHECK(s.disclaim(v4));
  CHECK(k.first4() == 0);
  CHECK_FALSE(s.disclaim(v4));
  CHECK(own4.empty());
  CHECK(own6.empty());
  CHECK(k.joined.size() == 1);

  CHECK_FALSE(s.claim(std::span(v6).first(5)));
  CHECK_FALSE(s.disclaim(std::span(v6).first(0)));
}

TEST_CASE("a router gets what is for others, but for what the kernel has then", "[xdp]") {
  constexpr u8 others[4] = {}, others6[16] = {};
  kernel_state k;
  k.addresses = {{127, 0, 0, 1}, {10, 9, 0, 1}};
  steering s;
  REQUIRE(s.open({&k}, any).errno_value == 0);
  const auto kept = [&]() -> const kernel_state::bpf_map* {
    for (const auto& [fd, m] : k.maps)
      if (m.kind == BPF_MAP_TYPE_HASH && m.key_size == 4 && m.value_size == 4) return &m;
    return nullptr;
  }();
  REQUIRE(kept != nullptr);

  const std::size_t open = k.open.size();
  for (const char* call : {"socket AF_INET", "ioctl", "update"}) {
    k.refusals = {{call, EPERM}};
    CHECK_FALSE(s.claim(others));
    CHECK(k.map_of(BPF_MAP_TYPE_HASH, 4)->elements.empty());
    CHECK(k.open.size() == open);
  }
  CHECK_FALSE(s.claim(others6));
  CHECK(k.map_of(BPF_MAP_TYPE_HASH, 16)->elements.empty());

  CHECK(s.claim(others));
  CHECK(k.first4() == 0);  // 0.0.0.0 is no address to be found first
  CHECK(kept->elements.size() == 2);
  CHECK(kept->elements.contains({127, 0, 0, 1}));
  CHECK(kept->elements.contains({10, 9, 0, 1}));
  CHECK(s.claim(v4));
  CHECK(k.first4() == 0x02'00'09'0a'0000'0001);
  CHECK(s.disclaim(others));
  CHECK_FALSE(s.disclaim(others));
  CHECK(k.first4() == 0x02'00'09'0a'0000'0001);

  k.addresses.assign(nic::kernel::kernel_addresses::most, {10, 9, 0, 1});
  CHECK(s.claim(others));
  k.addresses.push_back({10, 9, 0, 1});
  CHECK_FALSE(s.claim(others));
}

TEST_CASE("there is an end to addresses, and it is told", "[xdp]") {
  kernel_state k;
  steering s;
  REQUIRE(s.open({&k}, any).errno_value == 0);
  u32 n = 0;
  for (; n < 2 * names::most_addresses; ++n) {
    const u8 address[] = {10, 1, static_cast<u8>(n >> 8), static_cast<u8>(n)};
    if (!s.claim(address)) break;
  }
  CHECK(n == names::most_addresses);
  CHECK(s.claim(v6));  // the other family has its own
}

TEST_CASE("an address whose group the interface does not let in is not claimed", "[xdp]") {
  kernel_state k;
  steering s;
  REQUIRE(s.open({&k}, any).errno_value == 0);
  k.refusals = {{"join", ENOBUFS}};
  CHECK_FALSE(s.claim(v6));
  CHECK(k.map_of(BPF_MAP_TYPE_HASH, 16)->elements.empty());
  CHECK(s.claim(v6));
}

}  // namespace
