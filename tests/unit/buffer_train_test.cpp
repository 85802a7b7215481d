// SPDX-License-Identifier: MIT
// Trains: chunks that go up or down together. A broken rule is recorded here, not trapped.
#include "recorded_violations.hpp"

#include "nic_test_pool.hpp"

#include <strata/buffer/left_checksum.hpp>
#include <strata/buffer/train.hpp>

#include <catch2/catch_test_macros.hpp>

#include <bit>
#include <memory>
#include <vector>

namespace {

using namespace strata;
using buffer::descriptor;
using buffer::owner;
using test::taken_violations;

using pool = nic_test::pool_of<8, 256>;

/// A train in hand: a head of 20 + 100 bytes, then parts of `sizes`.
packet sent_train(pool& of, std::initializer_list<std::size_t> sizes) {
  packet head = of.chunks.take(64);
  head.extend(120);
  head->body = static_cast<u16>(head->offset + 20);
  descriptor* last = &head.d();
  for (const std::size_t n : sizes) {
    packet part = of.chunks.take(64);
    part.extend(n);
    descriptor* const d = &part.d();
    buffer::couple(*last, std::move(part));
    last = d;
  }
  return head;
}

TEST_CASE("a train is as long as its parts together, and a packet that is none as itself") {
  auto of = std::make_unique<pool>();
  packet alone = of->chunks.take(0);
  alone.extend(7);
  CHECK_FALSE(buffer::is_train(alone.d()));
  CHECK(buffer::train_bytes(alone.d()) == 7);
  CHECK(buffer::train_parts(alone.d()) == 1);
  packet head = sent_train(*of, {100, 100, 33});
  CHECK(buffer::is_train(head.d()));
  CHECK(buffer::train_bytes(head.d()) == 353);
  CHECK(buffer::train_parts(head.d()) == 4);
  CHECK(buffer::sent_header_size(head.d()) == 20);
  CHECK(buffer::sent_segment_size(head.d()) == 100);
  std::vector<u16> lengths;
  buffer::each_part(head.d(), [&](descriptor& d) { lengths.push_back(d.length); });
  CHECK(lengths == std::vector<u16>{120, 100, 100, 33});
  const descriptor* part = &head.d();
  for (const std::span<const std::byte> bytes : buffer::train_spans(head.d())) {
    REQUIRE(part != nullptr);
    CHECK((bytes.data() == part->chunk + part->offset && bytes.size() == part->length));
    part = part->home->named(part->train);
  }
  CHECK((part == nullptr && buffer::train_spans(head.d()).size() == 353 && buffer::train_spans().size() == 0));
  buffer::drop_train(head);
  CHECK_FALSE(head);
  alone.reset();
  CHECK(of->chunks.in_use() == 0);
}

TEST_CASE("a train changes its owner part by part, and each part is watched by the law of the frame") {
  auto of = std::make_unique<pool>();
  (void)taken_violations();
  packet head = sent_train(*of, {100, 50});
  buffer::become_train(head, owner::nic);
  CHECK(head.as() == owner::nic);
  buffer::each_part(head.d(), [&](descriptor& d) { CHECK(d.owners == packet::bit(owner::nic)); });
  CHECK(taken_violations() == 0);
  descriptor* const second = of->chunks.named(head->train);
  second->chunk[second->offset] ^= std::byte{1};
  buffer::drop_train(head);
  CHECK(taken_violations() == STRATA_CHECKS);
  CHECK(of->chunks.in_use() == 0);
}

TEST_CASE("parts that somebody else owns too outlive the train") {
  auto of = std::make_unique<pool>();
  packet head = sent_train(*of, {100, 100});
  packet second = packet::adopt(*of->chunks.named(head->train), owner::application), kept = second.share(owner::send_queue);
  (void)second.detach();
  buffer::become_train(head, owner::nic);
  buffer::drop_train(head);
  CHECK(of->chunks.in_use() == 1);
  CHECK(kept->owners == packet::bit(owner::send_queue));
  CHECK(kept->train == 0);
  kept.reset();
  CHECK(of->chunks.in_use() == 0);
}

struct knows_trains { static constexpr bool hands_up_trains = true; };
struct knows_none {};
TEST_CASE("what came behind a packet is cut off, and a train that has something behind it is none") {
  auto of = std::make_unique<pool>();
  for (const bool knows : {false, true}) {
    packet p = of->chunks.take_receive(0);
    p.extend(60);
    CHECK((knows ? buffer::trim_received<knows_trains>(p, 40, 60) : buffer::trim_received<knows_none>(p, 40, 60)));
    CHECK(p.size() == 40);
  }
  packet head = sent_train(*of, {100});
  CHECK(buffer::received_bytes<knows_trains>(head) == 220);
  CHECK(buffer::trim_received<knows_trains>(head, 220, 220));
  CHECK_FALSE(buffer::trim_received<knows_trains>(head, 219, 220));
  CHECK((head.size() == 120 && buffer::train_bytes(head.d()) == 220));
  buffer::drop_train(head);
}

TEST_CASE("each flag of a descriptor is one bit of its own") {
  u32 all = 0;
  for (const u8 flag : {descriptor::checksum_verified, descriptor::checksum_partial, descriptor::checksum_of_udp, descriptor::borrowed, descriptor::cut}) {
    CHECK(std::has_single_bit(flag));
    CHECK((all & flag) == 0);
    all |= flag;
  }
}

TEST_CASE("a checksum that is left to the NIC stands where its protocol has it") {
  auto of = std::make_unique<pool>();
  for (const bool is_udp : {false, true}) {
    packet p = of->chunks.take(64);
    p.extend(40);
    std::byte* const field = p.writable_bytes().data() + 10;
    buffer::leave_checksum(p, field, u32{0x1ffff}, is_udp);
    CHECK(load_be<u16>(field) == 1);
    CHECK((p->flags & descriptor::checksum_partial) != 0);
    CHECK(buffer::left_checksum_offset(p.d()) == (is_udp ? 6 : 16));  // RFC 768; RFC 9293 §3.1
  }
}

TEST_CASE("a head that loses its parts is a packet of its own") {
  auto of = std::make_unique<pool>();
  packet head = sent_train(*of, {100, 100});
  buffer::drop_parts(head);
  CHECK_FALSE(buffer::is_train(head.d()));
  CHECK(head.size() == 120);
  CHECK(of->chunks.in_use() == 1);
  head.reset();
}

TEST_CASE("a received train of parts that were cut anywhere knows how many segments it is") {
  auto of = std::make_unique<pool>();
  packet head = of->chunks.take_receive(0);
  head.extend(240);
  packet part = of->chunks.take_receive(0);
  part.extend(200);
  buffer::couple(head.d(), std::move(part));
  CHECK(buffer::train_segments(head.d(), 40) == 1);  // no size: one segment, however long
  head->segment_size = 100;
  CHECK(buffer::train_segments(head.d(), 40) == 4);
  CHECK(buffer::train_segments(head.d(), 39) == 5);
  CHECK(buffer::train_segments(head.d(), 440) == 1);
  buffer::drop_train(head);
  CHECK(of->chunks.in_use() == 0);
}

}  // namespace
