// SPDX-License-Identifier: MIT
// ARP (RFC 826) with the life of an entry by RFC 4861 §7.3: what is in use is confirmed by the transports or asked again, and what fails says so.
//
//                 request x3                    30 s            used             5 s            request x3, to the known address
//   none -> incomplete -> reachable ----------------> stale --------> delay ------------> probe -> failed -> none
//               \-> failed     ^------- a reply, or confirm() by a transport -------------/          1 s
//
// Limits: entries per interface, packets per entry (the oldest goes), one request per entry and second (RFC 1122 §2.3.2.1), six of them at most.
// Strangers who ask for our address get entries, but only free or long unused ones. A gratuitous ARP changes what exists and creates nothing.
#pragma once
#include <strata/core/small_table.hpp>
#include <strata/core/limits.hpp>
#include <strata/core/siphash.hpp>
#include <strata/neighbour/cache.hpp>
#include <strata/wire/arp.hpp>

namespace strata::inline STRATA_ABI::neighbour {

/// RFC 4861 §7.3.2, and `failed`, which keeps an address that does not answer from being asked again at once.
enum class state : u8 { none, incomplete, reachable, stale, delay, probe, failed };

struct arp {
  /// Named as `ip -s neighbour` and /proc/net/stat/arp_cache name them, where they do.
  struct counters {
    u32 requests_sent = 0;
    u32 replies_sent = 0;
    u32 requests_received = 0;  ///< for our address
    u32 replies_received = 0;   ///< to us
    u32 malformed = 0;          ///< not Ethernet and IPv4, or too short
    u32 refused = 0;            ///< a sender without a unicast address
    u32 conflicts = 0;          ///< somebody else uses our address
    u32 unres_discards = 0;     ///< packets that fell out of a full queue, or could not leave when it opened
    u32 res_failed = 0;         ///< neighbours that did not answer
    u32 table_fulls = 0;        ///< no entry could be had
    u32 forced_gc_runs = 0;     ///< entries that were recycled
    u32 no_chunk = 0;           ///< messages that were not sent for lack of a chunk
  };

  template <config C> class of;
};

template <config C> class arp::of {
 public:
  using address = typename C::family::address;
  using moment = time_point<typename C::tick>;
  using interval = duration<typename C::tick>;

  // RFC 4861 §10, the constants of hosts and nodes.
  static constexpr u32 multicast_probes = 3;
  static constexpr u32 unicast_probes = 3;
  static constexpr interval retransmit = interval::seconds(1);
  static constexpr interval first_probe = interval::seconds(5);
  static constexpr u32 base_reachable_ms = 30'000;
  /// Not RFC 4861: how long a neighbour that failed is taken for absent. Linux asks again at once.
  static constexpr interval hold_down = interval::seconds(1);
  static constexpr u32 capacity = C::limits.neighbours;
  static constexpr u32 queue_limit = C::limits.neighbour_queue;
  static_assert(capacity > 0 && capacity < 0xffff, "limits::neighbours is 1..65534");

  /// The link address of `hop` if it may be used now; using a stale one starts its confirmation. Else nothing, and a request has been sent unless the
  /// neighbour failed just now.  Linux: ip_neigh_for_gw, neigh_event_send.
  [[nodiscard]] std::optional<resolved_neighbour> resolve(interface_below<address> auto&& below, const address& hop, moment now) {
    entry* e = find_or_ask(below, hop, now);
    if (e == nullptr) return {};
    e->used = ++uses_;
    if (e->now_in == state::stale) {  // RFC 4861 §7.3.3: the first packet sent to a stale neighbour
      e->now_in = state::delay;
      e->probes = 0;
      arm(*e, now + first_probe);
    }
    if (!is_usable(e->now_in)) return {};
    return resolved_neighbour{e->mac, name_of(*e)};
  }

  /// An IP packet waits for `hop`; it leaves as soon as that is known. queued; sent or full if it is known already; unreachable if it failed just now.
  /// When the queue is full its oldest packet is dropped and counted.  Linux: __neigh_event_send.
  [[nodiscard]] sent hold(interface_below<address> auto&& below, const address& hop, packet&& p, moment now) {
    entry* e = find_or_ask(below, hop, now);
    if (e == nullptr) return sent::dropped;
    if (is_usable(e->now_in)) return below.transmit_ip(std::move(p), e->mac);
    if (e->now_in == state::failed) return sent::unreachable;
    if constexpr (queue_limit == 0) {
      ++counters_.unres_discards;
      return sent::dropped;
    } else {
      if (e->waiting.size() >= queue_limit) {
        (void)e->waiting.pop(*p->home);
        ++counters_.unres_discards;
      }
      chunks_ = p->home;
      e->waiting.push(std::move(p));
      return sent::queued;
    }
  }

  /// An ARP message, its link header taken off. RFC 826, "Packet Reception".  Linux: arp_process.
  [[gnu::noinline]] void on_arp(interface_below<address> auto&& below, packet& p, moment now) {
    const auto m = wire::arp::parse(p.bytes());
    if (!m) {
      ++counters_.malformed;
      return;
    }
    if (m->sender_mac.is_group() || m->sender_mac.is_zero()) {
      ++counters_.refused;
      return;
    }
    const address ours = below.address();
    const bool for_us = ours.is_v4() && !ours.is_unspecified() && m->target == ours.v4();
    const bool is_request = m->operation == wire::arp::request;
    if (m->is_probe()) {  // RFC 5227 §1.1: its sender has no address yet
      if (for_us && is_request) reply(below, m->sender_mac, m->sender);
      return;
    }
    if (ours.is_v4() && m->sender == ours.v4()) {
      if (m->sender_mac != below.mac()) ++counters_.conflicts;
      return;
    }
    if (!m->sender.is_unicast() || m->sender.is_loopback()) {
      ++counters_.refused;
      return;
    }
    const address sender = as_address(m->sender);
    entry* e = find(sender);
    if (for_us) ++(is_request ? counters_.requests_received : counters_.replies_received);
    if (e != nullptr) {
      learn(below, *e, m->sender_mac, for_us && !is_request, now);
    } else if (for_us && is_request) {
      e = create(below, sender, false);
      if (e != nullptr) e->mac = m->sender_mac, e->now_in = state::stale;  // RFC 4861 §7.2.3
    }
    if (for_us && is_request) reply(below, m->sender_mac, m->sender);
  }

  /// Forward progress seen by a transport: what was sent arrives. RFC 4861 §7.3.1. `name` is resolved_neighbour's and belongs to the generation that it
  /// came with: callers compare that first.  Linux: dst_confirm_neigh.
  void confirm(u16 name, moment now) {
    if (name == 0 || name > capacity) return;
    entry& e = anchored(table_[name - 1]);
    if (!is_usable(e.now_in)) return;
    e.now_in = state::reachable;
    arm(e, now + reachable_);
  }

  [[nodiscard]] bool is_due(moment now) const { return armed_ && now.reached(next_); }  ///< whether advance(now) has something to do
  /// Does what is due; cheap when nothing is.  Linux: neigh_timer_handler.
  void advance(interface_below<address> auto&& below, moment now) {
    if (!is_due(now)) return;
    armed_ = false;
    for (u32 i = 0; i < fresh_; ++i) {
      entry& e = anchored(table_[i]);
      if (!has_timer(e.now_in)) continue;
      if (now.reached(e.deadline)) expire(below, e, now);
      if (has_timer(e.now_in)) note(e.deadline);
    }
  }
  /// When advance() has something to do; it may be early, since confirm() puts deadlines off.
  [[nodiscard]] std::optional<moment> next_deadline() const {
    if (!armed_) return {};
    return next_;
  }

  /// Forgets everybody and drops what waits.
  void clear(buffer::pool& chunks) {
    for (u32 i = 0; i < fresh_; ++i) {
      table_[i].waiting.clear(chunks);
      (void)index_.erase(hash(table_[i].ip), i);
      table_[i].now_in = state::none;
    }
    fresh_ = 0;
    free_ = 0;
    armed_ = false;
  }

  /// For reports and tests: where an entry is in its life; none if there is no entry.
  [[nodiscard]] state state_of(const address& a) const {
    const entry* e = find(a);
    return e == nullptr ? state::none : e->now_in;
  }
  [[nodiscard]] constexpr const counters& counted() const { return counters_; }

 private:
  struct entry {
    address ip{};
    mac_address mac{};
    state now_in = state::none;
    u8 probes = 0;       // requests sent in this state
    u16 next = 0;        // in the list of free entries: 1 + index
    u32 used = 0;        // value of uses_ when it was last resolved
    moment deadline{};
    buffer::list<&buffer::descriptor::below, buffer::owner::qdisc> waiting{};
  };

  [[nodiscard]] static constexpr bool is_usable(state s) { return s >= state::reachable && s <= state::probe; }
  [[nodiscard]] static constexpr bool has_timer(state s) { return s != state::none && s != state::stale; }
  [[nodiscard]] u16 name_of(const entry& e) const { return static_cast<u16>(&e - table_ + 1); }
  [[nodiscard]] static constexpr address as_address(ipv4_address a) {
    if constexpr (address::bits == 32) return a;
    else return a.v6();
  }
  [[nodiscard]] u32 hash(const address& a) const {
    if constexpr (table_for<capacity>::wants_a_secret) return static_cast<u32>(table_hash(key_, a.v4().value, 0));
    else return a.v4().value;
  }

  [[nodiscard]] const entry* find(const address& a) const {
    const auto i = index_.find(hash(a), [&](u32 n) { return table_[n].ip == a; });
    return i ? &table_[*i] : nullptr;
  }
  [[nodiscard]] entry* find(const address& a) { return const_cast<entry*>(std::as_const(*this).find(a)); }

  /// The entry of `hop`, made and asked for if there was none; null if there cannot be one.
  [[nodiscard]] entry* find_or_ask(interface_below<address> auto&& below, const address& hop, moment now) {
    if (!hop.is_v4()) return nullptr;
    if (entry* e = find(hop)) return e;
    entry* e = create(below, hop, true);
    if (e == nullptr) return nullptr;
    e->now_in = state::incomplete;
    e->probes = 0;
    ask(below, *e, now);
    return e;
  }

  [[nodiscard]] entry* create(interface_below<address> auto&& below, const address& a, bool for_ourselves) {
    if (!is_keyed_) {
      if constexpr (table_for<capacity>::wants_a_secret) key_ = {below.random(), below.random()};
      reachable_ = draw_reachable(below.random());
      is_keyed_ = true;
    }
    entry* e = free_ != 0 ? &table_[free_ - 1] : nullptr;
    if (e != nullptr) {
      free_ = e->next;
    } else if (fresh_ < capacity) {
      e = &table_[fresh_++];
    } else if ((e = least_worth(for_ourselves)) != nullptr) {
      ++counters_.forced_gc_runs;
      // No image holds a stale neighbour: changed() was called when it became one, and resolve() would have moved it on.
      if (is_usable(e->now_in) && e->now_in != state::stale) below.changed();
      give_up(below, *e);
      unlink(*e);
    } else {
      ++counters_.table_fulls;
      return nullptr;
    }
    e->ip = a;
    e->mac = {};
    e->used = ++uses_;
    if (index_.insert(hash(a), static_cast<u32>(e - table_))) return e;
    e->next = std::exchange(free_, name_of(*e));
    ++counters_.table_fulls;
    return nullptr;
  }

  /// The entry to recycle: a stale one before any other, the longest unused first; one that holds packets only if all do. Strangers get no better than a stale
  /// or failed one. A walk over the table, once per new entry when it is full.
  [[nodiscard]] entry* least_worth(bool for_ourselves) {
    const auto rank = [](const entry& e) -> u32 {
      return e.now_in == state::stale ? 3 : e.now_in == state::failed ? 2 : e.waiting.empty() ? 1 : 0;
    };
    entry* worst = &table_[0];
    for (u32 i = 1; i < capacity; ++i) {
      entry& e = anchored(table_[i]);
      if (rank(e) > rank(*worst) || (rank(e) == rank(*worst) && static_cast<i32>(e.used - worst->used) < 0)) worst = &e;
    }
    return for_ourselves || rank(*worst) >= 2 ? worst : nullptr;
  }

  void unlink(entry& e) {
    (void)index_.erase(hash(e.ip), static_cast<u32>(&e - table_));
    e.now_in = state::none;
  }

  /// Somebody said where `e` is. `solicited`: it answers a request of ours (RFC 4861 §7.2.5), else the news is only taken over (§7.2.3).
  void learn(interface_below<address> auto&& below, entry& e, const mac_address& mac, bool is_reply_to_us, moment now) {
    const bool was_usable = is_usable(e.now_in);
    const bool is_other = e.mac != mac;
    const bool solicited = is_reply_to_us && (e.now_in == state::incomplete || e.now_in == state::probe);
    e.mac = mac;
    if (solicited) {
      reachable_ = draw_reachable(below.random());  // RFC 4861 §6.3.4 wants a new one every few hours; this is oftener
      e.now_in = state::reachable;
      arm(e, now + reachable_);
    } else if (!was_usable || is_other) {
      e.now_in = state::stale;
    }
    if (was_usable && is_other) below.changed();
    if (!e.waiting.empty()) {
      if (e.now_in == state::stale) {
        e.now_in = state::delay;
        e.probes = 0;
        arm(e, now + first_probe);
      }
      send_waiting(below, e);
    }
  }

  void send_waiting(interface_below<address> auto&& below, entry& e) {
    const mac_address mac = e.mac;
    while (packet p = next_waiting(e)) {
      const sent r = below.transmit_ip(std::move(p), mac);
      if (r == sent::full || r == sent::dropped) ++counters_.unres_discards;
    }
  }
  /// RFC 4861 §7.2.2: nobody answered, so who waits is told.
  void give_up(interface_below<address> auto&& below, entry& e) {
    while (packet p = next_waiting(e)) below.failed(std::move(p));
  }
  [[nodiscard]] packet next_waiting(entry& e) {
    if (e.waiting.empty()) return {};
    packet p = e.waiting.pop(*chunks_);
    p.become(buffer::owner::application);
    return p;
  }

  void expire(interface_below<address> auto&& below, entry& e, moment now) {
    switch (e.now_in) {
      case state::reachable:  // images are built again through resolve(), which starts the confirmation
        e.now_in = state::stale;
        below.changed();
        break;
      case state::delay:
        e.now_in = state::probe;
        e.probes = 0;
        ask(below, e, now);
        break;
      case state::incomplete:
      case state::probe:
        if (e.probes < (e.now_in == state::probe ? unicast_probes : multicast_probes)) {
          ask(below, e, now);
          break;
        }
        ++counters_.res_failed;
        if (e.now_in == state::probe) below.changed();
        e.now_in = state::failed;
        arm(e, now + hold_down);
        give_up(below, e);
        break;
      case state::failed:
        unlink(e);
        e.next = std::exchange(free_, name_of(e));
        break;
      case state::stale:
      case state::none: break;
    }
  }

  void ask(interface_below<address> auto&& below, entry& e, moment now) {
    ++e.probes;
    arm(e, now + retransmit);
    const bool knows = e.now_in == state::probe;
    if (say(below, wire::arp::request, knows ? e.mac : mac_address::broadcast(), mac_address{}, e.ip.v4())) ++counters_.requests_sent;
  }
  void reply(interface_below<address> auto&& below, const mac_address& to, ipv4_address target) {
    if (say(below, wire::arp::reply, to, to, target)) ++counters_.replies_sent;
  }
  bool say(interface_below<address> auto&& below, u16 operation, const mac_address& to, const mac_address& target_mac, ipv4_address target) {
    packet p = below.take();
    if (!p) {
      ++counters_.no_chunk;
      return false;
    }
    const address ours = below.address();
    const wire::arp message{operation, below.mac(), ours.is_v4() ? ours.v4() : ipv4_address{}, target_mac, target};
    message.emit(p.room().data());
    p.extend(wire::arp::header_size);
    return below.transmit_arp(std::move(p), to) == sent::sent;
  }

  [[nodiscard]] static constexpr interval draw_reachable(u64 random) {  // RFC 4861 §6.3.2: uniform between half and one and a half
    return interval::from_ms(base_reachable_ms / 2 + (static_cast<u32>(random & 0xffff) * (base_reachable_ms + 1) >> 16));
  }
  void arm(entry& e, moment when) {
    e.deadline = when;
    note(when);
  }
  void note(moment when) {
    next_ = armed_ ? earlier_of(next_, when) : when;
    armed_ = true;
  }

  entry table_[capacity]{};
  table_for<capacity> index_{};
  siphash_key key_{};           // zero until the first entry: then drawn
  buffer::pool* chunks_ = nullptr;  // of the packets that wait
  interval reachable_{};
  moment next_{};
  u32 uses_ = 0;
  u32 fresh_ = 0;
  u16 free_ = 0;
  bool armed_ = false;
  bool is_keyed_ = false;
  counters counters_{};
};

}  // namespace strata::inline STRATA_ABI::neighbour
