// SPDX-License-Identifier: MIT
// What routers said of paths that carry less than our link does. Whoever opens a way to the same destination begins with it, and after ten minutes tries again
// what the link carries. RFC 1191 §6.1, §6.3; RFC 8201 §5.2, §5.3. Linux: ip_rt_update_pmtu, net.ipv4.route.mtu_expires.
#pragma once
#include <strata/core/time.hpp>

namespace strata::inline STRATA_ABI::ip {

/// A table of `Capacity` destinations; where it is full the oldest entry makes room. It is looked through where a way begins, not for each packet, and without a
/// timer: what is too old is not told. (On a clock whose circle is short, as 32 bits of microseconds, what nobody asks for during half of it is told once more.)
template <class Address, u32 Capacity, class Tick> class path_mtus {
 public:
  using moment = time_point<Tick>;
  static constexpr duration<Tick> age = duration<Tick>::seconds(600);  ///< RFC 1191 §6.3
  /// Bytes; nothing narrower is told to others, so that a forged message about one datagram cannot starve them. Linux: net.ipv4.route.min_pmtu.
  static constexpr u16 least = 552;

  /// Bytes of IP packet that the way to `to` carries; zero: in ten minutes nobody said so.
  [[nodiscard]] u16 to(const Address& destination, moment now) const {
    const u32 at = find(destination);
    return at == count_ || now.reached(entries_[at].until) ? u16{0} : entries_[at].mtu;
  }
  /// A router said so, to a transport that knows that it was about a packet of its own. Only what is narrower than what is known counts (RFC 1191 §6.1).
  void learn(const Address& destination, u16 said, moment now) {
    const u16 mtu = said < least ? least : said;
    u32 at = find(destination);
    if (at < count_ && entries_[at].mtu <= mtu && !now.reached(entries_[at].until)) return;
    if (at == Capacity) at = oldest();
    if (at == count_) ++count_;
    entries_[at] = {destination, mtu, now + age};
  }
  [[nodiscard]] u32 size() const { return count_; }

 private:
  struct entry {
    Address destination{};
    u16 mtu = 0;
    moment until{};
  };
  [[nodiscard]] u32 find(const Address& destination) const {
    u32 at = 0;
    while (at < count_ && !(entries_[at].destination == destination)) ++at;
    return at;
  }
  [[nodiscard]] u32 oldest() const {
    u32 first = 0;
    for (u32 i = 1; i < count_; ++i)
      if (entries_[i].until.is_before(entries_[first].until)) first = i;
    return first;
  }

  u32 count_ = 0;
  entry entries_[Capacity]{};
};

/// Of a Config without: no code, no bytes.
template <class Address, class Tick> class path_mtus<Address, 0, Tick> {};

}  // namespace strata::inline STRATA_ABI::ip
