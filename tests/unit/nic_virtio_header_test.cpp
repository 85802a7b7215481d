// SPDX-License-Identifier: MIT
// What a TAP with IFF_VNET_HDR is told of a frame that is sent, what it says of one that came, and the chain that a super-frame is read into.
#include <strata/nic/linux/virtio_header.hpp>

#include <catch2/catch_test_macros.hpp>

#include <memory>

#include "nic_test_pool.hpp"

namespace {
using namespace strata;
using buffer::descriptor;
using buffer::owner;
using nic::kernel::read_chain;
using nic::kernel::virtio_header;
using small = nic_test::pool_of<100, 2048>;

/// An Ethernet frame in hand: IP version, 14 + 20 + 32 bytes of headers, `payload` bytes.
packet frame(small& of, u8 version, u32 payload) {
  packet p = of.chunks.take(64);
  p.extend(66 + payload);
  p->chunk[p->offset + 14] = static_cast<std::byte>(version << 4);
  p->transport = static_cast<u16>(p->offset + 34);
  p->body = static_cast<u16>(p->offset + 66);
  return p;
}
void hang(small& of, packet& head, u32 payload) {
  packet part = of.chunks.take(64);
  part.extend(payload);
  buffer::couple(head.d(), std::move(part));
}

TEST_CASE("a frame whose checksum is made has an empty virtio header") {
  auto of = std::make_unique<small>();
  const packet p = frame(*of, 4, 100);
  const auto h = virtio_header::of(p.d(), 14);
  CHECK((h.flags == 0 && h.gso_type == virtio_header::none && h.gso_size == 0 && h.checksum_start == 0));
}
TEST_CASE("a frame that leaves its checksum says where it goes") {
  auto of = std::make_unique<small>();
  packet p = frame(*of, 4, 100);
  p->flags |= descriptor::checksum_partial;
  const auto tcp = virtio_header::of(p.d(), 14);
  CHECK((tcp.flags == virtio_header::needs_checksum && tcp.checksum_start == 34 && tcp.checksum_offset == 16 && tcp.gso_type == virtio_header::none));
  p->flags |= descriptor::checksum_of_udp;
  CHECK(virtio_header::of(p.d(), 14).checksum_offset == 6);
}
TEST_CASE("a train says how it is to be cut, by version and protocol") {
  auto of = std::make_unique<small>();
  packet p = frame(*of, 4, 1448);
  hang(*of, p, 900);
  p->flags |= descriptor::checksum_partial;
  const auto four = virtio_header::of(p.d(), 14);
  CHECK((four.gso_type == virtio_header::tcp4 && four.gso_size == 1448 && four.header_length == 66 && four.flags == virtio_header::needs_checksum));
  p->chunk[p->offset + 14] = std::byte{0x60};
  CHECK(virtio_header::of(p.d(), 14).gso_type == virtio_header::tcp6);
  p->flags |= descriptor::checksum_of_udp;
  CHECK(virtio_header::of(p.d(), 14).gso_type == virtio_header::udp);
  buffer::drop_train(p);
}
TEST_CASE("what came is marked by its virtio header") {
  descriptor d{};
  virtio_header{}.mark(d);
  CHECK((d.flags == 0 && d.segment_size == 0));
  virtio_header h;
  h.flags = virtio_header::data_valid;
  h.mark(d);
  CHECK(d.flags == descriptor::checksum_verified);
  d.flags = 0;
  h.flags = virtio_header::needs_checksum, h.gso_type = virtio_header::tcp6, h.gso_size = 1228;
  h.mark(d);
  CHECK((d.flags == descriptor::checksum_partial && d.segment_size == 1228));
}

TEST_CASE("a chain takes as many chunks as a frame fills and keeps the others for the next") {
  auto of = std::make_unique<small>();
  iovec places[read_chain::most];
  {
    read_chain chain;
    const u32 all = chain.fill(of->chunks, 2, places);
    std::size_t room = 0;
    for (u32 i = 0; i < all; ++i) room += places[i].iov_len;
    CHECK(room > 65'535 + 14);
    CHECK(places[0].iov_len == 2046);
    CHECK(of->chunks.in_use() == all);
    CHECK(chain.count() == all);

    packet little = chain.take(60, 2);
    CHECK((little.size() == 60 && !buffer::is_train(little.d()) && little->offset == 2));
    packet full = chain.take(2048, 0);  // just one chunk
    CHECK((full.size() == 2048 && !buffer::is_train(full.d())));
    packet longer = chain.take(2046 + 2048 + 1, 2);
    CHECK(buffer::train_parts(longer.d()) == 3);
    CHECK(buffer::train_bytes(longer.d()) == 4095);
    CHECK(chain.count() == all - 5);
    CHECK(of->chunks.in_use() == all);

    // The places that are left come first, and only what is missing is taken.
    std::byte* const next = static_cast<std::byte*>(places[5].iov_base);
    CHECK(chain.fill(of->chunks, 2, places) == all);
    CHECK(static_cast<std::byte*>(places[0].iov_base) == next + 2);
    CHECK(of->chunks.in_use() == all + 5);

    read_chain other = std::move(chain);
    CHECK((chain.count() == 0 && other.count() == all));
    little.reset();
    full.reset();
    buffer::drop_train(longer);
  }
  CHECK(of->chunks.in_use() == 0);
}
TEST_CASE("a chain leaves half of a small pool, and reads with what there is") {
  nic_test::pool_of<20, 2048> of;
  iovec places[read_chain::most];
  {
    read_chain chain;
    CHECK(chain.fill(of.chunks, 2, places) == 10);
    packet taken[10];
    for (packet& p : taken) p = of.chunks.take(0);
    packet came = chain.take(9 * 2048, 0);
    CHECK(chain.fill(of.chunks, 2, places) == 1);
    packet last = chain.take(10, 2);
    CHECK(chain.fill(of.chunks, 2, places) == 0);
    buffer::drop_train(came);
  }
  CHECK(of.chunks.in_use() == 0);
}

}  // namespace
