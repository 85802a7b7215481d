// SPDX-License-Identifier: MIT
// Whether an address is ours alone: Address Conflict Detection, RFC 5227.
//
//           up to 1 s         probes, 1 to 2 s apart, then 2 s             announcements, 2 s apart
//   waiting ----------> probing --------------------------------> announcing -----------------------> held <- 10 s - defending
//                          \-> refused: somebody has it                 \- somebody uses it: one announcement -----------^  \-> lost: he goes on
//
// Only addresses that are probed, announced and held stand here; who uses one is told by refused and lost, which stay until the place is needed.
#pragma once
#include <strata/core/address.hpp>
#include <strata/core/time.hpp>
#include <strata/wire/arp.hpp>

namespace strata::inline STRATA_ABI::neighbour {

enum class claim : u8 { none, waiting, probing, announcing, held, defending, refused, lost };
/// Whether one may send from it.
[[nodiscard]] constexpr bool is_ours(claim c) { return c >= claim::announcing && c <= claim::defending; }

/// What claims ask of the interface. adopt() false: the network layer has no room for it.
template <class B, class Address> concept takes_addresses = requires(B below, const subnet<Address>& ours, const Address& a) {
  { below.adopt(ours, a) } -> std::same_as<bool>;  // ours from now on, `a` the gateway that goes with it, or unspecified
  { below.lose(a) } -> std::same_as<void>;         // no longer ours
  { below.conflict() } -> std::same_as<void>;      // told in the next turn
  { below.random() } -> std::same_as<u64>;
};

/// At most N addresses. `Keeps`: one that is ours stays ours, RFC 5227 §2.4 (c); else it is given up at the second conflict within DEFEND_INTERVAL, (b).
template <class Address, class Tick, u32 N, bool Keeps> class claims {
 public:
  using moment = time_point<Tick>;
  using interval = duration<Tick>;
  // RFC 5227 §1.1, in its order.
  static constexpr u32 probe_wait_ms = 1'000, probe_num = 3, probe_min_ms = 1'000, probe_max_ms = 2'000;
  static constexpr interval announce_wait = interval::seconds(2), announce_interval = interval::seconds(2), rate_limit_interval = interval::seconds(60),
                            defend_interval = interval::seconds(10);
  static constexpr u32 announce_num = 2, max_conflicts = 10;

  /// Begins with an address; begins again with one that is known. False: no place is free.
  [[nodiscard]] bool begin(const subnet<Address>& ours, const Address& gateway, moment now) {
    one* c = find(ours.address);
    for (one& free : list_)
      if (c == nullptr && (free.is == claim::none || free.is == claim::refused || free.is == claim::lost)) c = &free;
    if (c == nullptr) return false;
    *c = {ours, gateway, now, claim::none, 0};
    become(*c, claim::waiting, now);  // due at once: the clock may not be told yet
    return true;
  }
  /// Forgets an address; whether it was there.
  bool forget(const Address& a) {
    one* c = find(a);
    if (c != nullptr) *c = {};
    return c != nullptr;
  }
  void clear() {
    for (one& c : list_) c = {};
    conflicts_ = 0;
  }
  [[nodiscard]] claim state_of(const Address& a) const {
    for (const one& c : list_)
      if (c.is != claim::none && c.ours.address == a) return c.is;
    return claim::none;
  }

  /// A message that another card sent; announce(address) says that one is ours. Whether it is about an address that stands here.
  bool on_message(takes_addresses<Address> auto&& below, const wire::arp& m, const Address& sender, const Address& target, auto&& announce, moment now) {
    one* c = find(sender);
    if (c == nullptr && m.is_probe() && m.operation == wire::arp::request) {  // RFC 5227 §2.1.1: he wants it, too
      if ((c = find(target)) == nullptr || neighbour::is_ours(c->is)) return false;
    }
    if (c == nullptr) return false;
    switch (c->is) {
      case claim::waiting:
      case claim::probing: end(below, *c, claim::refused); break;
      case claim::announcing:
      case claim::held:
        announce(c->ours.address);
        become(*c, claim::defending, now + defend_interval);
        break;
      case claim::defending:
        if constexpr (!Keeps) {
          below.lose(c->ours.address);
          end(below, *c, claim::lost);
        }
        break;
      case claim::none:
      case claim::refused:
      case claim::lost: return false;
    }
    return true;
  }

  /// Does what is due. probe(address) and announce(address) send a request to everybody, from nobody or from it.
  void advance(takes_addresses<Address> auto&& below, auto&& probe, auto&& announce, moment now) {
    for (one& c : list_) {
      if (!has_timer(c.is) || !now.reached(c.deadline)) continue;
      switch (c.is) {
        case claim::waiting:
          become(c, claim::probing, now + (conflicts_ >= max_conflicts ? rate_limit_interval : between(0, probe_wait_ms, below.random())));
          break;
        case claim::probing:
          if (c.said < probe_num) {
            probe(c.ours.address);
            c.deadline = now + (++c.said < probe_num ? between(probe_min_ms, probe_max_ms, below.random()) : announce_wait);
            break;
          }
          if (!below.adopt(c.ours, c.gateway)) {
            end(below, c, claim::refused);
            break;
          }
          conflicts_ = 0;
          announce(c.ours.address);
          c.said = 1;
          become(c, claim::announcing, now + announce_interval);
          break;
        case claim::announcing:
          announce(c.ours.address);
          c.deadline = now + announce_interval;
          if (++c.said == announce_num) become(c, claim::held, {});
          break;
        case claim::defending: become(c, claim::held, {}); break;
        case claim::none:
        case claim::held:
        case claim::refused:
        case claim::lost: break;
      }
    }
  }
  [[nodiscard]] std::optional<moment> next_deadline() const {
    std::optional<moment> first;
    for (const one& c : list_)
      if (has_timer(c.is)) first = first ? earlier_of(*first, c.deadline) : c.deadline;
    return first;
  }
  /// The stack is told the time for the first time: what waits begins then.
  void begin_time(moment now) {
    for (one& c : list_)
      if (c.is == claim::waiting) c.deadline = now;
  }

 private:
  struct one {
    subnet<Address> ours{};
    Address gateway{};
    moment deadline{};
    claim is = claim::none;
    u8 said = 0;  // probes, then announcements
  };
  [[nodiscard]] static constexpr bool has_timer(claim c) { return c >= claim::waiting && c <= claim::defending && c != claim::held; }
  [[nodiscard]] static constexpr interval between(u32 least_ms, u32 most_ms, u64 random) {
    return interval::from_ms(least_ms + (static_cast<u32>(random & 0xffff) * (most_ms - least_ms + 1) >> 16));
  }
  [[nodiscard]] one* find(const Address& a) {
    for (one& c : list_)
      if (c.is != claim::none && c.ours.address == a) return &c;
    return nullptr;
  }
  static void become(one& c, claim is, moment deadline) { c.is = is, c.deadline = deadline; }
  void end(auto&& below, one& c, claim why) {
    c.is = why;
    if (conflicts_ < max_conflicts) ++conflicts_;
    below.conflict();
  }

  one list_[N]{};
  u8 conflicts_ = 0;  // since the last address that became ours: ten slow us down (RFC 5227 §2.1.1)
};

}  // namespace strata::inline STRATA_ABI::neighbour
