// SPDX-License-Identifier: MIT
// The driver over a kernel that the test plays. Against a real one: tests/kernel.
#include <catch2/catch_test_macros.hpp>

#include "fake_packet_socket.hpp"
#include "nic_test_pool.hpp"

namespace {
using namespace strata;
using nic_test::packet_kernel;
using nic_test::pool_of;
using driver = nic::af_packet_over<nic_test::packet_calls>;

driver opened(packet_kernel& k, driver::options o = {}) {
  o.interface = "eth0";
  auto nic = driver::open(o, {&k});
  REQUIRE(nic);
  return std::move(*nic);
}
std::vector<std::byte> frame(u8 mark, std::size_t length) {
  std::vector<std::byte> bytes(length);
  nic_test::fill(bytes, mark);
  return bytes;
}
/// What the classic BPF program of open() says of a frame; only the instructions that it has.
u32 verdict(const std::vector<sock_filter>& program, std::span<const u8> f) {
  u32 a = 0;
  for (std::size_t i = 0; i < program.size(); ++i) {
    const sock_filter& s = program[i];
    const auto big = [&](std::size_t n) {
      u32 v = 0;
      for (std::size_t k = 0; k < n; ++k) v = v << 8 | f[s.k + k];
      return v;
    };
    switch (s.code) {
      case BPF_LD | BPF_B | BPF_ABS: a = big(1); break;
      case BPF_LD | BPF_H | BPF_ABS: a = big(2); break;
      case BPF_LD | BPF_W | BPF_ABS: a = big(4); break;
      case BPF_JMP | BPF_JSET | BPF_K: i += (a & s.k) != 0 ? s.jt : s.jf; break;
      case BPF_JMP | BPF_JEQ | BPF_K: i += a == s.k ? s.jt : s.jf; break;
      case BPF_RET | BPF_K: return s.k;
      default: FAIL("an instruction that is not known here");
    }
  }
  FAIL("the filter does not end");
  return 0;
}
}  // namespace

TEST_CASE("frames come out of the blocks of a packet socket in order, and each block goes back after its last frame") {
  packet_kernel k;
  driver nic = opened(k, {.receive_bytes = 3 << 14});
  REQUIRE(k.receive_ring.tp_block_nr == 3);
  static pool_of<64> pool;
  packet got[8];
  CHECK(nic.receive(pool.chunks, got) == 0);
  u8 sent = 0, seen = 0;
  for (u32 round = 0; round < 10; ++round) {  // three laps and more
    const u32 frames = round % 4;             // the kernel hands over empty blocks too
    for (u32 i = 0; i < frames; ++i) k.write(frame(sent, 60u + sent), 0), ++sent;
    k.close_block();
    const std::size_t n = nic.receive(pool.chunks, got);
    REQUIRE(n == frames);
    for (packet& p : std::span(got).first(n)) {
      CHECK(nic_test::frame_is(p, seen, 60u + seen));
      CHECK((p->offset + 14) % 4 == 0);
      ++seen;
    }
    nic_test::drop(got);
    CHECK(k.has_block());
  }
  CHECK(nic.count().receive_frames == sent);
  CHECK(pool.chunks.in_use() == 0);
}

TEST_CASE("a packet socket's block that is larger than the batch is taken in parts, and stays ours until the last") {
  packet_kernel k;
  driver nic = opened(k, {.receive_bytes = 1});
  REQUIRE(k.receive_ring.tp_block_nr == 1);
  static pool_of<64> pool;
  for (u8 i = 0; i < 7; ++i) k.write(frame(i, 100));
  k.close_block();
  packet got[4];
  CHECK(nic.receive(pool.chunks, got) == 4);
  CHECK_FALSE(k.has_block());
  nic_test::drop(got);
  CHECK(nic.receive(pool.chunks, got) == 3);
  CHECK(nic_test::frame_is(got[2], 6, 100));
  CHECK(k.has_block());
  nic_test::drop(got);
  CHECK(nic.receive(pool.chunks, got) == 0);
}

TEST_CASE("without a chunk frames stay in the packet socket's ring") {
  packet_kernel k;
  driver nic = opened(k);
  static pool_of<2> pool;
  for (u8 i = 0; i < 3; ++i) k.write(frame(i, 100));
  k.close_block();
  packet got[4];
  CHECK(nic.receive(pool.chunks, got) == 2);
  packet more[2];
  CHECK(nic.receive(pool.chunks, more) == 0);
  nic_test::drop(got);
  CHECK(nic.receive(pool.chunks, more) == 1);
  CHECK(nic_test::frame_is(more[0], 2, 100));
  nic_test::drop(more);
  CHECK(pool.chunks.in_use() == 0);
}

TEST_CASE("a packet socket drops and counts what fits in no chunk, what has no checksum yet, and its own frames") {
  packet_kernel k;
  driver nic = opened(k);
  static pool_of<8> pool;
  packet got[8];
  k.write(frame(0, 2047));                                      // with the headroom of two, one byte too many
  k.write(frame(1, 2046));
  k.write(frame(2, 100), 0, PACKET_HOST, 0, 0, 65000);          // a super-frame that the ring cut
  k.write(frame(3, 100), TP_STATUS_CSUMNOTREADY);
  k.write(frame(4, 100), 0, PACKET_OUTGOING);
  k.write(frame(5, 13));                                        // not even a header
  k.write(frame(6, 14), TP_STATUS_CSUM_VALID);
  k.close_block();
  std::size_t n = nic.receive(pool.chunks, got);
  n += nic.receive(pool.chunks, std::span(got).subspan(n));  // each of those cost a place in the batch
  CHECK(n == 2);
  CHECK(nic_test::frame_is(got[0], 1, 2046));
  CHECK(nic_test::frame_is(got[1], 6, 14));
  CHECK(nic.count().oversized == 3);
  CHECK(nic.count().unfinished == 1);
  CHECK(nic.count().receive_frames == 2);
  nic_test::drop(got);
  CHECK(pool.chunks.in_use() == 0);
}

TEST_CASE("a packet socket says of each frame what the kernel knows of its checksum, as far as its user wants to know") {
  using buffer::descriptor;
  struct wanted {
    nic::receive_checksum how;
    std::size_t frames;
    u8 plain, verified, unfinished;  // descriptor::flags
  };
  static constexpr wanted table[] = {
      {nic::receive_checksum::verify, 2, 0, 0, 0},
      {nic::receive_checksum::accept_partial, 3, 0, 0, descriptor::checksum_partial},
      {nic::receive_checksum::trust, 3, 0, descriptor::checksum_verified, descriptor::checksum_verified},
  };
  static pool_of<8> pool;
  for (const wanted& w : table) {
    packet_kernel k;
    driver nic = opened(k, {.checksum = w.how});
    CHECK(nic.has().verified_checksum == (w.how == nic::receive_checksum::trust));
    CHECK(nic.has().partial_checksum == (w.how == nic::receive_checksum::accept_partial));
    packet got[4];
    k.write(frame(0, 100));
    k.write(frame(1, 100), TP_STATUS_CSUM_VALID);
    k.write(frame(2, 100), TP_STATUS_CSUMNOTREADY);
    k.close_block();
    REQUIRE(nic.receive(pool.chunks, got) == w.frames);
    CHECK(got[0]->flags == w.plain);
    CHECK(got[1]->flags == w.verified);
    if (w.frames == 3) CHECK(got[2]->flags == w.unfinished);
    CHECK(nic.count().unfinished == 3 - w.frames);
    nic_test::drop(got);
  }
}

TEST_CASE("a packet socket puts the VLAN tag back that the kernel took out") {
  packet_kernel k;
  driver nic = opened(k);
  static pool_of<8> pool;
  packet got[2];
  const auto bytes = frame(9, 64);
  k.write(bytes, TP_STATUS_VLAN_VALID, PACKET_HOST, 0x2005, 0);
  k.write(bytes, TP_STATUS_VLAN_VALID | TP_STATUS_VLAN_TPID_VALID, PACKET_HOST, 0x0007, 0x88a8);
  k.write(frame(9, 2043), TP_STATUS_VLAN_VALID, PACKET_HOST, 1, 0);  // the tag makes it too long
  k.close_block();
  REQUIRE(nic.receive(pool.chunks, got) == 2);
  const u8 tags[2][4] = {{0x81, 0x00, 0x20, 0x05}, {0x88, 0xa8, 0x00, 0x07}};
  for (int i = 0; i < 2; ++i) {
    REQUIRE(got[i].size() == 68);
    CHECK(std::memcmp(got[i].bytes().data(), bytes.data(), 12) == 0);
    CHECK(std::memcmp(got[i].bytes().data() + 12, tags[i], 4) == 0);
    CHECK(std::memcmp(got[i].bytes().data() + 16, bytes.data() + 12, 52) == 0);
  }
  nic_test::drop(got);
  CHECK(nic.receive(pool.chunks, got) == 0);
  CHECK(nic.count().oversized == 1);
}

TEST_CASE("one send to a packet socket takes the whole batch, in order, over many laps of the ring") {
  packet_kernel k;
  driver nic = opened(k, {.transmit_frames = 8});
  REQUIRE(k.transmit_ring.tp_frame_nr == 8);
  static pool_of<16> pool;
  u8 mark = 0;
  for (int round = 0; round < 20; ++round) {
    packet batch[3];
    for (packet& p : batch) p = pool.frame(mark++, 70);
    REQUIRE(nic.transmit(batch) == 3);
    CHECK(pool.chunks.in_use() == 0);
    CHECK(k.sends == static_cast<u32>(round));
    CHECK(nic.flush() == nic::kick::done);
  }
  REQUIRE(k.wire.size() == 60);
  for (u8 i = 0; i < 60; ++i) CHECK(k.wire[i] == std::string(reinterpret_cast<const char*>(frame(i, 70).data()), 70));
  CHECK(nic.count().transmit_frames == 60);
  CHECK(nic.count().transmit_bytes == 4200);
}

TEST_CASE("a packet socket sends what lies in slots of chunks") {
  packet_kernel k;
  driver nic = opened(k, {.transmit_frames = 8});
  static nic_test::pool_of_slots pool;
  for (u8 i = 0; i < 6; ++i) {
    packet p = pool.frame(frame(i, 70u + i));
    REQUIRE(nic.transmit({&p, 1}) == 1);
  }
  CHECK(nic.flush() == nic::kick::done);
  REQUIRE(k.wire.size() == 6);
  for (u8 i = 0; i < 6; ++i) CHECK(k.wire[i] == std::string(reinterpret_cast<const char*>(frame(i, 70u + i).data()), 70u + i));
  CHECK((pool.slots.in_use() == 0 && pool.slots.trim() == 1 && pool.chunks.in_use() == 0));
}

TEST_CASE("a packet socket's full ring leaves the frame with its owner until slots come back") {
  packet_kernel k;
  k.completes = false;
  driver nic = opened(k, {.transmit_frames = 8});
  static pool_of<16> pool;
  packet batch[10];
  for (u8 i = 0; i < 10; ++i) batch[i] = pool.frame(i, 70);
  CHECK(nic.transmit(batch) == 8);
  CHECK(nic.flush() == nic::kick::done);
  CHECK(nic.transmit(std::span(batch).subspan(8)) == 0);
  CHECK(nic.count().full == 2);
  CHECK(pool.chunks.in_use() == 2);
  k.complete();
  CHECK(nic.transmit(std::span(batch).subspan(8)) == 2);
  CHECK(nic.flush() == nic::kick::done);
  CHECK(k.wire.size() == 10);
  CHECK(pool.chunks.in_use() == 0);
}

TEST_CASE("a packet socket whose buffer is full asks to be rung again, whether the kernel took some or none") {
  packet_kernel k;
  driver nic = opened(k);
  static pool_of<16> pool;
  packet batch[5];
  for (u8 i = 0; i < 5; ++i) batch[i] = pool.frame(i, 70);
  REQUIRE(nic.transmit(batch) == 5);
  k.takes = 0;
  CHECK(nic.flush() == nic::kick::again);
  k.takes = 3;
  CHECK(nic.flush() == nic::kick::again);
  CHECK(k.wire.size() == 3);
  CHECK(nic.flush() == nic::kick::done);
  CHECK(k.wire.size() == 5);
  CHECK(nic.count().full == 2);
  CHECK(nic.count().dropped == 0);
}

TEST_CASE("a frame that the kernel drops below the packet socket is tried eight times, then given up with those behind it") {
  packet_kernel k;
  driver nic = opened(k);
  static pool_of<16> pool;
  const auto post = [&](u8 mark) {
    packet p = pool.frame(mark, 70);
    REQUIRE(nic.transmit({&p, 1}) == 1);
  };
  post(0), post(1);
  k.refuses_next = 7;
  for (int i = 0; i < 7; ++i) CHECK(nic.flush() == nic::kick::again);
  CHECK(nic.flush() == nic::kick::done);
  CHECK(k.wire.size() == 2);
  post(2), post(3);
  k.refuses_next = 1000;
  for (int i = 0; i < 7; ++i) CHECK(nic.flush() == nic::kick::again);
  CHECK(nic.flush() == nic::kick::done);
  CHECK(nic.count().dropped == 2);
  CHECK(nic.count().transmit_frames == 2);
  k.refuses_next = 0;
  post(4);
  CHECK(nic.flush() == nic::kick::done);
  REQUIRE(k.wire.size() == 3);
  CHECK(k.wire[2][0] == static_cast<char>(nic_test::pattern(4, 0)));
}

TEST_CASE("a packet socket whose interface is down or gone loses what was posted, says so each time, and works when it is up again") {
  packet_kernel k;
  driver nic = opened(k, {.transmit_frames = 8});
  static pool_of<16> pool;
  const auto post = [&](u8 mark) {
    packet p = pool.frame(mark, 70);
    return nic.transmit({&p, 1}) == 1;
  };
  k.is_up = false;
  k.socket_error = ENETDOWN;
  for (u8 i = 0; i < 20; ++i) {
    REQUIRE(post(i));
    CHECK(nic.flush() == nic::kick::link_down);
  }
  CHECK(nic.count().link_down == 20);
  CHECK(nic.count().dropped == 20);
  CHECK(nic.count().transmit_frames == 0);
  CHECK(nic.count().transmit_bytes == 0);
  k.is_up = true;
  k.socket_error = ENETDOWN;  // what a send() before it has not taken away
  REQUIRE(post(99));
  CHECK(nic.flush() == nic::kick::done);
  REQUIRE(k.wire.size() == 1);
  CHECK(k.wire[0][0] == static_cast<char>(nic_test::pattern(99, 0)));
  k.is_there = false;
  REQUIRE(post(1));
  CHECK(nic.flush() == nic::kick::link_down);
}

TEST_CASE("a packet socket that receives nothing reads the error that would keep poll(2) awake, ten times a second at most") {
  packet_kernel k;
  driver nic = opened(k);
  static pool_of<4> pool;
  packet got[2];
  nic.at(1'000'000'000);
  CHECK(nic.receive(pool.chunks, got) == 0);
  k.socket_error = ENETDOWN;
  nic.at(1'050'000'000);
  CHECK(nic.receive(pool.chunks, got) == 0);
  CHECK(k.socket_error == ENETDOWN);
  nic.at(1'100'000'000);
  CHECK(nic.receive(pool.chunks, got) == 0);
  CHECK(k.socket_error == 0);
}

TEST_CASE("a packet socket drops and counts a frame that its interface would not carry") {
  packet_kernel k;
  driver nic = opened(k);
  static pool_of<4> pool;
  packet p = pool.frame(0, 1518);  // with a VLAN tag
  CHECK(nic.transmit({&p, 1}) == 1);
  p = pool.frame(1, 1519);
  CHECK(nic.transmit({&p, 1}) == 1);
  CHECK(nic.flush() == nic::kick::done);
  CHECK(k.wire.size() == 1);
  CHECK(nic.count().dropped == 1);
  CHECK(pool.chunks.in_use() == 0);
}

TEST_CASE("a packet socket counts what its ring had no room for") {
  packet_kernel k;
  driver nic = opened(k);
  k.drops = 5;
  CHECK(nic.count().overflowed == 5);
  k.drops = 2;
  CHECK(nic.count().overflowed == 7);
  CHECK(nic.count().overflowed == 7);
  nic.close();
  CHECK(nic.count().overflowed == 7);
}

TEST_CASE("the filter of a packet socket takes frames for strata's address and for groups") {
  packet_kernel k;
  driver nic = opened(k, {.mac = {{0x02, 0xa1, 0xb2, 0xc3, 0xd4, 0xe5}}});
  CHECK(k.membership == PACKET_MR_PROMISC);
  u8 f[60] = {0x02, 0xa1, 0xb2, 0xc3, 0xd4, 0xe5};
  CHECK(verdict(k.filter, f) == 0xffffffff);
  for (std::size_t i = 0; i < 6; ++i) {
    f[i] ^= 0x10;
    CHECK(verdict(k.filter, f) == 0);
    f[i] ^= 0x10;
  }
  f[0] = 0x33;
  CHECK(verdict(k.filter, f) == 0xffffffff);
  f[0] = 0xff;
  CHECK(verdict(k.filter, f) == 0xffffffff);
}

TEST_CASE("a packet socket with the interface's address needs no promiscuous mode; by default its address comes from seed and name") {
  packet_kernel k;
  CHECK(opened(k, {.mac = k.mac}).address() == k.mac);
  CHECK(k.membership == PACKET_MR_ALLMULTI);
  const mac_address a = opened(k, {.seed = 1}).address();
  CHECK(k.membership == PACKET_MR_PROMISC);
  CHECK(a == opened(k, {.seed = 1}).address());
  CHECK(a != opened(k, {.seed = 2}).address());
  CHECK((a.bytes[0] & 3) == 2);
}

TEST_CASE("a packet socket's rings hold whole frames of the interface's MTU") {
  for (const int mtu : {68, 576, 1500, 1978, 1982, 9000, 65535}) {
    packet_kernel k;
    k.mtu = mtu;
    driver nic = opened(k, {.chunk_size = 0xffff + 100});
    CHECK(nic.mtu() == mtu);
    CHECK(k.transmit_ring.tp_frame_size >= static_cast<u32>(mtu) + 18 + 48);
    CHECK(k.receive_ring.tp_block_size % 4096 == 0);
    CHECK(k.receive_ring.tp_block_size >= static_cast<u32>(mtu) + 18 + 48 + 82);
    CHECK(k.transmit_ring.tp_frame_nr == k.transmit_ring.tp_block_nr * (k.transmit_ring.tp_block_size / k.transmit_ring.tp_frame_size));
    CHECK(k.receive_ring.tp_frame_nr == k.receive_ring.tp_block_nr * (k.receive_ring.tp_block_size / k.receive_ring.tp_frame_size));
    CHECK(k.receive_ring.tp_retire_blk_tov == 1);
    CHECK(k.send_buffer >= static_cast<int>(k.transmit_ring.tp_frame_nr * k.transmit_ring.tp_frame_size));
  }
  packet_kernel k;
  k.no_force = -EPERM;
  driver nic = opened(k);
  CHECK(k.send_buffer > 0);
}

TEST_CASE("a packet socket that cannot be opened names the step, the remedy, and leaves nothing behind") {
  struct failure {
    const char* step;
    int errno_value;
    bool is_impossible_here;
    void (*provoke)(packet_kernel&, driver::options&);
  };
  static constexpr failure failures[] = {
      {"options.interface", EINVAL, false, [](packet_kernel&, driver::options& o) { o.interface = ""; }},
      {"options.interface", ENAMETOOLONG, false, [](packet_kernel&, driver::options& o) { o.interface = "a_name_of_16_byte"; }},
      {"socket AF_PACKET", EPERM, true, [](packet_kernel& k, driver::options&) { k.no_socket = -EPERM; }},
      {"socket AF_PACKET", EAFNOSUPPORT, true, [](packet_kernel& k, driver::options&) { k.no_socket = -EAFNOSUPPORT; }},
      {"socket AF_PACKET", EMFILE, false, [](packet_kernel& k, driver::options&) { k.no_socket = -EMFILE; }},
      {"ioctl SIOCGIFINDEX", ENODEV, false, [](packet_kernel& k, driver::options&) { k.no_index = -ENODEV; }},
      {"ioctl SIOCGIFHWADDR", EINVAL, false, [](packet_kernel& k, driver::options&) { k.kind = 0xfffe; }},
      {"ioctl SIOCGIFHWADDR", ENODEV, false, [](packet_kernel& k, driver::options&) { k.no_address = -ENODEV; }},
      {"ioctl SIOCGIFMTU", ENODEV, false, [](packet_kernel& k, driver::options&) { k.no_mtu = -ENODEV; }},
      {"options.mtu", EMSGSIZE, false, [](packet_kernel&, driver::options& o) { o.mtu = 1501; }},
      {"options.chunk_size", EMSGSIZE, false, [](packet_kernel& k, driver::options&) { k.mtu = 2033; }},
      {"setsockopt PACKET_VERSION", EINVAL, true, [](packet_kernel& k, driver::options&) { k.refused_option = PACKET_VERSION, k.refusal = -EINVAL; }},
      {"setsockopt PACKET_LOSS", EINVAL, true, [](packet_kernel& k, driver::options&) { k.refused_option = PACKET_LOSS, k.refusal = -EINVAL; }},
      {"setsockopt PACKET_RX_RING", ENOMEM, false, [](packet_kernel& k, driver::options&) { k.refused_option = PACKET_RX_RING, k.refusal = -ENOMEM; }},
      {"setsockopt PACKET_TX_RING", ENOMEM, false, [](packet_kernel& k, driver::options&) { k.refused_option = PACKET_TX_RING, k.refusal = -ENOMEM; }},
      {"mmap", ENOMEM, false, [](packet_kernel& k, driver::options&) { k.no_mapping = -ENOMEM; }},
      {"setsockopt SO_ATTACH_FILTER", ENOMEM, false, [](packet_kernel& k, driver::options&) { k.refused_option = SO_ATTACH_FILTER, k.refusal = -ENOMEM; }},
      {"setsockopt PACKET_ADD_MEMBERSHIP", ENOBUFS, false, [](packet_kernel& k, driver::options&) { k.refused_option = PACKET_ADD_MEMBERSHIP, k.refusal = -ENOBUFS; }},
      {"bind", ENODEV, false, [](packet_kernel& k, driver::options&) { k.no_bind = -ENODEV; }},
  };
  for (const failure& f : failures) {
    packet_kernel k;
    driver::options o{.interface = "eth0"};
    f.provoke(k, o);
    const auto nic = driver::open(o, {&k});
    INFO(f.step << " " << f.errno_value);
    REQUIRE_FALSE(nic);
    CHECK(std::string(nic.error().step) == f.step);
    CHECK(nic.error().errno_value == f.errno_value);
    CHECK(nic.error().is_impossible_here == f.is_impossible_here);
    CHECK(std::string(nic.error().remedy) != "");
    CHECK_FALSE(k.is_open);
    CHECK_FALSE(k.is_mapped);
  }
  packet_kernel old;  // before Linux 4.20: its own frames come back, and are left out here
  old.refused_option = PACKET_IGNORE_OUTGOING;
  old.refusal = -ENOPROTOOPT;
  CHECK(driver::open({.interface = "eth0"}, {&old}).has_value());
}

TEST_CASE("a packet socket that was moved is closed once, by the one that has it") {
  packet_kernel k;
  {
    driver a = opened(k);
    driver b = std::move(a);
    CHECK(k.is_open);
    a.close();
    CHECK(k.is_open);
    b.close();
    CHECK_FALSE(k.is_open);
    CHECK_FALSE(k.is_mapped);
    k.is_open = true;
  }
  CHECK(k.is_open);
}
