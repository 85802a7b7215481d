// SPDX-License-Identifier: MIT
// A router whose near driver lets packets in that have no whole checksum yet, since they never left the machine: on the next link they have one.
#include "router_by_hand.hpp"

namespace {

using namespace strata;
using namespace strata::routing_test;

/// Marks what it receives, as a driver does that was opened with receive_checksum::accept_partial.
struct lenient : nic::wire_pair {
  using wire_pair::wire_pair;
  static constexpr nic::capabilities may{.partial_checksum = true};
  [[nodiscard]] nic::capabilities has() const { return may; }
  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) {
    const std::size_t n = wire_pair::receive(chunks, batch);
    for (packet& p : batch.first(n)) p->flags = static_cast<u8>(p->flags | buffer::descriptor::checksum_partial);
    return n;
  }
};
struct lenient_lan : lan {
  using nic = lenient;
};
struct lenient_router : router {
  template <class C> using interfaces = strata::interfaces<strata::interface<lenient_lan>, strata::interface<point_to_point>>;
};
using hand = by_hand<lenient_router>;

struct transport {
  u8 protocol;
  std::size_t at;  ///< of the checksum behind the IP header
};

/// From 10.0.0.1 to 10.9.0.1, its checksum `field`, or where that is nothing the sum of the pseudo-header alone.
std::vector<std::byte> packet_with(const transport& t, std::size_t payload, std::optional<u16> field = {}) {
  auto b = hand::ip({.protocol = t.protocol, .payload = payload});
  const u32 pseudo = 0x0a00 + 0x0001 + 0x0a09 + 0x0001 + t.protocol + static_cast<u32>(payload);
  if (payload >= t.at + 2) store_be<u16>(&b[20 + t.at], field.value_or(static_cast<u16>((pseudo & 0xffff) + (pseudo >> 16))));
  return b;
}
u16 field_of(std::span<const std::byte> packet, const transport& t) { return load_be<u16>(&packet[20 + t.at]); }

TEST_CASE("a checksum that holds the pseudo-header's sum alone is made whole, of TCP and of UDP") {
  for (const transport& t : {transport{6, 16}, transport{17, 6}})
    for (const std::size_t payload : {t.at + 2, std::size_t{63}, std::size_t{400}}) {
      CAPTURE(t.protocol, payload);
      auto h = std::make_unique<hand>();
      const auto sent = packet_with(t, payload);
      h->send(sent);
      const auto out = h->far.receive();
      REQUIRE(out.size() == 1);
      const u32 pseudo = 0x0a00 + 0x0001 + 0x0a09 + 0x0001 + t.protocol + static_cast<u32>(payload);
      CHECK(plain_sum(std::span(out[0]).subspan(20), pseudo) == 0xffff);
      auto rest = out[0];  // and nothing else is changed
      store_be<u16>(&rest[20 + t.at], field_of(sent, t));
      CHECK(std::equal(rest.begin() + 20, rest.end(), sent.begin() + 20, sent.end()));
    }
}

TEST_CASE("a sum of zero leaves as all ones: zero says that there is none (RFC 768)") {
  const transport udp{17, 6};
  auto sent = packet_with(udp, 400);
  const u32 pseudo = 0x0a00 + 0x0001 + 0x0a09 + 0x0001 + 17 + 400;
  store_be<u16>(&sent[20 + 100], 0);
  store_be<u16>(&sent[20 + 100], static_cast<u16>(~plain_sum(std::span(sent).subspan(20))));  // what is left to all ones, the pseudo-header's sum with it
  REQUIRE(plain_sum(std::span(sent).subspan(20)) == 0xffff);
  auto h = std::make_unique<hand>();
  h->send(sent);
  const auto out = h->far.receive();
  REQUIRE(out.size() == 1);
  CHECK(field_of(out[0], udp) == 0xffff);
  CHECK(plain_sum(std::span(out[0]).subspan(20), pseudo) == 0xffff);
}

TEST_CASE("what has another checksum, is a fragment, of another protocol or too short goes on as it came") {
  const transport tcp{6, 16}, udp{17, 6};
  const auto first_fragment = [&] {
    auto b = hand::ip({.protocol = 17, .fragment = 0x2000, .payload = 400});
    store_be<u16>(&b[20 + 6], field_of(packet_with(udp, 400), udp));
    return b;
  }();
  const std::vector<std::byte> all[] = {packet_with(tcp, 400, u16{0x1234}), packet_with(udp, 400, u16{0x1234}), packet_with(udp, 400, u16{0}), first_fragment, packet_with({132, 6}, 400), packet_with(tcp, 17), packet_with(udp, 7)};
  for (const auto& sent : all) {
    CAPTURE(sent.size());
    auto h = std::make_unique<hand>();
    h->send(sent);
    const auto out = h->far.receive();
    REQUIRE(out.size() == 1);
    CHECK(std::equal(out[0].begin() + 20, out[0].end(), sent.begin() + 20, sent.end()));
  }
}

}  // namespace
