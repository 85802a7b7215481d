// SPDX-License-Identifier: MIT
// What a driver may ask of a stack and tell it, beyond the frames: marks of received checksums, addresses that it brings in, the region that it is bound
// to, room in front of what it sends, chunks that wait in it. A driver over wire_pair asks for and says all of it.
#include <catch2/catch_test_macros.hpp>

#include "nic_demands.hpp"

namespace {

using namespace strata;
using namespace strata::demands;

struct both : four {
  using family = strata::dual;
};
struct plain : four {
  using nic = strata::nic::wire_pair;
};
// The room is there for a driver that asks for it, and only for that one.
static_assert(stack<four>::network_headroom == stack<plain>::network_headroom + 24);

/// A stack with a listener and a datagram socket on port 7, and a peer that sends it datagrams whose transport checksum is what the test wants.
template <class C> struct listener_of_frames {
  using net = stack<C>;
  using address = typename net::address;
  nic::wire cable{};
  alignas(64) std::byte memory[256 * 2048]{};
  talk told{};
  net a{};
  bare_peer peer{cable};
  u32 ms = 0;
  address ours{}, theirs{};

  explicit listener_of_frames(u8 marks = 0) {
    told.marks = marks;
    told.region = memory;
    told.chunk_size = C::limits.chunk_size;
    subnet<address> here{};
    if constexpr (address::bits == 32) here = "10.0.0.1/24"_net, theirs = "10.0.0.9"_ip;
    else here = "fd00::1/64"_net, theirs = "fd00::9"_ip;
    ours = here.address;
    REQUIRE(a.start({.nic = {cable, 0, told}, .memory = memory, .entropy = {1}, .address = here}) == bad_option::none);
    REQUIRE(a.listen({.port = 7}));
    REQUIRE(a.bind({.port = 7}));
  }
  enum class sum { right, partial, wrong };
  /// A SYN (6) or a datagram (17) of ours to port 7.
  std::vector<std::byte> frame(u8 protocol, sum how) const {
    constexpr std::size_t ip = address::bits == 32 ? 20 : 40;
    const std::size_t size = protocol == 6 ? 20 : 8 + 5;
    std::vector<std::byte> f(ip + size);
    if constexpr (address::bits == 32) {
      wire::ipv4 h;
      h.protocol = protocol;
      h.total_length = static_cast<u16>(f.size());
      h.source = theirs;
      h.destination = ours;
      h.emit(f.data());
    } else {
      wire::ipv6 h;
      h.next_header = protocol;
      h.payload_length = static_cast<u16>(size);
      h.hop_limit = 64;
      h.source = theirs;
      h.destination = ours;
      h.emit(f.data());
    }
    std::byte* const at = f.data() + ip;
    std::size_t field = 16;
    if (protocol == 6) {
      wire::tcp h;
      h.source = 1000;
      h.destination = 7;
      h.seq = 77;
      h.header_length = 20;
      h.flags = wire::tcp::flag::syn;
      h.window = 1000;
      h.emit(at);
    } else {
      wire::udp h{1000, 7, static_cast<u16>(size), 0};
      h.emit(at);
      copy_bytes(at + 8, bytes_of("hello").data(), 5);
      field = 6;
    }
    const u32 pseudo = pseudo_header_sum(theirs, ours, protocol, static_cast<u32>(size));
    const u16 right = static_cast<u16>(~fold(pseudo + ones_sum({at, size})));
    store_be<u16>(at + field, how == sum::right ? right : how == sum::partial ? fold(pseudo) : static_cast<u16>(right ^ 0x0100));
    return f;
  }
  /// Whether the frame reached its transport: a SYN is answered, a datagram is told.
  bool reaches(u8 protocol, sum how) {
    (void)peer.receive();
    peer.send(frame(protocol, how));
    bool is_told = false;
    const auto drain = on{[&](typename net::datagram e) { is_told = true, (void)e.socket.consume(); }, ignore_rest{}};
    (void)a.poll({u64{++ms} * 1'000'000}, budget{64}, drain);
    return protocol == 17 ? is_told : !peer.receive().empty();
  }
};

/// right, partial, wrong, in this order, for TCP and UDP.
template <class C> std::string what_reaches(u8 marks) {
  std::string s;
  using frames = listener_of_frames<C>;
  for (const u8 protocol : {u8{6}, u8{17}}) {
    for (const auto how : {frames::sum::right, frames::sum::partial, frames::sum::wrong}) {
      const auto f = std::make_unique<frames>(marks);  // a new one: a second SYN would be answered by the first one's slot
      s += f->reaches(protocol, how) ? 'y' : 'n';
      CHECK(f->a.template transport<0>().counters().in_checksum_errors == (protocol == 6 && s.back() == 'n' ? 1 : 0));
      CHECK(f->a.template transport<1>().counted().in_csum_errors == (protocol == 17 && s.back() == 'n' ? 1 : 0));
    }
  }
  return s;
}

TEST_CASE("a transport verifies each checksum that the driver does not vouch for") {
  CHECK(what_reaches<four>(0) == "ynnynn");
  CHECK(what_reaches<six>(0) == "ynnynn");
}
TEST_CASE("a checksum that the driver vouches for is not looked at") {
  CHECK(what_reaches<four>(buffer::descriptor::checksum_verified) == "yyyyyy");
  CHECK(what_reaches<six>(buffer::descriptor::checksum_verified) == "yyyyyy");
}
TEST_CASE("a partial checksum is one that is right or holds the pseudo-header's sum alone") {
  CHECK(what_reaches<four>(buffer::descriptor::checksum_partial) == "yynyyn");
  CHECK(what_reaches<six>(buffer::descriptor::checksum_partial) == "yynyyn");
}

TEST_CASE("a stack claims its address of a driver that brings in only what is claimed") {
  const auto f = std::make_unique<listener_of_frames<four>>();
  CHECK(f->told.claimed == std::vector<std::vector<u8>>{{10, 0, 0, 1}});
  const auto s = std::make_unique<listener_of_frames<six>>();
  CHECK(s->told.claimed == std::vector<std::vector<u8>>{{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}});
}
TEST_CASE("a router claims what is for others as well, and gives back an address that is removed") {
  const auto cable = std::make_unique<nic::wire>();
  const auto memory = std::make_unique<std::byte[]>(256 * 2048);
  talk told{.region = memory.get(), .chunk_size = four::limits.chunk_size};
  const auto net = std::make_unique<stack<four_router>>();
  REQUIRE(net->start({.nic = {*cable, 0, told}, .memory = std::span(memory.get(), 256 * 2048), .entropy = {1}, .address = "10.0.0.1/24"_net}) == bad_option::none);
  CHECK(told.claimed == std::vector<std::vector<u8>>{{0, 0, 0, 0}, {10, 0, 0, 1}});
  CHECK(net->add_address(0, "10.0.0.9/24"_net));
  CHECK(told.claimed.back() == std::vector<u8>{10, 0, 0, 9});
  CHECK_FALSE(net->remove_address(0, "10.0.0.8"_ip));
  CHECK(told.disclaimed.empty());
  CHECK(net->remove_address(0, "10.0.0.9"_ip));
  CHECK(told.disclaimed == std::vector<std::vector<u8>>{{10, 0, 0, 9}});
}
TEST_CASE("an IPv4 address of a stack of both families is claimed as four bytes") {
  nic::wire cable{};
  talk told{};
  interface<both>::of<both> i;
  i.open({cable, 0, told}, {}, {}, 0);
  const subnet<ipv6_address> v4 = "10.1.2.3/24"_net, v6 = "fd00::3/64"_net;
  CHECK(i.claim(v4.address));
  CHECK(i.claim(v6.address));
  CHECK(told.claimed == std::vector<std::vector<u8>>{{10, 1, 2, 3}, {0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3}});
}
TEST_CASE("a stack whose driver cannot bring its address in does not start") {
  const auto cable = std::make_unique<nic::wire>();
  const auto memory = std::make_unique<std::byte[]>(256 * 2048);
  talk told{.takes_claims = false, .region = memory.get(), .chunk_size = four::limits.chunk_size};
  const auto net = std::make_unique<stack<four>>();
  CHECK(net->start({.nic = {*cable, 0, told}, .memory = std::span(memory.get(), 256 * 2048), .entropy = {1}, .address = "10.0.0.1/24"_net}) == bad_option::claim);
  CHECK_FALSE(net->is_started());
  told.takes_claims = true;
  CHECK(net->start({.nic = {*cable, 0, told}, .memory = std::span(memory.get(), 256 * 2048), .entropy = {1}, .address = "10.0.0.1/24"_net}) == bad_option::none);
}
TEST_CASE("a stack starts with no other region than the one that its driver is bound to, cut in the same chunks") {
  const auto cable = std::make_unique<nic::wire>();
  const auto memory = std::make_unique<std::byte[]>(256 * 2048);
  talk told{.region = memory.get() + 2048, .chunk_size = four::limits.chunk_size};
  const auto start = [&] {
    const auto net = std::make_unique<stack<four>>();
    return net->start({.nic = {*cable, 0, told}, .memory = std::span(memory.get(), 256 * 2048), .entropy = {1}, .address = "10.0.0.1/24"_net});
  };
  CHECK(start() == bad_option::memory);
  told.region = memory.get();
  CHECK(start() == bad_option::none);
  told.chunk_size = 4096;
  CHECK(start() == bad_option::memory);
}
TEST_CASE("a driver finds its headroom in front of each frame") {
  const auto f = std::make_unique<listener_of_frames<four>>();
  CHECK(f->reaches(6, listener_of_frames<four>::sum::right));  // the SYN's answer left
  CHECK(f->told.least_headroom >= 24);
  CHECK(f->told.least_headroom != 0xffff);
}
TEST_CASE("chunks that wait in a driver are not counted as in use") {
  const auto f = std::make_unique<listener_of_frames<four>>();
  std::vector<packet> waiting;
  for (u32 i = 0; i < 5; ++i) waiting.push_back(f->a.chunks().take_receive(0));
  CHECK(f->a.chunks_in_use() == 5);
  f->told.kept = 5;
  CHECK(f->a.chunks_in_use() == 0);
}
TEST_CASE("a driver that keeps chunks gets them before the first frame comes") {
  const auto f = std::make_unique<listener_of_frames<four>>();
  CHECK(f->told.prepared == 1);
}

}  // namespace
