// SPDX-License-Identifier: MIT
// What each Config of tests/combinations.txt has to do: two stacks over a link in virtual time, a stream with bytes both ways at once, datagrams that come
// back, an end in order, and no chunk left. A link that can misbehave does.
#pragma once
#include <strata/nic/pcap.hpp>
#include <strata/nic/simulated.hpp>
#include <strata/qdisc/byte_limit.hpp>
#include <strata/qdisc/drr.hpp>
#include <strata/qdisc/fifo.hpp>
#include <strata/qdisc/fq.hpp>
#include <strata/qdisc/fq_codel.hpp>
#include <strata/qdisc/prio.hpp>
#include <strata/qdisc/tbf.hpp>
#include <strata/strata.hpp>

#include <memory>
#include <string>
#include <vector>

namespace strata::combinations {

using namespace strata::literals;

constexpr u64 seed = 20;
constexpr std::size_t bytes_each_way = 400'000;
constexpr u32 datagrams = 12;

struct base : presets::testing {};

/// Those of `base`, and chunks are cut in slots for small messages.
inline constexpr strata::limits with_slots = [] {
  strata::limits l = base::limits;
  l.slots = 128;
  return l;
}();
/// Those of `base`, and groups.
inline constexpr strata::limits with_groups = [] {
  strata::limits l = base::limits;
  l.groups = 4;
  return l;
}();
/// Transports with raw sockets among them.
template <class C> using and_raws = layers<typename C::template tcp<C>, typename C::template udp<C>, raw::layer<C>>;
/// Asks, and lets everybody pass.
struct doorman {
  static constexpr bool is_open = false;
  template <class Address> [[nodiscard]] constexpr bool allows(const permission::request<Address>&) const { return true; }
};
/// Counts the steps.
struct watcher {
  static constexpr bool is_active = true;
  u64 steps = 0;
  void on(const trace::record&) { ++steps; }
};
/// Where a capture goes that nobody reads.
struct drain {
  u64 bytes = 0;
  void write(std::span<const std::byte> b) { bytes += b.size(); }
};
template <class Inner> using captured = nic::pcap<Inner, drain>;

struct outcome {
  std::string failure{};
  std::size_t delivered[2]{};
  u32 answers = 0;
  u32 overheard = 0;  ///< questions that a raw socket saw, if there is one
  u32 chunks_left = 0;
};

/// What lies between two ends of a driver, and those ends.
template <class Nic> struct cable {
  std::unique_ptr<typename Nic::wire_type> wire = std::make_unique<typename Nic::wire_type>();
  Nic end(u32 side) { return {*wire, side}; }
  void move_to(u64) {}
  [[nodiscard]] bool was_as_meant() const { return true; }
};
template <class Nic> requires requires { typename Nic::link_type; } struct cable<Nic> {
  using link = typename Nic::link_type;
  std::unique_ptr<link> between = make();
  Nic end(u32 side) { return {*between, side}; }
  void move_to(u64 ns) { between->advance(ns); }
  [[nodiscard]] bool was_as_meant() const { return between->of(0).lost != 0 && between->of(1).lost != 0 && between->of(0).overtaken != 0 && between->of(0).corrupted != 0; }
  static std::unique_ptr<link> make() {
    auto l = std::make_unique<link>(seed);
    for (u32 side : {0u, 1u}) l->faults(side) = {.delay_ns = 200'000, .jitter_ns = 50'000, .loss = 20'000, .duplication = 10'000, .reordering = 30'000, .reorder_ns = 400'000, .corruption = 20'000};
    return l;
  }
};
template <class Inner> struct cable<captured<Inner>> : cable<Inner> {
  captured<Inner> end(u32 side) { return {cable<Inner>::end(side), drain{}}; }
};

template <class C> [[nodiscard]] auto address_of(u32 side) {
  using subnet = strata::subnet<typename C::family::address>;
  if constexpr (C::family::address::bits == 128) return side == 0 ? subnet("fd00::1/64"_net) : subnet("fd00::2/64"_net);
  else return side == 0 ? subnet("10.0.0.1/24"_net) : subnet("10.0.0.2/24"_net);
}

/// One stack, its application, and what that has sent and seen.
template <class C> class host {
 public:
  using net = stack<C>;

  host(cable<typename C::nic>& link, u32 side, outcome& r)
      : r_(&r), side_(side), memory_(std::size_t{C::limits.chunks} * C::limits.chunk_size + 64) {
    std::byte* const first = memory_.data() + (64 - reinterpret_cast<std::uintptr_t>(memory_.data()) % 64) % 64;
    const bad_option bad = net_.start({.nic = link.end(side), .memory = region(std::span(first, memory_.size() - 64)), .entropy = entropy(side), .address = address_of<C>(side)});
    if (bad != bad_option::none) r.failure = "start: " + std::to_string(static_cast<int>(bad));
  }
  void serve() {
    if (!net_.listen({.port = 7})) r_->failure = "listen";
    echo_ = net_.bind({.port = 9000}).value_or(typename net::datagram_socket{});
    if constexpr (net::has_groups) {
      if (!echo_.join({.group = group})) r_->failure = "join";
    }
    if constexpr (has_raws) {
      if (!net_.open_raw({.protocol = 17})) r_->failure = "open_raw";
    }
  }
  void call() {
    if (!net_.connect({.remote = {address_of<C>(1).address, 7}})) r_->failure = "connect";
    asker_ = net_.bind({.port = 9001}).value_or(typename net::datagram_socket{});
  }
  /// The n-th of all datagrams, until it was answered.
  void ask() {
    std::vector<std::byte> question(1 + std::size_t{110} * r_->answers, static_cast<std::byte>(r_->answers + 1));
    if (C::long_datagrams && r_->answers == datagrams - 1) question.resize(9000, std::byte{datagrams});
    typename net::endpoint to{address_of<C>(1).address, 9000};
    if constexpr (net::has_groups) {
      if (r_->answers % 2 == 1) to.address = group;
    }
    (void)asker_.send_to(question, to);
  }
  void poll(u64 us) {
    const auto write = [&](const auto& s) {
      std::byte some[3000];
      while (sent_ < bytes_each_way) {
        const std::size_t n = std::min(bytes_each_way - sent_, 1 + (sent_ * 7) % sizeof some);
        for (std::size_t i = 0; i < n; ++i) some[i] = octet(side_, sent_ + i);
        const std::size_t taken = s.send(std::span(some).first(n)).value_or(0);
        sent_ += taken;
        if (taken < n) return;
      }
      if (!is_closed_) is_closed_ = s.shutdown_send().has_value();
    };
    const auto read = [&](const auto& s) {
      std::size_t& got = r_->delivered[side_];
      for (const auto part : s.peek())
        for (const std::byte b : part)
          if (b != octet(1 - side_, got++)) r_->failure = "another byte at " + std::to_string(got);
      (void)s.consume(s.peek().size());
    };
    const auto hear = [&](const auto& s) {
      std::byte room[9000];
      while (const auto in = s.receive(room)) {
        const auto bytes = std::span<const std::byte>(room).first(in->bytes);
        if (side_ == 1) (void)s.send_to(bytes, in->from);
        else if (!bytes.empty() && bytes.front() == static_cast<std::byte>(r_->answers + 1)) ++r_->answers;
      }
    };
    const auto overhear = [&](const auto& s) {
      while (s.consume()) ++r_->overheard;
    };
    const auto raws = [&] {
      if constexpr (has_raws) return [&](typename net::raw_packet e) { overhear(e.socket); };
      else return [](typename net::error) {};
    }();
    (void)net_.poll(at(us), budget{64},
                    on{raws, [&](typename net::accepted e) { write(e.stream); }, [&](typename net::connected e) { write(e.stream); }, [&](typename net::writable e) { write(e.stream); },
                       [&](typename net::readable e) { read(e.stream); }, [&](typename net::datagram e) { hear(e.socket); },
                       [&](typename net::closed e) {
                         is_over_ = true;
                         if (e.why != close_reason::orderly) r_->failure = std::string("closed: ") + std::to_string(static_cast<int>(e.why));
                       },
                       ignore_rest{}});
  }
  [[nodiscard]] bool is_over() const { return is_over_; }
  static constexpr bool has_raws = requires(net n) { n.open_raw({.protocol = 1}); };
  void shut_down() {
    net_.shut_down();
    r_->chunks_left += net_.chunks_in_use();
  }

 private:
  static constexpr ipv4_address group = "239.1.2.3"_ip;
  static std::byte octet(u32 side, std::size_t i) { return static_cast<std::byte>(i * 31 + i / 251 + side * 97); }
  static typename net::time_point at(u64 us) { return {static_cast<typename C::tick::rep>(us * C::tick::per_second / 1'000'000)}; }
  static typename C::entropy entropy(u32 side) {
    if constexpr (requires(typename C::entropy e) { e.key; }) return {{seed, side + 1}};
    else return {seed + side};
  }

  outcome* r_;
  u32 side_;
  std::vector<std::byte> memory_;
  net net_{};
  std::size_t sent_ = 0;
  bool is_closed_ = false, is_over_ = false;
  typename net::datagram_socket echo_{}, asker_{};
};

template <class C> [[nodiscard]] outcome end_to_end() {
  outcome r;
  cable<typename C::nic> link;
  const auto a = std::make_unique<host<C>>(link, 0, r), b = std::make_unique<host<C>>(link, 1, r);
  if (!r.failure.empty()) return r;
  b->serve();
  a->call();
  constexpr u64 step_us = C::tick::per_second >= 1'000'000 ? 100 : 1000;
  for (u64 us = step_us; us < 120'000'000 && r.failure.empty() && !(a->is_over() && b->is_over() && r.answers == datagrams); us += step_us) {
    if (r.answers < datagrams && us % 20'000 == 0) a->ask();
    link.move_to(us * 1000);
    a->poll(us);
    b->poll(us);
  }
  if (r.failure.empty() && !(a->is_over() && b->is_over())) r.failure = "no end";
  if (r.failure.empty() && host<C>::has_raws && r.overheard < datagrams) r.failure = "overheard: " + std::to_string(r.overheard);
  if (r.failure.empty() && !link.was_as_meant()) r.failure = "the link did not misbehave";
  a->shut_down();
  b->shut_down();
  return r;
}

}  // namespace strata::combinations
