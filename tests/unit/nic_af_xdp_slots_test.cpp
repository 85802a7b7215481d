// SPDX-License-Identifier: MIT
// AF_XDP names what it is done with by an address: of a chunk, or of a slot of one.
#include <strata/buffer/slots.hpp>

#include "../fake_xsk/opened.hpp"
#include "nic_test_pool.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace strata;
using strata::test::opened;

namespace {

packet frame_in(buffer::slot_pool& slots, u8 mark, std::size_t length, u32 headroom) {
  packet p = slots.take(headroom, 0);
  nic_test::fill(p.room().first(length), mark);
  p.extend(length);
  p.become(buffer::owner::nic);
  return p;
}

}  // namespace

TEST_CASE("af_xdp sends slots, and each completion gives its own slot back") {
  for (const u32 chunk_size : {2048u, 3000u, 4096u}) {
    opened t({.chunk_size = chunk_size}, {.chunk_size = chunk_size, .slots = 64});
    buffer::slot_pool of_256, of_512;
    of_256.open(t.chunks, t.table, 64, 32, 256, t.hashes.data());
    of_512.open(t.chunks, t.table, 96, 32, 512, t.hashes.data());
    (void)t.receive();
    const u32 before = t.chunks.in_use();
    for (u32 round = 0; round < 3; ++round) {
      std::vector<buffer::descriptor*> in_order;
      for (u8 i = 0; i < 10; ++i) {
        packet p = i % 3 == 2 ? t.frame(i, 300) : frame_in(i % 3 == 0 ? of_256 : of_512, i, 100u + i, 80);
        in_order.push_back(&p.d());
        REQUIRE(t.nic.transmit({&p, 1}) == 1);
      }
      (void)t.nic.flush();
      std::vector<buffer::descriptor*> done;
      packet batch[4];
      for (std::size_t n; (n = t.nic.reclaim(batch)) != 0;)
        for (std::size_t i = 0; i < n; ++i) {
          done.push_back(&batch[i].d());
          CHECK(batch[i].as() == buffer::owner::nic);
          batch[i].reset();
        }
      CHECK(done == in_order);
      CHECK(of_256.in_use() + of_512.in_use() == 0);
    }
    CHECK(of_256.trim() + of_512.trim() == 2);
    CHECK(t.chunks.in_use() == before);
  }
}
TEST_CASE("slots that the kernel still had when af_xdp is closed come back") {
  opened t({}, {.slots = 64});
  buffer::slot_pool slots;
  slots.open(t.chunks, t.table, 64, 64, 256, t.hashes.data());
  (void)t.receive();
  for (u8 i = 0; i < 11; ++i) {
    packet p = frame_in(slots, i, 64, 80);
    REQUIRE(t.nic.transmit({&p, 1}) == 1);
  }
  CHECK(slots.in_use() == 11);
  t.nic.close();
  CHECK(slots.in_use() == 0);
  CHECK(slots.trim() == 2);
  CHECK(t.chunks.in_use() == 0);
}
