// SPDX-License-Identifier: MIT
// ARP (RFC 826) with the life of an entry by RFC 4861 §7.3: what is in use is confirmed by the transports or asked again, and what fails says so.
//
//                 request x3                    30 s            used             5 s            request x3, to the known address
//   none -> incomplete -> reachable ----------------> stale --------> delay ------------> probe -> failed -> none
//               \-> failed     ^------- a reply, or confirm() by a transport -------------/          1 s
//
// Limits: entries per interface, packets per entry (the oldest goes), one request per entry and second (RFC 1122 §2.3.2.1), six of them at most.
// Strangers who ask for our address get entries, but only free or long unused ones. A gratuitous ARP changes what exists and creates nothing.
//
//   arp.hpp     the table, and what the way down asks     arp_input.hpp  messages, and what is learned of them
//   arp_life.hpp  questions, probes, the end              arp_static.hpp entries that the application sets
//   arp_claims.hpp what is said of our own addresses: announced, probed, defended (claims.hpp)
#pragma once
#include <strata/core/small_table.hpp>
#include <strata/core/limits.hpp>
#include <strata/core/siphash.hpp>
#include <strata/neighbour/arp_options.hpp>
#include <strata/neighbour/cache.hpp>
#include <strata/neighbour/claims.hpp>
#include <strata/wire/arp.hpp>

namespace strata::inline STRATA_ABI::neighbour {

template <config C, arp_options O> class arp_cache {
 public:
  using address = typename C::family::address;
  using moment = time_point<typename C::tick>;
  using interval = duration<typename C::tick>;
  using counters = arp_counters;
  static constexpr arp_options options = O;

  // RFC 4861 §10, the constants of hosts and nodes.
  static constexpr u32 multicast_probes = 3;
  static constexpr u32 unicast_probes = 3;
  static constexpr u32 most_probes = unicast_probes + O.broadcast_probes;
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
  [[gnu::noinline]] void on_arp(interface_below<address> auto&& below, packet& p, moment now);

  /// Forward progress seen by a transport: what was sent arrives. RFC 4861 §7.3.1. `name` is resolved_neighbour's and belongs to the generation that it
  /// came with: callers compare that first.  Linux: dst_confirm_neigh.
  void confirm(u16 name, moment now) {
    if (name == 0 || name > capacity) return;
    entry& e = anchored(table_[name - 1]);
    if (!is_usable(e.now_in)) return;
    if constexpr (O.static_entries) {
      if (e.now_in == state::permanent) return;
    }
    e.now_in = state::reachable;
    arm(e, now + reachable_);
  }

  [[nodiscard]] bool is_due(moment now) const { return armed_ && now.reached(next_); }  ///< whether advance(now) has something to do
  /// Does what is due; cheap when nothing is.  Linux: neigh_timer_handler.
  void advance(interface_below<address> auto&& below, moment now) {
    if (!is_due(now)) return;
    armed_ = false;
    if constexpr (O.conflict_detection != 0) advance_claims(below, now);
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

  /// An entry that the application sets: neither messages nor time change it, and a full table does not take it for somebody else. What waits leaves. An entry
  /// that there is becomes one.  Linux: ip neighbour replace ... nud permanent.
  [[nodiscard]] neighbour_error add(interface_below<address> auto&& below, const address& a, const mac_address& mac) requires(O.static_entries);
  /// Forgets an entry, static or not, and drops what waits. False: there is none.  Linux: ip neighbour delete.
  bool remove(interface_below<address> auto&& below, const address& a) requires(O.static_entries);
  /// Begins to find out whether an address is free (RFC 5227 §2.1); some seconds later below.adopt() or below.conflict() is called. False: no place is free.
  [[nodiscard]] bool claim_address(interface_below<address> auto&& below, const subnet<address>& ours, const address& gateway, moment now) requires(O.conflict_detection != 0);
  void announce(interface_below<address> auto&& below, const address& a) requires(O.speaks_of_us());
  /// An address that is no longer wanted.
  bool forget_claim(const address& a) requires(O.conflict_detection != 0) { return claims_.forget(a); }
  [[nodiscard]] claim claim_of(const address& a) const requires(O.conflict_detection != 0) { return claims_.state_of(a); }
  void begin_time(moment now) requires(O.conflict_detection != 0) {
    claims_.begin_time(now);
    if (const auto next = claims_.next_deadline()) next_ = *next, armed_ = true;
  }

  /// Whether so many packets, the fragments of one datagram, may all wait for `a` and none goes for them; if not, that is counted. For one that failed they do
  /// not wait.
  [[nodiscard]] bool may_wait(const address& a, u32 packets) {
    const entry* e = find(a);
    if (packets <= queue_limit - (e == nullptr ? 0 : e->waiting.size()) || (e != nullptr && e->now_in == state::failed)) return true;
    ++counters_.unres_refused;
    return false;
  }

  /// Forgets everybody and drops what waits.
  void clear(buffer::pool& chunks) {
    for (u32 i = 0; i < fresh_; ++i) {
      table_[i].waiting.clear(chunks);
      (void)index_.erase(hash(table_[i].ip), i);
    }
    fresh_ = 0;
    free_ = 0;
    armed_ = false;
    if constexpr (O.conflict_detection != 0) claims_.clear();
  }

  /// For reports and tests: where an entry is in its life; none if there is no entry.
  [[nodiscard]] state state_of(const address& a) const {
    const entry* e = find(a);
    return e == nullptr ? state::none : e->now_in;
  }
  [[nodiscard]] constexpr const counters& counted() const { return counters_; }

 private:
  struct nothing {};
  struct entry {
    address ip{};
    mac_address mac{};
    state now_in = state::none;
    u8 probes = 0;       // requests sent in this state
    u16 next = 0;        // in the list of free entries: 1 + index
    u32 used = 0;        // value of uses_ when it was last resolved
    moment deadline{};
    [[no_unique_address]] std::conditional_t<O.locktime_ms != 0, moment, nothing> told{};  // when mac was learned or heard again
    buffer::list<&buffer::descriptor::below, buffer::owner::qdisc> waiting{};
  };

  [[nodiscard]] static constexpr bool is_usable(state s) { return s >= (O.static_entries ? state::permanent : state::reachable) && s <= state::probe; }
  [[nodiscard]] static constexpr bool has_timer(state s) { return s != state::none && s != state::stale && (!O.static_entries || s != state::permanent); }
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
      drop_waiting(*e);
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

  /// The entry to recycle: that with which the least is lost, and among equals the longest unused, or among those who are there the one of whom nobody heard for
  /// longest. Thus no flood of neighbours that do not exist drives out one with whom a transport speaks. Strangers get no better than a stale or failed one. A
  /// walk over the table, once per new entry when it is full.  Linux: neigh_forced_gc.
  [[nodiscard]] entry* least_worth(bool for_ourselves) {
    const auto loss = [](const entry& e) { return 0x1330'4920u >> 4 * static_cast<u32>(e.now_in) & 15; };  // by state
    entry* worst = &table_[0];
    for (u32 i = 1; i < capacity; ++i) {
      entry& e = anchored(table_[i]);
      const u32 more = loss(e) - loss(*worst);
      if (more != 0 ? more > 15 : is_older(e, *worst)) worst = &e;
    }
    return loss(*worst) <= (for_ourselves ? 4 : 1) ? worst : nullptr;
  }
  [[nodiscard]] static bool is_older(const entry& e, const entry& other) {
    if constexpr (O.spares_the_confirmed) {
      if (e.now_in == state::reachable) return e.deadline.is_before(other.deadline);
    }
    return static_cast<i32>(e.used - other.used) < 0;
  }
  /// What waits for an entry that is no more. Its senders are not told: nobody said that the neighbour is not there.
  void drop_waiting(entry& e) {
    while (!e.waiting.empty()) (void)e.waiting.pop(*chunks_), ++counters_.unres_discards;
  }

  void unlink(entry& e) {
    (void)index_.erase(hash(e.ip), static_cast<u32>(&e - table_));
    e.now_in = state::none;
  }

  // ---- arp_input.hpp ----
  void learn(interface_below<address> auto&& below, entry& e, const wire::arp& m, bool is_reply_to_us, moment now);
  [[nodiscard]] bool is_beyond(interface_below<address> auto&& below, const wire::arp& m);
  void send_waiting(interface_below<address> auto&& below, entry& e);
  [[nodiscard]] packet next_waiting(entry& e);
  // ---- arp_claims.hpp ----
  void probe(interface_below<address> auto&& below, const address& a) requires(O.conflict_detection != 0);
  void look_for_conflict(interface_below<address> auto&& below, const wire::arp& m, moment now) requires(O.conflict_detection != 0);
  void advance_claims(interface_below<address> auto&& below, moment now) requires(O.conflict_detection != 0);
  // ---- arp_life.hpp ----
  void give_up(interface_below<address> auto&& below, entry& e);
  void expire(interface_below<address> auto&& below, entry& e, moment now);
  void ask(interface_below<address> auto&& below, entry& e, moment now);
  void reply(interface_below<address> auto&& below, const wire::arp& to);
  bool say(interface_below<address> auto&& below, u16 operation, const mac_address& to, ipv4_address sender, const mac_address& target_mac, ipv4_address target);

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
  using claims_or_none = typename std::conditional_t<O.conflict_detection != 0, std::type_identity<claims<address, typename C::tick, O.conflict_detection, O.keeps_addresses>>,
                                                     std::type_identity<nothing>>::type;
  [[no_unique_address]] claims_or_none claims_{};
  counters counters_{};
};

template <arp_options O> struct arp_of {
  using counters = arp_counters;
  template <config C> using of = arp_cache<C, O>;
};
using arp = arp_of<arp_options{}>;

}  // namespace strata::inline STRATA_ABI::neighbour

#include <strata/neighbour/arp_claims.hpp>
#include <strata/neighbour/arp_input.hpp>
#include <strata/neighbour/arp_life.hpp>
#include <strata/neighbour/arp_static.hpp>
