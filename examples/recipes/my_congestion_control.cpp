// SPDX-License-Identifier: MIT
// A congestion control of one's own: multiplicative increase and a small decrease, so that the time to recover from a loss does not grow with the
// window. It and NewReno carry the same bytes over the same simulated link: 200 Mbit/s, 40 ms there and back, one frame in 1,000 lost.
#include <strata/nic/simulated.hpp>
#include <strata/strata.hpp>

#include <cstdio>

namespace my {

/// Scalable TCP (Kelly, "Scalable TCP: improving performance in highspeed wide area networks", 2003): outside slow start each acknowledged byte adds 1/100
/// of a byte, and a loss takes 1/8 of the window. Small windows behave as in RFC 5681, as the paper wants for fairness.
class scalable {
 public:
  [[nodiscard]] constexpr strata::u32 cwnd() const { return cwnd_; }
  [[nodiscard]] constexpr strata::u32 ssthresh() const { return ssthresh_; }

  constexpr void start(strata::u32 mss) {
    cwnd_ = strata::tcp::newreno::initial_window(mss);     // RFC 6928 §2
    ssthresh_ = most;
    rest_ = 0;
  }
  constexpr void on_ack(strata::u32 acked, strata::u32 in_flight, strata::u32 mss) {
    if (in_flight + mss < cwnd_ && in_flight < cwnd_ / 2) return;  // the application does not fill the window: nothing was learnt
    if (cwnd_ < ssthresh_) return grow(acked < mss ? acked : mss);
    const strata::u32 in_one_window = cwnd_ < legacy * mss ? mss : cwnd_ / 100;
    const strata::u64 due = rest_ + strata::u64{acked} * in_one_window;
    grow(static_cast<strata::u32>(due / cwnd_));
    rest_ = static_cast<strata::u32>(due % cwnd_);         // fractions of a byte are not lost
  }
  constexpr void on_recovery(strata::u32 flight, strata::u32 mss) {
    const strata::u32 left = flight < legacy * mss ? flight / 2 : flight - flight / 8;
    ssthresh_ = left > 2 * mss ? left : 2 * mss;
    cwnd_ = ssthresh_ + 3 * mss;                           // the three duplicates have left the network: RFC 5681 §3.2 (3)
  }
  constexpr void on_duplicate(strata::u32 mss) { grow(mss); }
  constexpr void on_partial(strata::u32 acked, strata::u32 mss) {
    cwnd_ = (cwnd_ > acked ? cwnd_ - acked : 0) + mss;     // RFC 6582 §3.2 (3)
  }
  constexpr void on_recovered(strata::u32 flight, strata::u32 mss) {
    const strata::u32 next = (flight > mss ? flight : mss) + mss;
    cwnd_ = next < ssthresh_ ? next : ssthresh_;
  }
  constexpr void on_timeout(strata::u32 flight, strata::u32 mss) {
    ssthresh_ = flight / 2 > 2 * mss ? flight / 2 : 2 * mss;
    cwnd_ = mss;
    rest_ = 0;
  }
  constexpr void on_idle(strata::u32 mss) {
    if (const strata::u32 restart = strata::tcp::newreno::initial_window(mss); cwnd_ > restart) cwnd_ = restart;
  }

 private:
  static constexpr strata::u32 most = 0x7fff'ffff;
  static constexpr strata::u32 legacy = 16;                // segments; below, NewReno's rules
  constexpr void grow(strata::u32 n) { cwnd_ = cwnd_ > most - n ? most : cwnd_ + n; }

  strata::u32 cwnd_ = 0, ssthresh_ = 0;
  strata::u32 rest_ = 0;                                   // what on_ack() owes, in bytes / cwnd
};
static_assert(strata::tcp::congestion_controller<scalable>);

struct newreno_config : strata::presets::testing {
  using nic = strata::nic::simulated_end<4096, 2048>;
  static constexpr strata::limits limits{.chunks = 4096, .connections = 4, .send_chunks = 1024, .receive_chunks = 1024};
};
struct scalable_config : newreno_config {
  using congestion_control = my::scalable;  // the line
};

}  // namespace my

using namespace strata::literals;
constexpr std::size_t total = 32 << 20;
static std::byte memory[2][std::size_t{4096} * 2048], zeros[64 << 10];

/// Sends `total` bytes in virtual time; nanoseconds until the last one was read, zero if it never was.
template <class Config> strata::u64 carry() {
  using net = strata::stack<Config>;
  static typename Config::nic::link_type link;
  link.ways[0].random.state = link.ways[1].random.state = 42;  // the seed
  net alice{{.nic = {link, 0}, .memory = memory[0], .entropy = {1}, .address = "10.0.0.1/24"_net}};
  net bob{{.nic = {link, 1}, .memory = memory[1], .entropy = {2}, .address = "10.0.0.2/24"_net}};
  for (strata::u32 side = 0; side < 2; ++side) link.faults(side) = {.delay_ns = 20'000'000, .rate = 200'000'000, .queue_bytes = 256 << 10};
  link.faults(0).loss = strata::nic::impairment::always / 1000;

  std::size_t written = 0, came = 0;
  const auto write = [&](typename net::stream s) {
    for (std::size_t n = 1; n != 0 && written < total; written += n) n = s.send(std::span(zeros).first(total - written < sizeof zeros ? total - written : sizeof zeros)).value_or(0);
  };
  const strata::on sends{[&](typename net::connected e) { write(e.stream); }, [&](typename net::writable e) { write(e.stream); }, strata::ignore_rest{}};
  const strata::on reads{[&](typename net::readable e) { came += e.stream.consume(e.stream.peek().size()).value_or(0); }, strata::ignore_rest{}};
  const auto stream = bob.listen({.port = 7}) ? alice.connect({.remote = {"10.0.0.2"_ip, 7}}) : strata::tcp::connect_error::no_route;
  if (!stream) return 0;

  strata::u64 now = 0;
  for (; came < total && now < 60'000'000'000; now += 100'000) {
    link.advance(now);
    (void)alice.poll({now}, {256}, sends);
    (void)bob.poll({now}, {256}, reads);
  }
  return came == total ? now : 0;
}

int main() {
  const strata::u64 newreno = carry<my::newreno_config>(), scalable = carry<my::scalable_config>();
  std::printf("my_congestion_control delivered=%s faster=%s\n", newreno != 0 && scalable != 0 ? "both" : "not", scalable < newreno ? "yes" : "no");
  return newreno != 0 && scalable != 0 ? 0 : 1;
}
