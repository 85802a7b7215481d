// SPDX-License-Identifier: MIT
// One stack as a sim::host. Instantiated once for each Config, in a file of its own.
#pragma once
#include "host.hpp"

#include <strata/strata.hpp>

#include <vector>

namespace strata::sim {

template <class C> class host_of final : public host {
  using net = strata::stack<C>;
  using tick = typename C::tick;
  using time_point = typename net::time_point;
  using rep = typename tick::rep;
  static constexpr u64 ns_per_tick = 1'000'000'000 / tick::per_second;
  static constexpr strata::limits limits_ = C::limits;

 public:
  explicit host_of(const beginning& b)
      : offset_(b.clock_ms * (tick::per_second / 1000)), memory_(std::size_t{b.chunks != 0 ? b.chunks : limits_.chunks} * limits_.chunk_size + 64) {
    std::byte* const first = memory_.data() + (64 - reinterpret_cast<std::uintptr_t>(memory_.data()) % 64) % 64;
    strata::subnet<typename C::family::address> ours{{ip(b.side)}, 24};
    started_ = net_.start({.nic = {*b.link, b.side, b.eyes}, .memory = region(std::span(first, memory_.size() - 64)), .entropy = {b.seed}, .address = ours, .now = at(0)});
    net_.advance(at(0));
  }

  bool poll(u64 now, u32 frames, application& to) override {
    now_ = now > now_ ? now : now_;
    const auto tell = [&](what w, connection_id id, close_reason why = close_reason::none) { to.on(*this, {w, id, why}); };
    return net_.poll(at(now_), budget{frames},
                     on{[&](typename net::accepted e) { tell(what::accepted, e.stream.id()); }, [&](typename net::connected e) { tell(what::connected, e.stream.id()); },
                        [&](typename net::readable e) { tell(what::readable, e.stream.id()); }, [&](typename net::writable e) { tell(what::writable, e.stream.id()); },
                        [&](typename net::peer_closed e) { tell(what::peer_closed, e.stream.id()); }, [&](typename net::timer e) { tell(what::timer, e.stream.id()); },
                        [&](typename net::closed e) { tell(what::closed, e.stream.id(), e.why); }, [&](typename net::datagram e) { tell(what::datagram, e.socket.id()); },
                        [&](typename net::error e) {
                          if (e.kind == strata::event::error_kind::link_down) tell(what::link_down, nobody);
                          else if (e.socket.net() != nullptr) tell(what::datagram_error, e.socket.id());
                          else tell(what::error, e.stream.id());
                        }});
  }
  void advance(u64 now) override {
    now_ = now > now_ ? now : now_;
    net_.advance(at(now_));
  }
  std::optional<u64> next_deadline() const override {
    const auto t = net_.next_deadline();
    if (!t) return {};
    const u64 ahead = t->since(at(now_)).count;
    return ahead == 0 ? now_ : (now_ / ns_per_tick + ahead) * ns_per_tick;
  }
  bool idle() const override { return net_.idle(); }
  void shut_down() override { net_.shut_down(); }
  buffer::pool& chunks() override { return net_.chunks(); }
  u32 chunks_in_use() const override { return net_.chunks_in_use(); }
  const strata::limits& limits() const override { return limits_; }
  tcp::counters tcp_counters() const override { return net_.transport().counters(); }
  u32 queued_below() const override {
    if constexpr (requires { net_.at_interface().qdisc.size(); }) return net_.at_interface().qdisc.size();
    else return 0;
  }
  u32 lost_below() const override {
    if constexpr (requires { net_.at_interface().neighbour.counted().unres_discards; }) {
      const auto& c = net_.at_interface().neighbour.counted();
      return c.unres_discards + c.res_failed + c.table_fulls;
    } else {
      return 0;
    }
  }
  u32 time_waits() const override { return net_.transport().time_waits(); }
  u32 half_open() const override { return net_.transport().half_open(); }
  u32 connections() const override { return net_.transport().connections(); }

  expected<connection_id, tcp::listen_error> listen(u16 port, u32 backlog) override {
    const auto l = net_.listen({.port = port, .backlog = backlog});
    if (!l) return l.error();
    return l->id();
  }
  expected<void, tcp::call_error> close_listener(connection_id id) override { return listener(id).close(); }
  expected<connection_id, tcp::connect_error> connect(u32 address, u16 port, u16 local_port) override {
    const auto s = net_.connect({.remote = {{address}, port}, .local = {{}, local_port}});
    if (!s) return s.error();
    return s->id();
  }
  expected<std::size_t, tcp::send_error> send(connection_id id, std::span<const std::byte> bytes, tcp::send_flags f) override { return stream(id).send(bytes, f); }
  expected<std::size_t, tcp::send_error> send_unread(connection_id id, const tcp::unread_view& v, tcp::send_flags f) override { return stream(id).send(v, f); }
  expected<tcp::reservation, tcp::send_error> reserve(connection_id id, u32 n) override { return stream(id).reserve(n); }
  expected<std::size_t, tcp::send_error> commit(connection_id id, tcp::reservation&& r, u32 n, tcp::send_flags f) override { return stream(id).commit(std::move(r), n, f); }
  tcp::unread_view peek(connection_id id) override { return stream(id).peek(); }
  expected<std::size_t, tcp::receive_error> consume(connection_id id, std::size_t n) override { return stream(id).consume(n); }
  expected<std::size_t, tcp::receive_error> receive(connection_id id, std::span<std::byte> to) override { return stream(id).receive(to); }
  expected<tcp::owned_view, tcp::receive_error> take(connection_id id) override { return stream(id).take(); }
  expected<void, tcp::call_error> close(connection_id id) override { return stream(id).close(); }
  expected<void, tcp::call_error> shutdown_send(connection_id id) override { return stream(id).shutdown_send(); }
  expected<void, tcp::call_error> abort(connection_id id) override { return stream(id).abort(); }
  expected<void, tcp::call_error> set_no_delay(connection_id id, bool is_on) override {
    if constexpr (C::coalescing::has_no_delay) return stream(id).set(tcp::option::no_delay{is_on});
    else return (void)is_on, (void)id, expected<void, tcp::call_error>{};
  }
  expected<void, tcp::call_error> set_user_timeout(connection_id id, u32 ms) override { return stream(id).set(tcp::option::user_timeout{ms}); }
  expected<void, tcp::call_error> set_timer(connection_id id, u64 after) override {
    return stream(id).set_timer(typename net::duration{static_cast<rep>((after + ns_per_tick - 1) / ns_per_tick)});
  }
  expected<void, tcp::call_error> cancel_timer(connection_id id) override { return stream(id).cancel_timer(); }
  std::optional<tcp::connection_info> info(connection_id id) const override { return const_cast<host_of*>(this)->stream(id).info(); }
  u16 local_port(connection_id id) const override { return const_cast<host_of*>(this)->stream(id).local().port; }
  bool is_live(connection_id id) const override { return const_cast<host_of*>(this)->stream(id).is_live(); }

  expected<connection_id, udp::bind_error> bind(u16 port) override {
    const auto s = net_.bind({.port = port});
    if (!s) return s.error();
    if constexpr (joins_datagrams<typename net::datagram_socket>) {
      (void)s->set(udp::option::gro{true});
      read_[s->id().index] = 0;
    }
    return s->id();
  }
  expected<void, udp::connect_error> connect_socket(connection_id id, u32 address, u16 port) override { return socket(id).connect(typename net::endpoint{{address}, port}); }
  expected<std::size_t, udp::send_error> send_to(connection_id id, std::span<const std::byte> bytes, u32 address, u16 port) override {
    return socket(id).send_to(bytes, typename net::endpoint{{address}, port});
  }
  std::size_t send_run(connection_id id, std::span<const std::byte> bytes, std::size_t size, u32 address, u16 port) override {
    if constexpr (C::gso_max_size != 0) {
      return socket(id).send_to(bytes, typename net::endpoint{{address}, port}, udp::segment_size{static_cast<u16>(size)}).value_or(0) / size;
    } else {
      std::size_t n = 0;
      while (n < bytes.size() / size && send_to(id, bytes.subspan(n * size, size), address, port)) ++n;
      return n;
    }
  }
  expected<std::size_t, udp::send_error> send_datagram(connection_id id, std::span<const std::byte> bytes) override { return socket(id).send(bytes); }
  expected<udp::reservation, udp::send_error> reserve_datagram(connection_id id, std::size_t n) override { return socket(id).reserve(n); }
  expected<std::size_t, udp::send_error> commit_to(connection_id id, udp::reservation&& r, std::size_t n, u32 address, u16 port) override {
    return socket(id).commit_to(std::move(r), n, typename net::endpoint{{address}, port});
  }
  expected<std::size_t, udp::receive_error> receive_datagram(connection_id id, std::span<std::byte> to) override {
    if constexpr (joins_datagrams<typename net::datagram_socket>) {
      if (const auto r = socket(id).peek(); r && r->segment_size != 0) {  // one of several
        const auto one = peek_datagram(id);
        const std::size_t n = one.size() < to.size() ? one.size() : to.size();
        copy_bytes(to.data(), one.data(), n);
        (void)consume_datagram(id);
        return n;
      }
    }
    const auto r = socket(id).receive(to);
    if (!r) return r.error();
    return r->bytes;
  }
  std::span<const std::byte> peek_datagram(connection_id id) override {
    const auto r = socket(id).peek();
    if constexpr (joins_datagrams<typename net::datagram_socket>) {
      if (r && r->segment_size != 0) return one_of(*r, read_[id.index]);
    }
    return r ? r->bytes : std::span<const std::byte>{};
  }
  expected<void, udp::receive_error> consume_datagram(connection_id id) override {
    if constexpr (joins_datagrams<typename net::datagram_socket>) {
      if (const auto r = socket(id).peek(); r && r->segment_size != 0) {
        std::size_t& at = read_[id.index];
        at += r->segment_size;
        if (at < r->spans.size()) return {};
        at = 0;
      }
    }
    return socket(id).consume();
  }
  expected<void, udp::call_error> close_socket(connection_id id) override { return socket(id).close(); }

 private:
  template <class Socket> static constexpr bool joins_datagrams = requires(Socket s) { s.set(udp::option::gro{true}); };
  /// The datagram at `from` in a view of several, copied together.
  std::span<const std::byte> one_of(const auto& view, std::size_t from) {
    std::size_t at = 0, n = 0;
    for (const auto part : view.spans)
      for (const std::byte b : part)
        if (at++ >= from && n < view.segment_size) one_[n++] = b;
    return {one_, n};
  }
  [[nodiscard]] time_point at(u64 ns) const { return {static_cast<rep>(offset_ + ns / ns_per_tick)}; }
  typename net::stream stream(connection_id id) { return id == nobody ? typename net::stream{} : typename net::stream{net_, id}; }
  typename net::listener listener(connection_id id) { return id == nobody ? typename net::listener{} : typename net::listener{net_, id}; }
  typename net::datagram_socket socket(connection_id id) { return id == nobody ? typename net::datagram_socket{} : typename net::datagram_socket{net_, id}; }

  std::byte one_[2048];
  std::size_t read_[limits_.datagram_sockets] = {};  // of a view of several datagrams, bytes
  u64 offset_;
  u64 now_ = 0;
  std::vector<std::byte> memory_;
  bad_option started_ = bad_option::none;
  net net_{};
};

template <class C> std::unique_ptr<host> make(const beginning& b) { return std::make_unique<host_of<C>>(b); }

}  // namespace strata::sim
