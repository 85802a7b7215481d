// SPDX-License-Identifier: MIT
// A stack with a socket, and at the other end of its wire whoever sends it datagrams, several behind one header.
#pragma once
#include <strata/neighbour/fixed.hpp>
#include <strata/strata.hpp>

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <memory>
#include <vector>

#include "nic_test_pool.hpp"

namespace strata::test {
using namespace strata::literals;
using buffer::descriptor;
using sizes = std::vector<std::size_t>;

constexpr std::byte octet(std::size_t i) { return static_cast<std::byte>(i * 7 + (i >> 8)); }

template <class C> struct world_of {
  using net = stack<C>;
  nic::wire line{};
  alignas(64) std::byte memory[512 * 2048]{};
  net a{};
  nic_test::pool_of<64> there{};
  typename C::nic end{line, 1};
  typename net::datagram_socket socket{};

  world_of() {
    (void)a.start({.nic = {line, 0}, .memory = memory, .entropy = {1}, .address = "10.0.0.1/24"_net});
    socket = *a.bind({.port = 1000});
  }
  ~world_of() {
    packet done[8];
    for (std::size_t n; (n = end.reclaim(done)) != 0;)
      for (packet& p : done) buffer::drop_train(p);
    (void)socket.close();
    a.poll({2'000'000}, budget{64}, ignore_rest{});
    CHECK(a.chunks_in_use() == 0);
    end.close();
    CHECK(there.chunks.in_use() == 0);
  }
  /// `total` bytes to `port` in datagrams of the first chunk's size; the chain is cut where `cuts` say. The checksum is left out, or made.
  void send(u16 port, std::initializer_list<u32> cuts, bool is_partial = true, u16 source = 2000) {
    constexpr u32 headers = 14 + 20 + 8;
    u32 total = 0;
    for (const u32 n : cuts) total += n;
    packet head;
    descriptor* last = nullptr;
    u32 at = 0;
    for (const u32 n : cuts) {
      packet p = there.chunks.take(64);
      if (last == nullptr) p.extend(headers);
      for (u32 i = 0; i < n; ++i) p.room()[i] = octet(at + i);
      p.extend(n);
      at += n;
      descriptor* const d = &p.d();
      if (last == nullptr) head = std::move(p);
      else buffer::couple(*last, std::move(p));
      last = d;
    }
    head->body = static_cast<u16>(head->offset + headers);
    std::byte* const frame = head->chunk + head->offset;
    copy_bytes(frame, reinterpret_cast<const std::byte*>("\2\0\0\0\0\1\2\0\0\0\0\2\x08\0"), 14);
    wire::ipv4 ip;
    ip.protocol = 17;
    ip.total_length = static_cast<u16>(28 + total);
    ip.source = "10.0.0.2"_ip;
    ip.destination = "10.0.0.1"_ip;
    ip.emit(frame + 14);
    wire::udp udp{source, port, static_cast<u16>(8 + total), 0};
    const u32 pseudo = pseudo_header_sum(ip.source, ip.destination, 17, 8 + total);
    udp.emit(frame + 34);
    head.pull(34);
    const u32 sum = buffer::train_sum(head.d()) + pseudo;
    (void)head.push(34);
    udp.checksum = is_partial ? fold(pseudo) : static_cast<u16>(~fold(sum));
    udp.emit(frame + 34);
    if (is_partial) head->flags = descriptor::checksum_partial | descriptor::checksum_of_udp;
    buffer::become_train(head, buffer::owner::nic);
    REQUIRE(end.transmit({&head, 1}) == 1);
  }
  /// Reads one datagram for each event; their sizes.
  std::vector<std::size_t> poll() {
    std::vector<std::size_t> all;
    std::size_t at = 0;
    a.poll({1'000'000}, budget{64}, on{[&](typename net::datagram d) {
                                         std::byte to[2048];
                                         const auto got = d.socket.receive(to);
                                         REQUIRE(got);
                                         CHECK(got->from == typename net::endpoint{"10.0.0.2"_ip, 2000});
                                         bool is_right = true;
                                         for (std::size_t i = 0; i < got->bytes; ++i) is_right = is_right && to[i] == octet(at + i);
                                         CHECK(is_right);
                                         at += got->bytes;
                                         all.push_back(got->bytes);
                                       },
                                       ignore_rest{}});
    return all;
  }
};

}  // namespace strata::test
