// SPDX-License-Identifier: MIT
// Regions, pools, packets and lists: who owns a chunk, and the law of the frame. A broken rule is recorded here, not trapped.
#include "recorded_violations.hpp"

#include <strata/buffer/pool.hpp>
#include <strata/core/entropy.hpp>

#include <catch2/catch_test_macros.hpp>

#include <deque>
#include <vector>

namespace {

using namespace strata;
using buffer::descriptor;
using buffer::owner;
using buffer::pool;
using test::taken_violations;

/// A pool of N chunks over its own memory. At the end of a test every chunk is back, and every violation was asked for.
template <u32 N, u32 ChunkSize = 256> struct stocked {
  std::byte memory[N * ChunkSize]{};
  descriptor table[N]{};
  u32 hashes[N]{};
  pool chunks{};

  stocked() {
    (void)taken_violations();
    chunks.open(region(memory), table, ChunkSize, hashes);
  }
  ~stocked() {
    CHECK(chunks.in_use() == 0);
    CHECK(chunks.available() == N);
    CHECK(taken_violations() == 0);
  }
  /// A frame of `length` bytes in hand, behind 64 bytes of headroom.
  packet frame(std::size_t length, u8 first = 1) {
    packet p = chunks.take(64);
    for (std::size_t i = 0; i < length; ++i) p.room()[i] = static_cast<std::byte>(first + i);
    p.extend(length);
    return p;
  }
};

u8 bits(const packet& p) { return p->owners; }
constexpr u8 app = packet::bit(owner::application), queued = packet::bit(owner::send_queue), below = packet::bit(owner::qdisc), posted = packet::bit(owner::nic);

// ------------------------------------------------------------------------------------------------------------------------------ region, pool

TEST_CASE("a region is bytes, their number and what pages they lie on") {
  std::byte bytes[100];
  constexpr region none;
  STATIC_REQUIRE(none.data() == nullptr);
  STATIC_REQUIRE(none.size() == 0);
  const region r(bytes);
  CHECK(r.data() == bytes);
  CHECK(r.size() == 100);
  CHECK(r.pages() == buffer::page_kind::unknown);
  CHECK(region(std::span<std::byte>(bytes), buffer::page_kind::huge).pages() == buffer::page_kind::huge);
}

TEST_CASE("a pool has as many chunks as both its memory and its table hold") {
  std::byte memory[1000];
  descriptor table[8];
  pool a, b;
  a.open(region(memory), table, 128);
  CHECK(a.capacity() == 7);
  b.open(region(memory), std::span(table, 3), 128);
  CHECK(b.capacity() == 3);
  CHECK(b.chunk_size() == 128);
  CHECK(b.memory() == memory);
}

TEST_CASE("chunks lie one after the other, and each has one name for all its lives") {
  stocked<4> s;
  std::vector<packet> all;
  for (u32 i = 0; i < 4; ++i) {
    all.push_back(s.chunks.take(10));
    CHECK(all[i]->chunk == s.memory + 256 * i);
    CHECK(s.chunks.name(all[i].d()) == i + 1);
    CHECK(s.chunks.named(i + 1) == &all[i].d());
  }
  CHECK(s.chunks.named(0) == nullptr);
}

TEST_CASE("the chunk that came back last is taken first") {
  stocked<4> s;
  packet a = s.chunks.take(0), b = s.chunks.take(0), c = s.chunks.take(0);
  const descriptor *pa = &a.d(), *pb = &b.d(), *pc = &c.d();
  a.reset();
  c.reset();
  b.reset();
  packet x = s.chunks.take(0), y = s.chunks.take(0), z = s.chunks.take(0);
  CHECK(&x.d() == pb);
  CHECK(&y.d() == pc);
  CHECK(&z.d() == pa);
  packet fresh = s.chunks.take(0);  // what was never used comes when nothing warm is left
  CHECK(&fresh.d() == s.table + 3);
}

TEST_CASE("a chunk's new life knows nothing of the former one") {
  stocked<1> s;
  packet p = s.frame(20);
  p->seq = 1, p->marks = 2, p->body = 3, p->body_length = 4, p->done = 5, p->queue = 6, p->below = 7, p->transport = 8, p->link = 9, p->sum = 10;
  p.reset();
  packet q = s.chunks.take_receive(32);
  CHECK(q->offset == 32);
  CHECK(q->length == 0);
  CHECK((q->seq | q->marks | q->body | q->body_length | q->done | q->queue | q->below | q->transport | q->link | q->sum | q->flags) == 0);
  CHECK(q->owners == 0);
  CHECK(q->holders == 1);
  CHECK(q->home == &s.chunks);
  CHECK(q->chunk == s.memory);
}

TEST_CASE("transmit leaves the receive path's share alone, and each refusal is counted") {
  stocked<4> s;
  packet a = s.chunks.take(0, 2), b = s.chunks.take(0, 2);
  CHECK((a && b));
  CHECK_FALSE(s.chunks.take(0, 2));
  CHECK(s.chunks.exhausted() == 1);
  packet c = s.chunks.take_receive(0), d = s.chunks.take_receive(0);
  CHECK((c && d));
  CHECK_FALSE(s.chunks.take_receive(0));
  CHECK_FALSE(s.chunks.take(0));
  CHECK(s.chunks.exhausted() == 3);
  CHECK(s.chunks.available() == 0);
  d.reset();
  CHECK_FALSE(s.chunks.take(0, 2));
  CHECK(s.chunks.take(0));
}

TEST_CASE("a copy is held as what came, of what fits in a chunk, while the receive path has as many as it keeps") {
  stocked<4, 64> s;
  std::byte bytes[65]{};
  for (u32 i = 0; i < 65; ++i) bytes[i] = static_cast<std::byte>(i + 1);
  CHECK_FALSE(buffer::copied(s.chunks, bytes, 0));
  CHECK(s.chunks.in_use() == 0);
  packet whole = buffer::copied(s.chunks, std::span(bytes).first(64), 4);
  REQUIRE(whole);
  CHECK((whole.as() == owner::holder && whole.size() == 64 && std::equal(whole.bytes().begin(), whole.bytes().end(), bytes)));
  CHECK_FALSE(buffer::copied(s.chunks, std::span(bytes).first(3), 4));
  packet small = buffer::copied(s.chunks, std::span(bytes).first(3), 3);
  CHECK((small && small.size() == 3));
  packet none = buffer::copied(s.chunks, {}, 2);
  CHECK((none && none.size() == 0));
}

TEST_CASE("a headroom that the chunk does not have is a violation") {
  stocked<1> s;
  s.chunks.take(256).reset();
  CHECK(taken_violations() == 0);
  s.chunks.take(257).reset();
  s.chunks.take_receive(257).reset();
  CHECK(taken_violations() == 2);
}

// ------------------------------------------------------------------------------------------------------------------------------ the frame

TEST_CASE("a frame grows at both ends and shrinks at both ends") {
  stocked<1> s;
  packet p = s.frame(10, 1);
  CHECK(p.size() == 10);
  CHECK(p.room().size() == 256 - 64 - 10);
  p.push(2)[0] = std::byte{0xaa};
  CHECK(p.size() == 12);
  CHECK(p.bytes()[0] == std::byte{0xaa});
  CHECK(p.bytes()[2] == std::byte{1});
  p.pull(4);
  p.trim(3);
  CHECK(p.size() == 3);
  CHECK(p.bytes()[0] == std::byte{3});
  CHECK(p.bytes()[2] == std::byte{5});
  p.restart(100);
  CHECK(p.size() == 0);
  CHECK(p->offset == 100);
  CHECK(p.room().size() == 156);
  p.extend(156);
  CHECK(p.room().empty());
}

TEST_CASE("a frame that would leave its chunk is a violation") {
  stocked<1> s;
  packet p = s.frame(10);
  (void)p.push(64);
  CHECK(taken_violations() == 0);
  (void)p.push(1);
  CHECK(taken_violations() == 1);
  p.restart(200);
  p.extend(57);
  CHECK(taken_violations() == 1);
  p.restart(257);
  CHECK(taken_violations() == 1);
  p.restart(0);
  p.extend(5);
  p.pull(6);
  CHECK(taken_violations() == 1);
  p.restart(0);
  p.trim(1);
  CHECK(taken_violations() == 1);
}

// ------------------------------------------------------------------------------------------------------------------------------ ownership

TEST_CASE("each transmit owner is one bit, and the last one returns the chunk") {
  stocked<2> s;
  packet p = s.frame(5);
  CHECK(bits(p) == app);
  p.become(owner::send_queue);
  CHECK(bits(p) == queued);
  packet on_its_way = p.share(owner::application);
  CHECK(bits(p) == (queued | app));
  CHECK(&on_its_way.d() == &p.d());
  on_its_way.become(owner::qdisc);
  CHECK(bits(p) == (queued | below));
  on_its_way.become(owner::nic);
  CHECK(bits(p) == (queued | posted));
  p.reset();  // acknowledged before the completion
  CHECK(s.chunks.in_use() == 1);
  on_its_way.reset();
  CHECK(s.chunks.in_use() == 0);
  on_its_way.reset();  // an empty handle gives up nothing
  CHECK_FALSE(on_its_way);
}

TEST_CASE("an owner exists once") {
  stocked<1> s;
  packet p = s.frame(5);
  packet q = p.share(owner::send_queue);
  (void)p.share(owner::send_queue).detach();
  CHECK(taken_violations() == 1);
  q.become(owner::application);
  CHECK(taken_violations() == 1);
  (void)q.detach();  // both are `application` now, which is the one bit that p holds
}

TEST_CASE("an ownership is given up once") {
  stocked<2> s;
  packet p = s.frame(5), keep = p.share(owner::send_queue);
  descriptor& d = p.d();
  p.reset();
  packet::adopt(d, owner::application).reset();
  CHECK(taken_violations() == 1);
}

TEST_CASE("moving a handle moves the ownership") {
  stocked<2> s;
  packet a = s.frame(5), b = s.frame(6);
  const descriptor* d = &a.d();
  packet c = std::move(a);
  CHECK_FALSE(a);
  CHECK(&c.d() == d);
  b = std::move(c);  // what b had goes back
  CHECK(s.chunks.in_use() == 1);
  CHECK(&b.d() == d);
  packet& self = b;
  b = std::move(self);
  CHECK(&b.d() == d);
}

TEST_CASE("a detached descriptor stays owned until someone adopts it") {
  stocked<1> s;
  packet p = s.frame(5);
  p.become(owner::send_queue);
  descriptor* d = p.detach();
  CHECK_FALSE(p);
  CHECK(s.chunks.in_use() == 1);
  packet q = packet::adopt(*d, owner::send_queue);
  CHECK(q.as() == owner::send_queue);
}

TEST_CASE("receive holders are counted up to 255, then the caller copies") {
  stocked<1> s;
  packet p = s.chunks.take_receive(0);
  std::deque<packet> views;
  for (u32 i = 0; i < 254; ++i) views.push_back(p.hold());
  CHECK(p->holders == 255);
  CHECK(views.back());
  CHECK_FALSE(p.hold());
  views.pop_back();
  CHECK(p.hold());
  p.reset();
  CHECK(s.chunks.in_use() == 1);
  views.clear();
  CHECK(s.chunks.in_use() == 0);
}

TEST_CASE("a holder does not become a transmit owner, nor an owner a holder") {
  stocked<2> s;
  packet p = s.chunks.take_receive(0), q = s.frame(3);
  (void)q.hold().detach();
  CHECK(taken_violations() == 1);
  --q->holders;
  (void)q.share(owner::holder).detach();
  CHECK(taken_violations() == 1);
  q->owners = app;
  packet sent_on = p.share(owner::application);  // forwarding: the same bytes under a transmit bit as well
  CHECK(p->holders == 1);
  CHECK(bits(p) == app);
  p.reset();
  CHECK(s.chunks.in_use() == 2);
}

TEST_CASE("at most one handle is writable") {
  stocked<2> s;
  packet p = s.frame(5);
  CHECK(p.writable());
  packet q = p.share(owner::send_queue);
  CHECK(p.writable());  // the header is written in front while the send queue holds the payload
  CHECK_FALSE(q.writable());
  p.become(owner::qdisc);
  CHECK_FALSE(p.writable());
  CHECK_FALSE(q.writable());
  p.become(owner::nic);
  CHECK_FALSE(p.writable());
  CHECK_FALSE(q.writable());
  p.reset();
  CHECK(q.writable());

  packet r = s.chunks.take_receive(0);
  CHECK(r.writable());
  packet view = r.hold();
  CHECK_FALSE(r.writable());
  CHECK_FALSE(view.writable());
  r.reset();
  CHECK(view.writable());
}

// ------------------------------------------------------------------------------------------------------------------------------ the law of the frame

TEST_CASE("while the qdisc or the NIC owns a frame, no call changes it") {
  for (const owner o : {owner::qdisc, owner::nic}) {
    stocked<1> s;
    packet p = s.frame(20), q = p.share(owner::send_queue);
    p.become(o);
    for (const packet* handle : {&p, &q}) {
      const descriptor before = handle->d();
      (void)handle->push(4);
      (void)handle->writable_bytes();
      (void)handle->room();
      handle->extend(3);
      handle->pull(2);
      handle->trim(1);
      handle->restart(0);
      CHECK(taken_violations() == 7);
      handle->d() = before;
    }
  }
}

TEST_CASE("a writer that changes bytes while the NIC has the frame is found at completion") {
  stocked<1> s;
  packet p = s.frame(20);
  packet q = p.share(owner::send_queue);
  p.become(owner::nic);
  SECTION("it kept a pointer") {
    s.memory[64 + 7] ^= std::byte{1};
    p.reset();
    CHECK(taken_violations() == 1);
  }
  SECTION("it moved the frame") {
    --q->length;
    p.reset();
    CHECK(taken_violations() == 1);
  }
  SECTION("it moved the frame over bytes that are all alike") {
    p.become(owner::application);
    for (std::byte& b : s.memory) b = std::byte{0};
    p.become(owner::nic);
    ++q->offset;
    p.reset();
    CHECK(taken_violations() == 1);
  }
  SECTION("bytes outside the frame are nobody's concern, nor are the stream fields") {
    s.memory[63] ^= std::byte{1};
    s.memory[64 + 20] ^= std::byte{1};
    q->seq = 99, q->done = 3, q->marks = 1;
    p.reset();
    CHECK(taken_violations() == 0);
  }
  SECTION("the driver refused it: the frame came back as it was posted") {
    p.become(owner::application);
    CHECK(taken_violations() == 0);
    p.become(owner::nic);
    s.memory[64] ^= std::byte{1};
    p.become(owner::application);
    CHECK(taken_violations() == 1);
  }
}

TEST_CASE("a frame is watched on its way through the queue too") {
  stocked<1> s;
  packet p = s.frame(20);
  p.become(owner::qdisc);
  SECTION("unchanged") {
    p.become(owner::nic);
    p.reset();
    CHECK(taken_violations() == 0);
  }
  SECTION("changed before the NIC has it") {
    s.memory[64] ^= std::byte{1};
    p.become(owner::nic);
    CHECK(taken_violations() == 1);
    s.memory[64] ^= std::byte{1};
  }
  SECTION("changed, then dropped") {
    s.memory[64] ^= std::byte{1};
    p.reset();
    CHECK(taken_violations() == 1);
  }
  SECTION("a link header is written when the packet has left the queue") {
    p.become(owner::application);
    (void)p.push(14);
    p.become(owner::qdisc);
    p.become(owner::nic);
    p.reset();
    CHECK(taken_violations() == 0);
  }
}

TEST_CASE("a frame that is shared with the NIC at once is sealed as one that becomes its own") {
  stocked<1> s;
  packet p = s.frame(20);
  p.become(owner::send_queue);
  packet q = p.share(owner::nic);
  q.reset();
  CHECK(taken_violations() == 0);
  packet again = p.share(owner::nic);
  s.memory[70] ^= std::byte{1};
  again.reset();
  CHECK(taken_violations() == 1);
}

TEST_CASE("a view's frame is not moved under another holder") {
  stocked<1> s;
  packet p = s.chunks.take_receive(0);
  p.extend(30);
  packet view = p.hold();
  p.pull(2);
  view.trim(3);
  CHECK(taken_violations() == 2);
  view.reset();
  p.pull(2);
  CHECK(taken_violations() == 0);
}

// ------------------------------------------------------------------------------------------------------------------------------ borrowing

TEST_CASE("a borrowed chunk is read, not written, and goes back to its own pool when the borrower is done") {
  stocked<2> sender;
  stocked<2> receiver;
  packet p = sender.frame(30, 7);
  p.become(owner::nic);
  packet r = receiver.chunks.borrow(p.d(), p->offset, p->length);
  REQUIRE(r);
  CHECK(r.bytes().data() == p.bytes().data());
  CHECK(r.size() == 30);
  CHECK_FALSE(r.writable());
  CHECK(p->holders == 1);
  CHECK(receiver.chunks.in_use() == 1);

  r.pull(10);  // its own bounds, not the sender's
  CHECK(r.bytes()[0] == std::byte{17});
  CHECK(p.size() == 30);
  packet view = r.hold();
  r.reset();
  CHECK(p->holders == 1);
  p.reset();  // nobody owns it below, and a reader still holds it
  CHECK(sender.chunks.in_use() == 1);
  CHECK(view.bytes()[0] == std::byte{17});
  view.reset();
  CHECK(sender.chunks.in_use() == 0);
  CHECK(receiver.chunks.in_use() == 0);

  packet own = receiver.chunks.take(0);  // the descriptor has its own chunk again
  CHECK(own->chunk == receiver.memory);
  CHECK(own->flags == 0);
}

TEST_CASE("a lent chunk is not writable for its sender either") {
  stocked<1> sender, receiver;
  packet p = sender.frame(30);
  packet r = receiver.chunks.borrow(p.d(), p->offset, p->length);
  CHECK_FALSE(p.writable());
  p.pull(1);
  CHECK(taken_violations() == 1);
  r.reset();
  CHECK(p.writable());
}

TEST_CASE("a chunk of a larger pool is borrowed whole, whatever our own chunks hold") {
  stocked<1, 2048> sender;
  stocked<1, 256> receiver;
  packet p = sender.chunks.take(1500);
  p.extend(500);
  packet r = receiver.chunks.borrow(p.d(), p->offset, p->length);
  CHECK(r.size() == 500);
  CHECK(r.bytes().data() == p.bytes().data());
  CHECK(taken_violations() == 0);
}

TEST_CASE("a loan fails without a descriptor of ours, or at the limit of holders, and changes nothing") {
  stocked<1> sender;
  stocked<1> receiver;
  packet p = sender.frame(30);
  {
    packet last = receiver.chunks.take(0);
    CHECK_FALSE(receiver.chunks.borrow(p.d(), 64, 30));
    CHECK(receiver.chunks.exhausted() == 1);
    CHECK(p->holders == 0);
  }
  p->holders = 255;
  CHECK_FALSE(receiver.chunks.borrow(p.d(), 64, 30));
  CHECK(receiver.chunks.in_use() == 0);
  p->holders = 0;
}

TEST_CASE("a loan of a loan ends with the last reader") {
  stocked<1> a, b, c;
  packet p = a.frame(8);
  packet q = b.chunks.borrow(p.d(), p->offset, p->length);
  packet r = c.chunks.borrow(q.d(), q->offset, q->length);
  p.reset();
  q.reset();
  CHECK((a.chunks.in_use() == 1 && b.chunks.in_use() == 1));
  CHECK(r.bytes().data() == a.memory + 64);
  r.reset();
  CHECK((a.chunks.in_use() == 0 && b.chunks.in_use() == 0 && c.chunks.in_use() == 0));
}

// ------------------------------------------------------------------------------------------------------------------------------ lists

using send_list = buffer::list<&descriptor::queue, owner::send_queue>;
using qdisc_list = buffer::list<&descriptor::below, owner::qdisc>;
using receive_list = buffer::list<&descriptor::queue, owner::holder>;

TEST_CASE("a list is first in, first out, and owns what it holds") {
  stocked<4> s;
  send_list l;
  CHECK(l.empty());
  CHECK(l.front(s.chunks) == nullptr);
  CHECK_FALSE(l.pop(s.chunks));
  for (u32 i = 0; i < 3; ++i) {
    packet p = s.chunks.take(0);
    p->seq = i;
    l.push(std::move(p));
    CHECK_FALSE(p);
  }
  CHECK(l.size() == 3);
  CHECK(l.front(s.chunks)->owners == queued);
  for (u32 i = 0; i < 3; ++i) {
    CHECK(l.front(s.chunks)->seq == i);
    packet p = l.pop(s.chunks);
    CHECK(p->seq == i);
    CHECK(p.as() == owner::send_queue);
    if (i == 0) l.push(s.chunks.take(0));  // as it goes
    if (i == 0) l.front(s.chunks)->seq = 1;
  }
  CHECK(l.size() == 1);
  l.clear(s.chunks);
  CHECK(l.empty());
  CHECK(l.size() == 0);
}

TEST_CASE("what was taken from the front can be put back, of a list that holds others or none") {
  stocked<2> s;
  send_list l;
  for (u32 i = 0; i < 2; ++i) {
    packet p = s.chunks.take(0);
    p->seq = i;
    l.push(std::move(p));
  }
  for (const u32 left : {1u, 0u}) {
    std::vector<packet> out;
    while (l.size() > left) out.push_back(l.pop(s.chunks));
    for (; !out.empty(); out.pop_back()) l.put_back(std::move(out.back()));
    CHECK(l.size() == 2);
    CHECK((l.front(s.chunks)->seq == 0 && l.back(s.chunks)->seq == 1));
  }
  l.clear(s.chunks);
}

TEST_CASE("what was taken from the front can be put to the end") {
  stocked<3> s;
  send_list l;
  for (u32 i = 0; i < 3; ++i) l.push(s.chunks.take(0));
  const descriptor* second = s.table + 1;
  l.push(l.pop(s.chunks));
  CHECK(l.size() == 3);
  CHECK(l.front(s.chunks) == second);
  for (u32 i = 0; i < 3; ++i) CHECK(l.pop(s.chunks));
  CHECK(l.empty());
  CHECK_FALSE(l.pop(s.chunks));
}

TEST_CASE("one packet is in two lists by two links, each with its own ownership") {
  stocked<3> s;
  send_list sent;
  qdisc_list waiting;
  for (u32 i = 0; i < 3; ++i) {
    packet p = s.frame(10);
    p->seq = i;
    waiting.push(p.share(owner::qdisc));
    sent.push(std::move(p));
  }
  CHECK(sent.front(s.chunks)->owners == (queued | below));
  packet first = waiting.pop(s.chunks);
  CHECK(first->seq == 0);
  sent.clear(s.chunks);
  CHECK(s.chunks.in_use() == 3);
  first.reset();
  waiting.clear(s.chunks);
}

TEST_CASE("a receive list keeps holders") {
  stocked<2> s;
  receive_list unread;
  packet p = s.chunks.take_receive(0);
  unread.push(p.hold());
  CHECK(p->holders == 2);
  unread.push(s.chunks.take_receive(0));
  p.reset();
  packet q = unread.pop(s.chunks);
  CHECK(q.as() == owner::holder);
  CHECK(q.writable());
  unread.clear(s.chunks);
}

// ------------------------------------------------------------------------------------------------------------------------------ all of it

TEST_CASE("no chunk is lost or given out twice, whatever the order of calls") {
  for (u64 seed = 1; seed <= 10; ++seed) {
    INFO("seed " << seed);
    entropy::seeded random{seed};
    stocked<16> s;
    stocked<8> other;
    send_list queue;
    qdisc_list waiting;
    std::vector<packet> hands;
    const auto draw = [&] {
      const std::size_t i = random.below(hands.size());
      std::swap(hands[i], hands.back());
      packet p = std::move(hands.back());
      hands.pop_back();
      return p;
    };
    for (u32 i = 0; i < 5'000; ++i) {
      switch (random.below(9)) {
        case 0: if (packet p = s.chunks.take(32, 4)) hands.push_back(std::move(p)); break;
        case 1: if (packet p = s.chunks.take_receive(32)) hands.push_back(std::move(p)); break;
        case 2: if (!hands.empty()) (void)draw(); break;
        case 3: if (packet p = queue.pop(s.chunks)) (void)p; break;
        case 4: if (packet p = waiting.pop(s.chunks); p && random.below(2) == 0) p.become(owner::nic), hands.push_back(std::move(p)); break;
        default: {
          if (hands.empty()) break;
          packet p = draw();
          const bool ours = p->home == &s.chunks;
          if (p.as() == owner::application && random.below(2) == 0) {
            if ((bits(p) & below) == 0 && random.below(2) == 0) waiting.push(p.share(owner::qdisc));
            if ((bits(p) & queued) == 0) queue.push(std::move(p));
          } else if (p.as() == owner::holder && random.below(2) == 0) {
            if (packet view = p.hold()) hands.push_back(std::move(view));
          } else if (ours && p.as() == owner::nic) {
            if (packet lent = other.chunks.borrow(p.d(), p->offset, p->length)) hands.push_back(std::move(lent));
          }
          if (p) hands.push_back(std::move(p));
        }
      }
      REQUIRE(s.chunks.in_use() <= 16);
      u32 owned = 0;
      for (const descriptor& d : s.table) owned += d.owners != 0 || d.holders != 0 ? 1 : 0;
      REQUIRE(owned == s.chunks.in_use());
    }
    hands.clear();
    queue.clear(s.chunks);
    waiting.clear(s.chunks);
  }
}

}  // namespace
