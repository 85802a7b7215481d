// SPDX-License-Identifier: MIT
// Two tags, jumbo frames and a queue that reads headers behind them: what stands in front of an IP packet is the link's business alone.
#include <echo_over.hpp>

#include <catch2/catch_test_macros.hpp>

namespace my_qinq {
struct config : strata::presets::testing {
  using link = strata::link::vlan<strata::link::vlan<strata::link::ethernet>>;
  using header_image = strata::header_image::cached_behind<22>;
  using qdisc = strata::qdisc::prio<strata::qdisc::fifo, strata::qdisc::fq>;
  static constexpr strata::limits limits = [] {
    strata::limits l = strata::presets::testing::limits;
    l.chunks = 256;
    l.chunk_size = 9216;
    return l;
  }();
};
}  // namespace my_qinq

namespace {

using namespace strata;
using namespace strata::test;
using net = stack<my_qinq::config>;
static_assert(net::network_headroom == 22 + 20);

struct two_behind_tags {
  nic::wire cable{.mtu = 9000};
  alignas(64) std::byte memory[2][256 * 9216]{};
  net a{}, b{};
  u64 ms = 1;
  two_behind_tags() {
    cable.poisons = true;
    (void)a.start({.nic = {cable, 0}, .link = {.id = 100, .inner = {.id = 5}}, .memory = memory[0], .entropy = {1}, .address = "10.0.0.1/24"_net});
    (void)b.start({.nic = {cable, 1}, .link = {.id = 100, .inner = {.id = 5}}, .memory = memory[1], .entropy = {2}, .address = "10.0.0.2/24"_net});
  }
  void turn(auto&& ha, auto&& hb) {
    (void)a.poll({ms * 1'000'000}, budget{64}, ha);
    (void)b.poll({ms * 1'000'000}, budget{64}, hb);
  }
};

TEST_CASE("a stream crosses a provider's network, and segments fill a jumbo frame") {
  const auto t = std::make_unique<two_behind_tags>();
  CHECK(echo_over<my_qinq::config>(*t, {"10.0.0.2"_ip, 7}, "behind two tags") == "behind two tags");

  REQUIRE(t->b.listen({.port = 8}));
  const auto s = t->a.connect({.remote = {"10.0.0.2"_ip, 8}});
  REQUIRE(s);
  std::vector<std::byte> text(300'000), got;
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<std::byte>(i * 13 ^ i >> 8);
  std::size_t sent = 0;
  const auto write = [&](net::stream w) { sent += sent < text.size() ? w.send(std::span(text).subspan(sent)).value_or(0) : 0; };
  const u64 before = t->cable.of(0).transmitted;
  for (u32 i = 0; i < 400 && got.size() < text.size(); ++i, ++t->ms)
    t->turn(on{[&](net::connected e) { write(e.stream); }, [&](net::writable e) { write(e.stream); }, ignore_rest{}},
            on{[&](net::readable e) {
                 for (const auto part : e.stream.peek()) got.insert(got.end(), part.begin(), part.end());
                 (void)e.stream.consume(e.stream.peek().size());
               },
               ignore_rest{}});
  CHECK(got == text);
  CHECK(s->info()->mss == 9000 - 40 - 12);
  CHECK(t->cable.of(0).transmitted - before < 60);  // 34 full segments, and few more
  CHECK(t->b.at_interface().link.counted().rx_untagged == 0);
  (void)s->abort();
  for (u32 i = 0; i < 3; ++i) t->turn(ignore_rest{}, ignore_rest{});
  CHECK(t->a.chunks_in_use() == 0);
}

TEST_CASE("a queue finds the IP header behind both tags: what is urgent leaves by the first band") {
  const auto t = std::make_unique<two_behind_tags>();
  const auto u = t->a.bind({.port = 1000});
  REQUIRE(t->b.bind({.port = 9}));
  CHECK(u->send_to(bytes_of("who is it"), net::endpoint{"10.0.0.2"_ip, 9}));
  for (u32 i = 0; i < 4; ++i, ++t->ms) t->turn(ignore_rest{}, ignore_rest{});
  auto& q = t->a.at_interface().qdisc;
  const auto flows = q.band<1>().counted().new_flows;
  CHECK(u->send_to(bytes_of("to a flow"), net::endpoint{"10.0.0.2"_ip, 9}));
  CHECK(q.band<1>().counted().new_flows == flows + 1);
  CHECK(q.size() == 0);
}

}  // namespace
