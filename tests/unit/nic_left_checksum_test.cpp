// SPDX-License-Identifier: MIT
// Checksums that TCP and UDP leave to a NIC.
#include <catch2/catch_test_macros.hpp>

#include "nic_demands.hpp"

namespace {

using namespace strata;
using namespace strata::demands;

/// Writes of many sizes, so that chunks are appended to, in place, lost and sent again; and datagrams.
template <class C> void talk_over_offload() {
  using net = stack<C>;
  nic::wire cable{};
  const auto memory = std::make_unique<std::byte[]>(2 * 256 * 2048);
  const auto a = std::make_unique<net>(), b = std::make_unique<net>();
  subnet<typename net::address> here{}, there{};
  if constexpr (net::address::bits == 32) here = "10.0.0.1/24"_net, there = "10.0.0.2/24"_net;
  else here = "fd00::1/64"_net, there = "fd00::2/64"_net;
  REQUIRE(a->start({.nic = {cable, 0}, .memory = std::span(memory.get(), 256 * 2048), .entropy = {1}, .address = here}) == bad_option::none);
  REQUIRE(b->start({.nic = {cable, 1}, .memory = std::span(memory.get() + 256 * 2048, 256 * 2048), .entropy = {2}, .address = there}) == bad_option::none);
  u64 ms = 1;
  std::string got, text, datagrams;
  const auto turn = [&] {
    const on hears{[&](typename net::readable e) {
                     for (const auto piece : e.stream.peek()) got += text_of(piece);
                     (void)e.stream.consume(e.stream.peek().size());
                   },
                   [&](typename net::datagram e) {
                     datagrams += text_of(e.socket.peek()->bytes);
                     (void)e.socket.consume();
                   },
                   ignore_rest{}};
    (void)a->poll({ms * 1'000'000}, budget{64}, ignore_rest{});
    (void)b->poll({ms * 1'000'000}, budget{64}, hears);
  };
  REQUIRE(b->listen({.port = 7}));
  REQUIRE(b->bind({.port = 7}));
  const auto stream = a->connect({.remote = {there.address, 7}});
  REQUIRE(stream);
  for (u32 i = 0; i < 5; ++i) turn();
  for (u32 i = 1; i < 60; ++i) {
    const std::string piece(i * 37 % 3000 + 1, static_cast<char>('a' + i % 26));
    if (i % 5 == 0) {
      auto place = stream->reserve(std::min<u32>(static_cast<u32>(piece.size()), 1000));
      REQUIRE(place);
      const std::size_t n = place->room().size();
      __builtin_memcpy(place->room().data(), piece.data(), n);
      text += piece.substr(0, *stream->commit(std::move(*place), static_cast<u32>(n)));
    } else {
      text += piece.substr(0, *stream->send(std::as_bytes(std::span(piece))));
    }
    if (i % 3 == 0) turn();
    ms += 3;
  }
  for (u32 i = 0; i < 20; ++i, ms += 50) turn();
  CHECK(got == text);
  auto talker = a->bind({});
  REQUIRE(talker);
  CHECK(talker->send_to(bytes_of("one "), typename net::endpoint{there.address, 7}));
  auto place = talker->reserve(3);
  REQUIRE(place);
  __builtin_memcpy(place->room().data(), "two", 3);
  CHECK(talker->commit_to(std::move(*place), 3, typename net::endpoint{there.address, 7}));
  turn();
  CHECK(datagrams == "one two");
  CHECK(a->template transport<0>().counters().in_checksum_errors == 0);
  CHECK(b->template transport<0>().counters().in_checksum_errors == 0);
}
TEST_CASE("checksums are left to a NIC that makes them, by TCP and UDP, and made for one that does not") {
  for (const bool does : {true, false}) {
    offloading::does = does;
    offloading::left = offloading::whole = offloading::wrong = 0;
    talk_over_offload<offloading_four>();
    talk_over_offload<offloading_six>();
    CHECK(offloading::wrong == 0);
    CHECK((does ? offloading::left : offloading::whole) > 50);
    CHECK((does ? offloading::whole : offloading::left) == 0);
  }
}

}  // namespace
