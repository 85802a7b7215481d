// SPDX-License-Identifier: MIT
// Which frames the packet socket's filter lets through, and how its ring is read.
#include <steering/fake_kernel.hpp>
#include <steering/frames.hpp>

#include <strata/nic/linux/overheard.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstring>

namespace {
using namespace steering_test;
using overheard = nic::kernel::overheard<fake_kernel>;

/// Classic BPF as the kernel runs it over a frame: a load behind its end gives zero, and so drops it.
u32 filter(std::span<const sock_filter> code, std::span<const std::byte> frame, bool has_vlan_tag = false) {
  u32 a = 0, x = 0;
  for (std::size_t at = 0; at < code.size(); ++at) {
    const sock_filter& i = code[at];
    const auto load = [&](u32 size) {
      if (i.k == static_cast<u32>(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT)) return a = has_vlan_tag, true;
      if (i.k > frame.size() || size > frame.size() - i.k) return false;
      a = 0;
      for (u32 n = 0; n < size; ++n) a = a << 8 | std::to_integer<u32>(frame[i.k + n]);
      return true;
    };
    switch (i.code) {
      case BPF_LD | BPF_B | BPF_ABS: if (!load(1)) return 0; break;
      case BPF_LD | BPF_H | BPF_ABS: if (!load(2)) return 0; break;
      case BPF_LD | BPF_W | BPF_ABS: if (!load(4)) return 0; break;
      case BPF_MISC | BPF_TAX: x = a; break;
      case BPF_JMP | BPF_JEQ | BPF_K: at += a == i.k ? i.jt : i.jf; break;
      case BPF_JMP | BPF_JEQ | BPF_X: at += a == x ? i.jt : i.jf; break;
      case BPF_RET | BPF_K: return i.k;
      default: FAIL("an instruction that is not known here");
    }
  }
  FAIL("runs out of the filter");
  return 0;
}

TEST_CASE("gratuitous ARP and advertisements to a group are overheard, and nothing else", "[xdp]") {
  kernel_state k;
  overheard o;
  REQUIRE(o.open({&k}, 3).errno_value == 0);
  // The third comes to strata alone: the steering program redirects it.
  const std::string heard[] = {"gratuitous", "gratuitous, as a reply", "somebody else announces our address", "a router advertisement to a group that we joined",
                               "a neighbour advertisement to a group that we joined"};
  u32 found = 0;
  for (const row& r : table) {
    INFO(r.what);
    const bool is_wanted = std::find(std::begin(heard), std::end(heard), r.what) != std::end(heard);
    found += is_wanted;
    CHECK((filter(k.filter, r.sent.bytes()) != 0) == is_wanted);
    CHECK(filter(k.filter, r.sent.bytes(), true) == 0);
    for (std::size_t size = 0; size < r.needs; ++size) CHECK(filter(k.filter, r.sent.bytes().first(size)) == 0);
  }
  CHECK(found == std::size(heard));
}

void put(kernel_state& k, u32 place, u32 length, u8 value, u32 captured) {
  std::byte* const at = k.ring.data() + std::size_t{place} * overheard::frame_room;
  tpacket2_hdr h{};
  h.tp_status = TP_STATUS_USER;
  h.tp_len = length;
  h.tp_snaplen = captured;
  h.tp_mac = 82;
  std::memcpy(at, &h, sizeof h);
  std::memset(at + h.tp_mac, value, std::min<u32>(captured, overheard::frame_room - h.tp_mac));
}
u32 status(const kernel_state& k, u32 place) {
  u32 s;
  std::memcpy(&s, k.ring.data() + std::size_t{place} * overheard::frame_room, sizeof s);
  return s;
}

TEST_CASE("frames are read in their order, round and round, without a system call", "[xdp]") {
  kernel_state k;
  overheard o;
  REQUIRE(o.open({&k}, 3).errno_value == 0);
  const u64 calls = k.calls;
  u8 sent = 0, seen = 0;
  u32 place = 0;
  const auto next = [&](std::span<const std::byte> frame) {
    CHECK(frame.size() == 60u + seen % 3);
    CHECK(frame[59] == std::byte{seen});
    ++seen;
  };
  for (u32 round = 0; round < 41; ++round) {
    const u32 n = round % 6;
    for (u32 i = 0; i < n; ++i, ++sent, place = (place + 1) % overheard::frames) put(k, place, 60u + sent % 3, sent, 60u + sent % 3);
    CHECK(o.read(next) == n);
    CHECK(o.read(next) == 0);
  }
  CHECK(seen == sent);
  CHECK(place != 0);
  for (u32 i = 0; i < overheard::frames; ++i) CHECK(status(k, i) == TP_STATUS_KERNEL);

  for (u32 i = 0; i < 5; ++i, ++sent) put(k, (place + i) % overheard::frames, 60u + sent % 3, sent, 60u + sent % 3);
  CHECK(o.read(next, 2) == 2);
  CHECK(o.read(next, 9) == 3);
  CHECK(k.calls == calls);
}

TEST_CASE("a frame that the ring could not hold, or that lies about where it is, is left out", "[xdp]") {
  kernel_state k;
  overheard o;
  REQUIRE(o.open({&k}, 3).errno_value == 0);
  put(k, 0, 3000, 1, 1900);
  put(k, 1, 2000, 2, 2000);  // beyond its place in the ring
  put(k, 2, 60, 3, 60);
  u32 seen = 0;
  CHECK(o.read([&](std::span<const std::byte> frame) {
    CHECK(frame[0] == std::byte{3});
    ++seen;
  }) == 3);
  CHECK(seen == 1);
}

TEST_CASE("whichever call fails, the rest is undone; what is not needed is done without", "[xdp]") {
  u64 calls = 0;
  {
    kernel_state k;
    overheard o;
    REQUIRE(o.open({&k}, 3).errno_value == 0);
    calls = k.calls;
    overheard p = std::move(o);
    CHECK(o.read([](auto) {}) == 0);
    o.close();
    CHECK(k.open.size() == 1);
    p.close();
    CHECK(k.open.empty());
    CHECK(k.times("munmap") == 1);
  }
  CHECK(calls == 8);
  u32 failed = 0;
  for (u64 nth = 0; nth < calls; ++nth) {
    kernel_state k;
    k.refuse_nth = nth;
    overheard o;
    const auto e = o.open({&k}, 3);
    failed += e.errno_value == EIO;
    if (e.errno_value != 0) CHECK(k.open.empty());
    o.close();
    CHECK(k.open.empty());
    CHECK(k.times("munmap") == (k.times("mmap") == 1 && nth != 5 ? 1 : 0));
    CHECK(k.times("munmap of something else") == 0);
  }
  CHECK(failed == calls - 2);  // outgoing frames not ignored, all nodes not joined
  for (const int why : {EPERM, EAFNOSUPPORT}) {
    kernel_state k;
    k.refusals = {{"socket AF_PACKET", why}};
    const auto e = overheard{}.open({&k}, 3);
    CHECK(e.errno_value == why);
    CHECK(std::string(e.remedy).find(why == EPERM ? "CAP_NET_RAW" : "CONFIG_PACKET") != std::string::npos);
  }
}

}  // namespace
