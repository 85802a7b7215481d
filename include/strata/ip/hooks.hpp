// SPDX-License-Identifier: MIT
// Where a packet passes through ip it may be looked at, dropped or taken away: Linux's Netfilter, as a list in the type. No hook, no code.
//
//   received --> prerouting --+--> input ------------> a transport, ICMP
//                             '--> forward --+
//   a transport, ICMP --> output ------------+--> postrouting --> a link
//
// A Config names its hooks in order: `using hooks = strata::ip::hooks<my::filter, strata::ip::rate_limit<...>>;`. A hook is a plain name with a member template
// that the layer binds to the finished Config; see `hook` for what that must have.
#pragma once
#include <strata/core/layers.hpp>
#include <strata/ip/config.hpp>

namespace strata::inline STRATA_ABI::ip {

enum class point : u8 { prerouting = 1, input = 2, forward = 4, output = 8, postrouting = 16 };
[[nodiscard]] constexpr u8 operator|(point a, point b) { return static_cast<u8>(static_cast<u8>(a) | static_cast<u8>(b)); }
[[nodiscard]] constexpr u8 operator|(u8 a, point b) { return static_cast<u8>(a | static_cast<u8>(b)); }

enum class verdict : u8 {
  accept,  ///< the next hook is asked, and then it goes on
  drop,    ///< counted
  steal    ///< the hook has moved the packet away, or has copied what it wanted: nobody goes on with it. Linux: NF_STOLEN
};

/// What a hook is told of a packet. A fragment behind the first has no ports.
template <class Address> struct passing {
  point at{};
  u8 protocol = 0;
  u8 in = no_link;            ///< the link that it came by, of a received one
  u8 out = no_link;           ///< the link that it leaves by, at forward, output and postrouting
  bool has_ports = false;     ///< TCP, UDP, DCCP, SCTP, UDP-Lite, and the four bytes are there
  u8 tcp_flags = 0;           ///< of a TCP segment with a whole header
  Address source{};
  Address destination{};
  u16 source_port = 0;
  u16 destination_port = 0;
  u32 bytes = 0;              ///< behind the IP header

  /// Reads ports and flags from the first bytes of the transport's header.
  constexpr void read_transport(std::span<const std::byte> header) {
    constexpr u8 tcp = 6, udp = 17, dccp = 33, sctp = 132, udp_lite = 136;
    if (header.size() < 4 || (protocol != tcp && protocol != udp && protocol != dccp && protocol != sctp && protocol != udp_lite)) return;
    has_ports = true;
    source_port = load_be<u16>(header.data());
    destination_port = load_be<u16>(header.data() + 2);
    if (protocol == tcp && header.size() >= 20) tcp_flags = static_cast<u8>(header[13]);
  }
};

struct nothing_passes {};  // where nobody looks

struct hook_counters {
  tally dropped = 0, stolen = 0;  ///< packets
};

/// points: at which it is asked, `point`s joined by |.  on(passing, packet, now): its verdict. The packet begins with its IP header at prerouting, forward and
/// at the postrouting of a forwarded one; else with its transport's. It is not to be changed, but may be moved away (steal).
template <class H, class Address, class TimePoint> concept hook = requires(H h, const passing<Address>& what, packet& p, TimePoint now) {
  { H::points } -> std::convertible_to<u8>;
  { h.on(what, p, now) } -> std::same_as<verdict>;
};

template <class... H> struct hooks {
  static constexpr bool is_empty = sizeof...(H) == 0;

  template <class C> class of {
   public:
    using address = typename C::family::address;
    using moment = time_point<typename C::tick>;
    static constexpr bool is_empty = hooks::is_empty;
    static constexpr u8 points = static_cast<u8>((u8{0} | ... | u8{H::template of<C>::points}));
    static_assert((hook<typename H::template of<C>, address, moment> && ...),
                  "a hook of this Config is no strata::ip::hook: `of<C>` needs `static constexpr u8 points` and `verdict on(const passing<address>&, packet&, moment now)`");

    /// Whether somebody is asked at `p`.
    [[nodiscard]] static constexpr bool are_at(point p) { return (points & static_cast<u8>(p)) != 0; }
    /// Asks each in order, until one says no.  Linux: nf_hook_slow.
    template <point P> [[nodiscard]] verdict ask(passing<address>& what, packet& p, moment now) {
      what.at = P;
      verdict v = verdict::accept;
      (void)all_.any([&](auto, auto& h) {
        if constexpr ((std::remove_cvref_t<decltype(h)>::points & static_cast<u8>(P)) != 0) v = h.on(what, p, now);
        return v != verdict::accept;
      });
      if (v == verdict::drop) ++count_.dropped;
      if (v == verdict::steal) ++count_.stolen;
      return v;
    }
    template <std::size_t I> [[nodiscard]] auto& get() { return all_.template get<I>(); }
    template <std::size_t I> [[nodiscard]] const auto& get() const { return all_.template get<I>(); }

    [[nodiscard]] const hook_counters& counted() const requires(!is_empty) { return count_; }

   private:
    struct nothing_counted {};
    [[no_unique_address]] std::conditional_t<is_empty, nothing_counted, hook_counters> count_{};
    [[no_unique_address]] layers<typename H::template of<C>...> all_{};
  };
};

}  // namespace strata::inline STRATA_ABI::ip
