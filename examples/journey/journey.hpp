// SPDX-License-Identifier: MIT
// A text goes from one stack to another over a cable in memory, and every step is written down. Time is virtual and randomness has a seed, so that a
// journey can be repeated. Each Config that a journey may have is one unit beside this file: what a Config lacks is not passed.
#pragma once
#include <strata/nic/pcap.hpp>
#include <strata/posix.hpp>
#include <strata/strata.hpp>

#include <memory>
#include <string>
#include <vector>

namespace example::journey {

/// One step of one of the two stacks.
struct row {
  strata::u64 ns = 0;      ///< of the real clock
  char stack = 'a';        ///< a writes, b reads
  strata::trace::record step{};
};
struct log {
  std::vector<row> rows{};
  bool is_open = false;
};
struct result {
  bool is_ok = false;
  std::size_t delivered = 0;
  bool is_equal = false;
  bool is_recorded = true;  ///< every frame is in the capture, if there is to be one
  strata::u32 leaked = 0;   ///< chunks
  std::vector<row> rows{};
};

/// What the observer policy of both stacks is: it adds to a log.
struct recorder {
  static constexpr bool is_active = true;
  log* to = nullptr;
  char stack = 'a';
  void on(const strata::trace::record& r) {
    if (to != nullptr && to->is_open) to->rows.push_back({strata::posix::monotonic_ns(), stack, r});
  }
};
/// Asks, and lets everybody pass: so that there is something to see.
struct doorman {
  static constexpr bool is_open = false;
  template <class Address> [[nodiscard]] constexpr bool allows(const strata::permission::request<Address>&) const { return true; }
};

/// Every step that there is.
struct everything : strata::presets::testing {
  using observer = recorder;
  using permission = doorman;
  using nic = strata::nic::pcap<strata::nic::wire_pair, strata::posix::pcap_file>;
  using qdisc = strata::qdisc::fifo;
  static constexpr strata::u32 gso_max_size = 65000;
};
struct no_permission : everything { using permission = strata::permission::anyone; };
struct no_queue : everything { using qdisc = strata::qdisc::direct; };
struct no_neighbour : everything {
  using nic = strata::nic::pcap<strata::nic::wire_pair, strata::posix::pcap_file, strata::nic::pcap_link::raw_ip>;
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
};

template <class C> [[nodiscard]] result travel(const std::string& text, strata::u64 seed, strata::posix::pcap_file capture) {
  using namespace strata::literals;
  using net = strata::stack<C>;
  using driver = typename C::nic;
  constexpr std::size_t bytes = std::size_t{C::limits.chunks} * C::limits.chunk_size;
  strata::nic::wire cable;
  const strata::posix::mapping memory[2] = {strata::posix::mapping::of(bytes), strata::posix::mapping::of(bytes)};
  const auto a = std::make_unique<net>(), b = std::make_unique<net>();
  (void)a->start({.nic = driver({cable, 0}, std::move(capture)), .memory = memory[0], .entropy = {seed}, .address = "10.0.0.1/24"_net});
  (void)b->start({.nic = driver({cable, 1}, {}), .memory = memory[1], .entropy = {~seed}, .address = "10.0.0.2/24"_net});
  result r;
  log steps;
  a->observer() = {&steps, 'a'};
  b->observer() = {&steps, 'b'};

  const auto all = std::as_bytes(std::span(text));
  std::size_t sent = 0;
  bool is_equal = true;
  strata::u32 ended = 0;
  const auto write = [&](const typename net::stream& s) {
    if (sent < all.size()) sent += s.send(all.subspan(sent)).value_or(0);
  };
  const auto read = [&](const typename net::stream& s) {
    for (const auto part : s.peek()) {
      is_equal = is_equal && r.delivered + part.size() <= all.size() && __builtin_memcmp(part.data(), all.data() + r.delivered, part.size()) == 0;
      r.delivered += part.size();
    }
    (void)s.consume(s.peek().size());
  };
  if (!b->listen({.port = 7})) return r;
  steps.is_open = true;
  const auto writer = a->connect({.remote = {"10.0.0.2"_ip, 7}});
  if (!writer) return r;
  // The text is written when both sides know each other: it does not ride on the handshake.
  const strata::on handler{[&](typename net::accepted) { write(*writer); }, [&](typename net::writable e) { write(e.stream); }, [&](typename net::readable e) { read(e.stream); },
                           [](typename net::peer_closed e) { (void)e.stream.close(); }, [&](typename net::closed) { ++ended; }, strata::ignore_rest{}};
  for (strata::u64 us = 1; ended < 2 && us < 120'000'000; us += 100) {
    (void)a->poll({us * 1000}, {}, handler);
    (void)b->poll({us * 1000}, {}, handler);
    const auto info = writer->info();
    if (steps.is_open && r.delivered >= all.size() && info && info->unacked == 0) {  // the way down, the way up, and the acknowledgment's way back: the journey is over
      steps.is_open = false;
      (void)writer->close();
    }
  }
  r.is_equal = is_equal && r.delivered == all.size();
  r.is_ok = ended == 2;
  auto& sink = a->template at_interface<0>().nic->sink();
  sink.flush();
  r.is_recorded = !sink.has_failed();
  a->shut_down();
  b->shut_down();
  r.leaked = a->chunks_in_use() + b->chunks_in_use();
  r.rows = std::move(steps.rows);
  return r;
}

extern template result travel<everything>(const std::string&, strata::u64, strata::posix::pcap_file);
extern template result travel<no_permission>(const std::string&, strata::u64, strata::posix::pcap_file);
extern template result travel<no_queue>(const std::string&, strata::u64, strata::posix::pcap_file);
extern template result travel<no_neighbour>(const std::string&, strata::u64, strata::posix::pcap_file);

}  // namespace example::journey
