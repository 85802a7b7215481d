// SPDX-License-Identifier: MIT
// Many datagrams by one call: Linux's UDP_SEGMENT.
#include <two_stacks.hpp>

#include <catch2/catch_template_test_macros.hpp>

namespace {

using namespace strata;
using namespace strata::test;

struct by_frames : presets::testing { static constexpr u32 gso_max_size = 20'000; };
struct by_trains : by_frames { using nic = strata::nic::wire_pair::copying_trains; };
struct of_tcp : strata::nic::wire_pair::copying_trains {
  using wire_end::wire_end;
  static constexpr nic::capabilities may{.fills_in_checksum = true, .partial_checksum = true, .segments = true, .trains = true};
  [[nodiscard]] static constexpr nic::capabilities has() { return may; }
};
struct by_trains_of_tcp : by_frames { using nic = of_tcp; };
struct queued : by_frames { using qdisc = strata::qdisc::fifo; };

template <class C> struct world {
  using net = stack<C>;
  std::unique_ptr<two_stacks<C>> two = two_stacks<C>::make();
  typename net::datagram_socket here = *two->a.bind({.port = 1000}), there = *two->b.bind({.port = 7});
  std::vector<std::byte> text = std::vector<std::byte>(20'001);
  std::vector<std::vector<std::byte>> got;
  typename net::endpoint to{"10.0.0.2"_ip, 7};

  world() {
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<std::byte>(i * i >> 3 ^ i);
  }
  void turns() {
    two->turns(4, ignore_rest{}, on{[&](typename net::datagram e) {
      for (;;) {
        const auto d = e.socket.peek();
        if (!d) return;
        got.emplace_back(d->bytes.begin(), d->bytes.end());
        (void)e.socket.consume();
      }
    }, ignore_rest{}});
  }
  auto send(std::size_t n, u16 size) { return here.send_to(std::span<const std::byte>(text).first(n), to, udp::segment_size{size}); }
  void expect(std::size_t n, std::size_t size) {
    REQUIRE(got.size() == (n + size - 1) / size);
    std::size_t at = 0;
    for (const auto& d : got) {
      CHECK(d.size() == (n - at < size ? n - at : size));
      CHECK(std::equal(d.begin(), d.end(), text.begin() + static_cast<std::ptrdiff_t>(at)));
      at += d.size();
    }
    got.clear();
  }
};

TEST_CASE("one call sends datagrams of one size and what is left, frame by frame") {
  world<by_frames> w;
  CHECK(w.send(2400, 1200).value_or(0) == 2400);
  w.turns();
  w.expect(2400, 1200);
  CHECK(w.send(5000, 1200).value_or(0) == 5000);
  CHECK(w.two->a.at_interface().trains_counted().segmented == 1);
  w.turns();
  w.expect(5000, 1200);
  CHECK(w.two->b.transport<1>().counted().in_csum_errors == 0);
  CHECK(w.two->a.transport<1>().counted().out_datagrams == 7);
  CHECK(w.two->a.chunks_in_use() == 0);
}
TEMPLATE_TEST_CASE("a driver that segments datagrams gets them whole, one that segments TCP alone one by one, and makes their checksums", "", by_trains, by_trains_of_tcp) {
  world<TestType> w;
  CHECK(w.send(2400, 1200).value_or(0) == 2400);
  w.turns();
  w.expect(2400, 1200);
  CHECK(w.send(4801, 1200).value_or(0) == 4801);
  const auto& count = w.two->a.at_interface().trains_counted();
  CHECK((count.whole == (TestType::nic::may.segments_datagrams ? 1 : 0) && count.whole + count.segmented == 1));
  w.turns();
  w.expect(4801, 1200);
  CHECK(w.two->b.template transport<1>().counted().in_csum_errors == 0);
  CHECK(w.two->a.chunks_in_use() == 0);
}
TEST_CASE("datagrams of one call pass a queue as frames") {
  world<queued> w;
  (void)w.send(100, 100), w.turns(), w.got.clear();
  CHECK(w.send(3600, 1200).value_or(0) == 3600);
  w.turns();
  w.expect(3600, 1200);
  CHECK(w.two->a.chunks_in_use() == 0);
}
TEST_CASE("where chunks are short nothing leaves, and nothing is kept") {
  world<by_trains> w;
  for (int i = 0; i < 2; ++i) (void)w.send(100, 1000), w.turns();  // the way is known then, and the neighbour
  w.got.clear();
  std::vector<packet> taken;
  auto& chunks = w.two->a.chunks();
  while (chunks.available() > by_trains::limits.receive_reserve) taken.push_back(chunks.take(0));
  for (u32 free = 0; free < 3; ++free) {
    CAPTURE(free, chunks.available());
    const auto went = w.send(3000, 1000);
    CHECK((!went && went.error() == udp::send_error::would_block));
    CHECK(w.two->a.chunks_in_use() == taken.size());
    taken.pop_back();
  }
  CHECK(w.send(3000, 1000).value_or(0) == 3000);
  w.turns();
  w.expect(3000, 1000);
}

TEST_CASE("what cannot be cut so is refused, and nothing is sent") {
  world<by_frames> w;
  (void)w.send(100, 100), w.turns(), w.got.clear();
  CHECK(w.send(100, 0).error() == udp::send_error::bad_options);
  CHECK(w.send(20'001, 1000).error() == udp::send_error::too_big);
  CHECK(w.send(3000, 1473).error() == udp::send_error::too_big);  // over the MTU
  w.turns();
  CHECK(w.got.empty());
  CHECK(w.two->a.chunks_in_use() == 0);
  CHECK(w.send(20'000, 1400).value_or(0) == 20'000);
  // A ring without room for the first takes nothing.
  for (int i = 0; i < 300; ++i) (void)w.here.send_to(bytes_of("x"), w.to);
  const u32 before = w.two->a.chunks_in_use();
  CHECK(w.send(2000, 1000).error() == udp::send_error::would_block);
  CHECK(w.two->a.chunks_in_use() == before);
}

}  // namespace
