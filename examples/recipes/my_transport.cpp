// SPDX-License-Identifier: MIT
// A transport of one's own beside TCP and UDP: heartbeats. Alice asks Bob every 100 ms whether he is there; after half a second Bob stops answering.
#include <strata/strata.hpp>

#include <cstdio>

namespace my {

/// What the handler hears: somebody who is watched came, or went silent.
template <class Address> struct beat {
  Address peer{};
  bool is_alive = false;
};

/// Four bytes over IP protocol 253, which RFC 3692 keeps for experiments:  kind | number | checksum of pseudo-header and message
template <class C> class heartbeat {
 public:
  using address = typename C::family::address;
  using time_point = strata::time_point<typename C::tick>;
  using duration = strata::duration<typename C::tick>;
  using path = strata::ip::path_of<C>;
  using event = beat<address>;
  static constexpr strata::u8 protocol = 253;
  static constexpr std::size_t header_size = 4;

  /// From now on `peer` is asked and its silence is told. False: all places are taken.
  bool watch(const address& peer, time_point now) {
    if (count_ == most_peers) return false;
    watched& w = peers_[count_++];
    w.way.remote = peer;
    w.ask_at = w.heard = now;
    return true;
  }

  // ---- what the stack does: strata::demand::transport ----

  /// A packet of our protocol, pulled to our header. What it means to the application waits for pending(), so that a batch is told once.
  std::optional<event> on_datagram(auto&& below, const strata::datagram_info<address>& info, strata::packet& p, time_point now) {
    if (p.size() < header_size || info.is_broadcast) return count(dropped_);
    const auto message = p.bytes().first(header_size);
    if (!strata::checksum_is_valid(message, strata::pseudo_header_sum(info.local, info.remote, protocol, header_size))) return count(dropped_);
    const auto kind = static_cast<strata::u8>(message[0]), number = static_cast<strata::u8>(message[1]);
    if (kind == asks) {
      path back{};
      back.local = info.local;
      back.remote = info.remote;
      if (below.route(back)) say(below, back, answers, number);
    }
    for (watched& w : std::span(peers_).first(count_))
      if (kind == answers && w.way.remote == info.remote && number == w.number) w.heard = now, w.is_alive = true;
    return {};
  }
  /// An ICMP error or a neighbour that does not answer: silence will say the same.
  std::optional<event> on_error(auto&&, const strata::network_error<address>&, time_point) { return {}; }
  /// The next thing to tell; asked until there is nothing.
  std::optional<event> pending(auto&&, time_point) {
    for (watched& w : std::span(peers_).first(count_))
      if (w.told != w.is_alive) return w.told = w.is_alive, event{w.way.remote, w.is_alive};
    return {};
  }
  /// After the handler.
  void finish(auto&&, const event&, time_point) {}
  /// What is due: the next question, and the end of patience. Linux has del_timer and mod_timer for this; here time is an argument.
  void advance(auto&& below, time_point now) {
    for (watched& w : std::span(peers_).first(count_)) {
      if (now.since(w.heard) >= patience) w.is_alive = false;
      if (!now.reached(w.ask_at)) continue;
      w.ask_at = now + interval;
      if (w.way.mtu != 0 || below.route(w.way)) say(below, w.way, asks, ++w.number);
    }
  }
  std::optional<time_point> next_deadline() const {
    std::optional<time_point> first;
    for (const watched& w : std::span(peers_).first(count_)) first = first ? strata::earlier_of(*first, w.ask_at) : w.ask_at;
    return first;
  }

  [[nodiscard]] strata::u32 dropped() const { return dropped_; }

 private:
  static constexpr strata::u8 asks = 1, answers = 2;
  static constexpr strata::u32 most_peers = 8;
  static constexpr duration interval = duration::ms(100), patience = duration::ms(350);
  struct watched {
    path way{};                // its header image makes the second question one copy
    time_point ask_at{}, heard{};
    strata::u8 number = 0;     // of the last question
    bool is_alive = false, told = false;
  };

  void say(auto&& below, path& way, strata::u8 kind, strata::u8 number) {
    strata::packet p = below.take();  // its frame starts where our header may
    if (!p) return void(++dropped_);
    const auto room = p.room().first(header_size);
    room[0] = static_cast<std::byte>(kind);
    room[1] = static_cast<std::byte>(number);
    strata::store_be<strata::u16>(&room[2], 0);
    const strata::u32 sum = strata::pseudo_header_sum(way.local, way.remote, protocol, header_size) + strata::ones_sum(room);
    strata::store_be<strata::u16>(&room[2], static_cast<strata::u16>(~strata::fold(sum)));
    p.extend(header_size);
    p->transport = p->offset;
    (void)below.send(way, std::move(p), protocol);  // whatever becomes of it: the next one follows
  }
  static std::optional<event> count(strata::u32& counter) { return ++counter, std::nullopt; }

  watched peers_[most_peers]{};
  strata::u32 count_ = 0, dropped_ = 0;
};

struct config : strata::presets::testing {
  template <class C> using transports = strata::layers<typename C::template tcp<C>, typename C::template udp<C>, my::heartbeat<C>>;  // the line
};

}  // namespace my

using namespace strata::literals;
using net = strata::stack<my::config>;
static strata::nic::wire between;
static std::byte memory[2][1 << 20];
static net alice{{.nic = {between, 0}, .memory = memory[0], .entropy = {1}, .address = "10.0.0.1/24"_net}};
static net bob{{.nic = {between, 1}, .memory = memory[1], .entropy = {2}, .address = "10.0.0.2/24"_net}};

int main() {
  strata::u64 ms = 0;
  unsigned changes = 0;
  const strata::on hears{[&](const my::beat<net::address>& e) {
                           std::printf("bob is %s at %llu ms\n", e.is_alive ? "there" : "silent", static_cast<unsigned long long>(ms));
                           ++changes;
                         },
                         strata::ignore_rest{}};
  alice.on_layer<my::heartbeat>([](auto& beats, auto) { (void)beats.watch("10.0.0.2"_ip, {}); });
  for (; ms < 1000; ++ms) {
    (void)alice.poll({ms * 1'000'000}, {}, hears);
    if (ms < 500) (void)bob.poll({ms * 1'000'000}, {}, strata::ignore_rest{});
  }
  return changes == 2 ? 0 : 1;
}
