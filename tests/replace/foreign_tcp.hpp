// SPDX-License-Identifier: MIT
// A whole stream transport in sixty lines, written by somebody who never saw ours: no sequence numbers, no timers, one message on its way up at a time.
// It has the least that strata::demand::stream_transport asks for; every other socket call does not exist on its streams.
#pragma once
#include <strata/strata.hpp>

namespace my {
using namespace strata;

template <class C> class tcp {
 public:
  using address = typename C::family::address;
  using path = ip::path_of<C>;
  using time = time_point<typename C::tick>;
  using event = stream_events;
  static constexpr u8 protocol = 6;
  static constexpr std::size_t header_size = 5;  // kind, source port, destination port

  expected<connection_id, strata::tcp::listen_error> listen(auto&&, const strata::tcp::listen_options<address>& o) { listening_ = o.port; return connection_id{}; }
  expected<connection_id, strata::tcp::connect_error> connect(auto&& below, const strata::tcp::connect_options<address>& o, time) {
    for (u32 i = 0; i < slots; ++i)
      if (!all_[i].is_open) {
        begin(i, o.remote.address, static_cast<u16>(40000 + i), o.remote.port);
        if (below.route(all_[i].way) && post(below, all_[i], 'S', {}) != sent::unreachable) return connection_id{i, all_[i].generation};
        all_[i].is_open = false;
        return strata::tcp::connect_error::no_route;
      }
    return strata::tcp::connect_error::no_slot;
  }
  expected<std::size_t, strata::tcp::send_error> send(auto&& below, connection_id id, std::span<const std::byte> bytes, strata::tcp::send_flags, time) {
    if (!is_live(id)) return strata::tcp::send_error::stale;
    if (post(below, all_[id.index], 'D', bytes) > sent::queued) return strata::tcp::send_error::would_block;
    return bytes.size();
  }
  std::span<const std::byte> peek(auto&&, connection_id id) const { return is_live(id) && all_[id.index].unread ? all_[id.index].unread.bytes() : std::span<const std::byte>{}; }
  expected<std::size_t, strata::tcp::receive_error> consume(auto&&, connection_id id, std::size_t n, time) {
    if (!is_live(id) || !all_[id.index].unread) return strata::tcp::receive_error::stale;
    all_[id.index].unread.pull(n);
    if (all_[id.index].unread.size() == 0) all_[id.index].unread.reset();
    return n;
  }
  expected<void, strata::tcp::call_error> close(auto&& below, connection_id id, time) {
    if (!is_live(id)) return strata::tcp::call_error::stale;
    (void)post(below, all_[id.index], 'F', {});
    closing_ = id.index + 1;
    return {};
  }
  [[nodiscard]] bool is_live(connection_id id) const { return id.index < slots && all_[id.index].is_open && all_[id.index].generation == id.generation; }

  std::optional<event> on_datagram(auto&& below, const datagram_info<address>& info, packet& p, time) {
    if (p.size() < header_size) return {};
    const char kind = static_cast<char>(p.bytes()[0]);
    const u16 from = load_be<u16>(p.bytes().data() + 1), to = load_be<u16>(p.bytes().data() + 3);
    p.pull(header_size);
    u32 i = 0;
    while (i < slots && !(all_[i].is_open && all_[i].way.remote == info.remote && all_[i].theirs == from && all_[i].ours == to)) ++i;
    if (i == slots) {
      if (kind != 'S' || to != listening_) return {};
      for (i = 0; i < slots && all_[i].is_open; ++i) {}
      if (i == slots) return {};
      begin(i, info.remote, to, from);
      (void)post(below, all_[i], 'A', {});
      return tell(i, event::accepted);
    }
    if (kind == 'A') return tell(i, event::connected);
    if (kind == 'F') return tell(i, event::closed);
    all_[i].unread = std::move(p);
    return tell(i, event::readable);
  }
  std::optional<event> on_error(auto&&, const network_error<address>&, time) { return {}; }
  std::optional<event> pending(auto&&, time) {
    if (closing_ == 0) return {};
    return tell(std::exchange(closing_, 0) - 1, event::closed);
  }
  void finish(auto&&, const event& e, time) {
    if ((e.bits & event::closed) == 0) return;
    all_[e.id.index].is_open = false;
    all_[e.id.index].unread.reset();
  }
  void advance(auto&&, time) {}
  [[nodiscard]] std::optional<time> next_deadline() const { return {}; }

 private:
  static constexpr u32 slots = C::limits.connections;
  struct connection {
    path way{};
    u16 ours = 0, theirs = 0;
    u32 generation = 0;
    bool is_open = false;
    packet unread{};
  };
  void begin(u32 i, const address& to, u16 ours, u16 theirs) {
    all_[i].way = path{};
    all_[i].way.remote = to;
    all_[i].ours = ours, all_[i].theirs = theirs;
    all_[i].is_open = true;
    ++all_[i].generation;
  }
  event tell(u32 i, u8 bits) const { return {{i, all_[i].generation}, bits, bits == event::closed ? close_reason::orderly : close_reason::none, 0}; }
  sent post(auto&& below, connection& c, char kind, std::span<const std::byte> bytes) {
    packet p = below.take();
    if (!p) return sent::full;
    p.room()[0] = static_cast<std::byte>(kind);
    store_be<u16>(p.room().data() + 1, c.ours);
    store_be<u16>(p.room().data() + 3, c.theirs);
    copy_bytes(p.room().data() + header_size, bytes.data(), bytes.size());
    p.extend(header_size + bytes.size());
    return below.send(c.way, std::move(p), protocol);
  }

  connection all_[slots]{};
  u16 listening_ = 0;
  u32 closing_ = 0;
};

}  // namespace my
