// SPDX-License-Identifier: MIT
// Two stacks with one connection between them, and a log of every event on both sides.
#pragma once
#include <two_stacks.hpp>

#include <string>

namespace strata::test {

enum class seen : u8 { accepted, connected, readable, writable, peer_closed, timer, error, closed, datagram };
struct note {
  seen what{};
  connection_id id{};
  close_reason why = close_reason::none;
};
using notes = std::vector<note>;
inline u32 count(const notes& log, seen what) {
  u32 n = 0;
  for (const note& e : log) n += e.what == what ? 1u : 0u;
  return n;
}
inline u32 count(const notes& log, seen what, connection_id id) {
  u32 n = 0;
  for (const note& e : log) n += e.what == what && e.id == id ? 1u : 0u;
  return n;
}

/// A handler that only writes down what comes.
template <class Net> auto record(notes& log) {
  return on{[&](typename Net::accepted e) { log.push_back({seen::accepted, e.stream.id()}); }, [&](typename Net::connected e) { log.push_back({seen::connected, e.stream.id()}); },
            [&](typename Net::readable e) { log.push_back({seen::readable, e.stream.id()}); }, [&](typename Net::writable e) { log.push_back({seen::writable, e.stream.id()}); },
            [&](typename Net::peer_closed e) { log.push_back({seen::peer_closed, e.stream.id()}); }, [&](typename Net::timer e) { log.push_back({seen::timer, e.stream.id()}); },
            [&](typename Net::error e) { log.push_back({seen::error, e.stream.id()}); }, [&](typename Net::datagram e) { log.push_back({seen::datagram, e.socket.id()}); },
            [&](typename Net::closed e) { log.push_back({seen::closed, e.stream.id(), e.why}); }};
}

template <class C> struct talk : two_stacks<C> {
  using net = stack<C>;
  notes at_a, at_b;
  typename net::listener port{};
  typename net::stream client{}, server{};

  [[nodiscard]] static std::unique_ptr<talk> make() { return std::make_unique<talk>(); }
  void turns(u32 n) { two_stacks<C>::turns(n, record<net>(at_a), record<net>(at_b)); }
  void pass(u32 length, u32 step = 10) { two_stacks<C>::pass(length, record<net>(at_a), record<net>(at_b), step); }
  void poll_a() { (void)this->a.poll(this->now(), budget{64}, record<net>(at_a)); }
  void poll_b() { (void)this->b.poll(this->now(), budget{64}, record<net>(at_b)); }
  void listen() {
    if (auto l = this->b.listen({.port = 7})) port = *l;
  }
  /// A connection from a to b, open on both sides; the log is empty again.
  void open() {
    if (!port.net()) listen();
    if (auto s = this->a.connect({.remote = {"10.0.0.2"_ip, 7}})) client = *s;
    turns(5);
    for (const note& e : at_b)
      if (e.what == seen::accepted) server = {this->b, e.id};
    at_a.clear();
    at_b.clear();
  }
  void clear() { at_a.clear(), at_b.clear(); }
};

/// Everything that is unread, copied and left.
template <class Stream> std::string unread(const Stream& s) {
  std::string text;
  for (const auto part : s.peek()) text += text_of(part);
  return text;
}

}  // namespace strata::test
