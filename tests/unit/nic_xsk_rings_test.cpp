// SPDX-License-Identifier: MIT
// The rings over a test's memory: both ends by hand, through the wrap of their indices, one store a publication, and with the other end in a thread.
#include <strata/core/entropy.hpp>
#include <strata/nic/linux/xsk_rings.hpp>

#include <catch2/catch_test_macros.hpp>

#include <deque>
#include <thread>
#include <vector>

namespace {
using namespace strata;
using nic::kernel::consumer_ring;
using nic::kernel::producer_ring;
using nic::kernel::ring_memory;

/// A ring whose indices begin at `start`.
struct shared_ring {
  alignas(64) u32 producer;
  alignas(64) u32 consumer;
  u32 flags = 0;
  std::vector<u64> entries;
  shared_ring(u32 size, u32 start) : producer(start), consumer(start), entries(size) {}
  [[nodiscard]] ring_memory memory() { return {&producer, &consumer, &flags, entries.data(), static_cast<u32>(entries.size())}; }
};

constexpr u32 starts[] = {0, 1, 0xfffffff0, 0xffffffff, 0x7ffffffa};
}  // namespace

TEST_CASE("what goes into a ring comes out in order, once, whatever the indices are") {
  for (const u32 start : starts) {
    for (const u32 size : {1u, 2u, 8u, 64u}) {
      shared_ring shared(size, start);
      producer_ring<u64> in(shared.memory());
      consumer_ring<u64> out(shared.memory());
      entropy::seeded random{start ^ size};
      std::deque<u64> model;  // published and not taken
      u64 next = 0, expected = 0;
      u32 held = 0;           // taken and not released
      for (u32 step = 0; step < 5000; ++step) {
        const u32 n = static_cast<u32>(random.next() % (size + 2));
        if (random.next() % 2 == 0) {
          const bool has_room = model.size() + held + n <= size;
          CHECK(in.has_room(n) == has_room);
          if (!has_room) continue;
          for (u32 i = 0; i < n; ++i) in.next() = next++;
          const u32 before = shared.producer;
          CHECK(before == static_cast<u32>(start + next - n));  // nothing is seen before it is published
          in.publish();
          CHECK(shared.producer == static_cast<u32>(start + next));
          for (u32 i = 0; i < n; ++i) model.push_back(next - n + i);
        } else {
          for (u32 i = 0; i < n && !model.empty(); ++i) {
            REQUIRE(out.has_more());
            REQUIRE(out.take() == expected++);
            model.pop_front();
            ++held;
          }
          if (model.empty()) CHECK_FALSE(out.has_more());
          if (random.next() % 2 == 0) {
            out.release();
            held = 0;
            CHECK(shared.consumer == static_cast<u32>(start + expected));
          }
        }
        CHECK(in.waiting() == static_cast<u32>(start + next) - shared.consumer);
      }
      CHECK(expected > 300);
    }
  }
}

TEST_CASE("a ring publishes and releases by one store, and by none when there is nothing new") {
  shared_ring shared(8, 0xfffffffe);
  producer_ring<u64> in(shared.memory());
  for (u64 i = 0; i < 5; ++i) in.next() = i;
  CHECK_FALSE(in.is_published());
  CHECK(shared.producer == 0xfffffffe);
  in.publish();
  CHECK(in.is_published());
  CHECK(shared.producer == 3);
  shared.producer = 77;  // what a second store would overwrite
  in.publish();
  CHECK(shared.producer == 77);
  shared.producer = 3;
  consumer_ring<u64> out(shared.memory());
  CHECK(out.has_more());
  CHECK(out.take() == 0);
  CHECK(out.take() == 1);
  CHECK(shared.consumer == 0xfffffffe);
  out.release();
  CHECK(shared.consumer == 0);
  shared.consumer = 77;
  out.release();
  CHECK(shared.consumer == 77);
}

TEST_CASE("a ring looks at the other side's index only when its own copy says too little") {
  shared_ring shared(4, 0);
  producer_ring<u64> in(shared.memory());
  for (u64 i = 0; i < 4; ++i) in.next() = i;
  in.publish();
  CHECK_FALSE(in.has_room(1));
  shared.consumer = 2;
  CHECK(in.has_room(1));
  shared.consumer = 3;
  CHECK(in.has_room(2));   // the copy still says two
  CHECK(in.has_room(3));   // and is made anew for three
  CHECK_FALSE(in.has_room(4));
}

TEST_CASE("a ring that lies nowhere has no room and no more") {
  producer_ring<u64> in;
  consumer_ring<u64> out;
  CHECK_FALSE(in.has_room(1));
  CHECK_FALSE(out.has_more());
  in.publish();
  out.release();
}

TEST_CASE("the wake-up flag is the lowest bit of the ring's flags") {
  shared_ring shared(4, 0);
  const producer_ring<u64> in(shared.memory());
  CHECK_FALSE(in.wants_wakeup());
  shared.flags = 2;
  CHECK_FALSE(in.wants_wakeup());
  shared.flags = 3;
  CHECK(in.wants_wakeup());
}

TEST_CASE("a producer and a consumer in two threads lose nothing over the wrap") {
  static constexpr u64 count = 200'000;
  shared_ring shared(64, 0xffffff00);
  std::thread writer([&] {
    producer_ring<u64> in(shared.memory());
    for (u64 i = 0; i < count;) {
      u32 n = 0;
      for (; n < 7 && i < count && in.has_room(1); ++n) in.next() = i++ * 3;
      in.publish();
      if (n == 0) std::this_thread::yield();
    }
  });
  consumer_ring<u64> out(shared.memory());
  bool is_right = true;
  for (u64 i = 0; i < count;) {
    u32 n = 0;
    for (; n < 5 && out.has_more(); ++n) is_right &= out.take() == i++ * 3;
    out.release();
    if (n == 0) std::this_thread::yield();
  }
  writer.join();
  CHECK(is_right);
}
