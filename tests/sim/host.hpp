// SPDX-License-Identifier: MIT
// A stack without its type: what the simulator, the exhaustion and the chaos tests do to one, whatever its Config. Times are nanoseconds of virtual time;
// each host translates them into ticks of its own that begin where the test says, so that clocks wrap in the middle of a run.
#pragma once
#include <strata/buffer/pool.hpp>
#include <strata/core/limits.hpp>
#include <strata/nic/simulated.hpp>
#include <strata/tcp/types.hpp>
#include <strata/udp/types.hpp>

#include <memory>

namespace strata::sim {

enum class what : u8 { accepted, connected, readable, writable, peer_closed, timer, error, closed, datagram, datagram_error, link_down };

struct event {
  sim::what what;
  connection_id id{};
  close_reason why = close_reason::none;
};

class host;
struct application {
  virtual void on(host& where, const event& e) = 0;

 protected:
  ~application() = default;
};

/// Sees every frame that a NIC takes or hands up.
struct watcher {
  virtual void sent(u32 side, std::span<const std::byte> frame) = 0;
  virtual void arrived(u32 side, std::span<const std::byte> frame) = 0;

 protected:
  ~watcher() = default;
};

/// nic::simulated under the eyes of a watcher.
class watched_nic {
 public:
  static constexpr std::size_t ring_bytes = nic::simulated::ring_bytes;
  static constexpr nic::capabilities may{};

  constexpr watched_nic() = default;
  watched_nic(nic::simulated_link& link, u32 side, watcher* eyes) : inner_(link, side), eyes_(eyes), side_(side) {}

  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) {
    const std::size_t n = inner_.receive(chunks, batch);
    if (eyes_ != nullptr)
      for (const packet& p : batch.first(n)) eyes_->arrived(side_, p.bytes());
    return n;
  }
  std::size_t transmit(std::span<packet> batch) {
    std::size_t n = 0;
    for (; n < batch.size(); ++n) {
      const std::span<const std::byte> frame = batch[n].bytes();  // stays while the NIC owns it
      if (inner_.transmit(batch.subspan(n, 1)) == 0) break;
      if (eyes_ != nullptr) eyes_->sent(side_, frame);
    }
    return n;
  }
  std::size_t reclaim(std::span<packet> batch) { return inner_.reclaim(batch); }
  nic::kick flush() { return inner_.flush(); }
  [[nodiscard]] u16 mtu() const { return inner_.mtu(); }
  [[nodiscard]] mac_address address() const { return inner_.address(); }
  [[nodiscard]] nic::capabilities has() const { return {}; }
  void close() { inner_.close(); }

 private:
  nic::simulated inner_{};
  watcher* eyes_ = nullptr;
  u32 side_ = 0;
};

/// Where a host begins.
struct beginning {
  nic::simulated_link* link = nullptr;
  u32 side = 0;
  watcher* eyes = nullptr;
  u64 seed = 0;
  u32 chunks = 0;       ///< zero: the Config's limit
  u64 clock_ms = 1000;  ///< what the stack's clock says at virtual time zero
};

class host {
 public:
  host() = default;
  host(const host&) = delete;
  host& operator=(const host&) = delete;
  virtual ~host() = default;

  [[nodiscard]] static constexpr u32 ip(u32 side) { return 0x0a00'0001 + side * 128; }  ///< in one half each of a /24

  // ---- the loop ----
  virtual bool poll(u64 now, u32 frames, application& to) = 0;
  virtual void advance(u64 now) = 0;
  /// In virtual time; rounded up to where the stack's tick shows it.
  [[nodiscard]] virtual std::optional<u64> next_deadline() const = 0;
  [[nodiscard]] virtual bool idle() const = 0;
  virtual void shut_down() = 0;
  [[nodiscard]] virtual buffer::pool& chunks() = 0;
  [[nodiscard]] virtual u32 chunks_in_use() const = 0;  ///< that hold something
  [[nodiscard]] virtual const strata::limits& limits() const = 0;
  [[nodiscard]] virtual tcp::counters tcp_counters() const = 0;
  [[nodiscard]] virtual u32 queued_below() const = 0;  ///< packets in the qdisc
  [[nodiscard]] virtual u32 lost_below() const = 0;    ///< how often packets were lost because a neighbour's address was not known
  [[nodiscard]] virtual u32 time_waits() const = 0;
  [[nodiscard]] virtual u32 half_open() const = 0;
  [[nodiscard]] virtual u32 connections() const = 0;

  // ---- streams; index ~0 is a default-constructed handle ----
  virtual expected<connection_id, tcp::listen_error> listen(u16 port, u32 backlog) = 0;
  virtual expected<void, tcp::call_error> close_listener(connection_id) = 0;
  virtual expected<connection_id, tcp::connect_error> connect(u32 address, u16 port, u16 local_port) = 0;
  virtual expected<std::size_t, tcp::send_error> send(connection_id, std::span<const std::byte>, tcp::send_flags) = 0;
  virtual expected<std::size_t, tcp::send_error> send_unread(connection_id, const tcp::unread_view&, tcp::send_flags) = 0;
  virtual expected<tcp::reservation, tcp::send_error> reserve(connection_id, u32 n) = 0;
  virtual expected<std::size_t, tcp::send_error> commit(connection_id, tcp::reservation&&, u32 n, tcp::send_flags) = 0;
  virtual tcp::unread_view peek(connection_id) = 0;
  virtual expected<std::size_t, tcp::receive_error> consume(connection_id, std::size_t n) = 0;
  virtual expected<std::size_t, tcp::receive_error> receive(connection_id, std::span<std::byte>) = 0;
  virtual expected<tcp::owned_view, tcp::receive_error> take(connection_id) = 0;
  virtual expected<void, tcp::call_error> close(connection_id) = 0;
  virtual expected<void, tcp::call_error> shutdown_send(connection_id) = 0;
  virtual expected<void, tcp::call_error> abort(connection_id) = 0;
  virtual expected<void, tcp::call_error> set_no_delay(connection_id, bool) = 0;
  virtual expected<void, tcp::call_error> set_user_timeout(connection_id, u32 ms) = 0;
  virtual expected<void, tcp::call_error> set_timer(connection_id, u64 after) = 0;
  virtual expected<void, tcp::call_error> cancel_timer(connection_id) = 0;
  [[nodiscard]] virtual std::optional<tcp::connection_info> info(connection_id) const = 0;
  [[nodiscard]] virtual u16 local_port(connection_id) const = 0;
  [[nodiscard]] virtual bool is_live(connection_id) const = 0;

  // ---- datagrams ----
  virtual expected<connection_id, udp::bind_error> bind(u16 port) = 0;
  virtual expected<void, udp::connect_error> connect_socket(connection_id, u32 address, u16 port) = 0;
  virtual expected<std::size_t, udp::send_error> send_to(connection_id, std::span<const std::byte>, u32 address, u16 port) = 0;
  /// Datagrams of `size` bytes, by one call where the Config has it. How many left.
  virtual std::size_t send_run(connection_id, std::span<const std::byte>, std::size_t size, u32 address, u16 port) = 0;
  virtual expected<std::size_t, udp::send_error> send_datagram(connection_id, std::span<const std::byte>) = 0;
  virtual expected<udp::reservation, udp::send_error> reserve_datagram(connection_id, std::size_t n) = 0;
  virtual expected<std::size_t, udp::send_error> commit_to(connection_id, udp::reservation&&, std::size_t n, u32 address, u16 port) = 0;
  virtual expected<std::size_t, udp::receive_error> receive_datagram(connection_id, std::span<std::byte>) = 0;
  virtual std::span<const std::byte> peek_datagram(connection_id) = 0;
  virtual expected<void, udp::receive_error> consume_datagram(connection_id) = 0;
  virtual expected<void, udp::call_error> close_socket(connection_id) = 0;
};

/// A name that was never given out.
constexpr connection_id nobody{~u32{0}, 0};

using make_host = std::unique_ptr<host> (*)(const beginning&);

}  // namespace strata::sim
