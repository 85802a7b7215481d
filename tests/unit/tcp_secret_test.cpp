// SPDX-License-Identifier: MIT
// Attackers choose ports and addresses. Who knows the hash of the connection table, but not its key, makes no two of his connections collide on purpose:
// half-open ones that would all have one home under the key of zeros are spread over the table, over either family.
#include <two_stacks.hpp>

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

namespace {
using namespace strata;
using namespace strata::test;

constexpr u32 attackers = 60;

struct four : presets::testing {
  using nic = strata::nic::wire_pair;
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
  static constexpr strata::limits limits = [] {
    strata::limits l = presets::testing::limits;
    l.backlog = l.syn_slots = attackers;
    return l;
  }();
  static constexpr subnet<ipv4_address> ours = "10.0.0.1/8"_net;
  static ipv4_address attacker(u32 n) { return {ipv4_address("10.1.0.0"_ip).value + n}; }
  static u64 hash(const ipv4_address& remote, u64 ports) { return table_hash({}, u64{ours.address.value} << 32 | remote.value, ports); }
};
struct six : four {
  using family = only_v6;
  template <class C> using network = layers<strata::ip::v6<C>>;
  static constexpr subnet<ipv6_address> ours = "fd00::1/64"_net;
  static ipv6_address attacker(u32 n) {
    ipv6_address a = "fd00::1:0:0"_ip;
    a.low += n;
    return a;
  }
  static u64 hash(const ipv6_address& remote, u64 ports) {
    return table_hash({}, remote.hash_word(0), remote.hash_word(1), table_hash({}, ours.address.hash_word(0), ours.address.hash_word(1), ports));
  }
};

/// A SYN to port 7, an IP packet.
template <class Address> std::vector<std::byte> syn(const Address& from, const Address& to, u16 port) {
  constexpr std::size_t ip = sizeof(Address) == 4 ? wire::ipv4::header_size : wire::ipv6::header_size, size = wire::tcp::header_size;
  std::vector<std::byte> bytes(ip + size);
  if constexpr (sizeof(Address) == 4) wire::ipv4{.total_length = static_cast<u16>(ip + size), .protocol = wire::tcp::protocol, .source = from, .destination = to}.emit(bytes.data());
  else wire::ipv6{.payload_length = size, .next_header = wire::tcp::protocol, .source = from, .destination = to}.emit(bytes.data());
  wire::tcp h{.source = port, .destination = 7, .flags = wire::tcp::flag::syn, .window = 1000};
  h.emit(bytes.data() + ip);
  h.checksum = static_cast<u16>(~fold(ones_sum(std::span(bytes).subspan(ip)) + pseudo_header_sum(from, to, wire::tcp::protocol, size)));
  h.emit(bytes.data() + ip);
  return bytes;
}

TEMPLATE_TEST_CASE("Connections that collide under a known key are spread by the secret one", "", four, six) {
  auto cable = std::make_unique<nic::wire>();
  std::vector<std::byte> memory(std::size_t{TestType::limits.chunks} * TestType::limits.chunk_size);
  auto net = std::make_unique<stack<TestType>>();
  REQUIRE(net->start({.nic = {*cable, 0}, .memory = region(memory), .entropy = {1}, .address = TestType::ours}) == bad_option::none);
  REQUIRE(net->listen({.port = 7}));
  auto peer = std::make_unique<bare_peer>(*cable);

  // All at home in slot 0 of 256, of which no entry may be more than 31 away.
  u32 sent = 0, answered = 0;
  for (u32 n = 0; sent < attackers; ++n) {
    const auto from = TestType::attacker(n % 256);
    const u16 port = static_cast<u16>(1024 + n / 256);
    if ((TestType::hash(from, u64{7} << 16 | port) & 255) != 0) continue;
    peer->send(syn(from, TestType::ours.address, port));
    (void)net->poll({1'000'000}, budget{64}, ignore_rest{});
    answered += static_cast<u32>(peer->receive().size());
    ++sent;
  }
  const auto& counted = net->template transport<0>().counters();
  CHECK(counted.table_full == 0);
  CHECK(answered == attackers);
}

}  // namespace
