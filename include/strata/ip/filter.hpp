// SPDX-License-Identifier: MIT
// A firewall of rules over the five-tuple: the first that matches decides. Written as text in the type they fold into comparisons with constants; a table of
// rules that is filled at run time does the same slower. Linux: xt_tcpudp, nf_tables.
//
//   using hooks = strata::ip::hooks<strata::ip::filter<"accept tcp from 10.0.0.0/8 to any port 22"_rule, "drop tcp to any port 22"_rule>>;
//
//   rule = verdict [ "tcp" | "udp" | "icmp" | number ] [ "from" net [ "port" range ] ] [ "to" net [ "port" range ] ] [ "syn" ] [ "in" link ] [ "out" link ]
//   net = "any" | address [ "/" prefix ]     range = port [ "-" port ]     verdict = "accept" | "drop"     link = number of the interface
#pragma once
#include <strata/ip/hooks.hpp>

namespace strata::inline STRATA_ABI::ip {

/// Structural, so that it may be a template's argument. What is left at its default matches everything.
struct rule {
  verdict then = verdict::drop;
  u8 protocol = 0;                                ///< zero: any
  bool is_syn = false;                            ///< TCP only: SYN without ACK
  u8 in = no_link, out = no_link;
  ipv6_address source{}, destination{};           ///< IPv4 mapped
  u8 source_prefix = 0, destination_prefix = 0;   ///< bits of the 128; zero: any address
  u16 source_first = 0, source_last = 0xffff;     ///< ports
  u16 destination_first = 0, destination_last = 0xffff;

  [[nodiscard]] constexpr bool wants_source_port() const { return source_first != 0 || source_last != 0xffff; }
  [[nodiscard]] constexpr bool wants_destination_port() const { return destination_first != 0 || destination_last != 0xffff; }
  friend constexpr bool operator==(const rule&, const rule&) = default;
};

/// Whether the rule is about this packet. What has no ports matches no rule that names one. Each test of a rule that is a constant is a constant, too.
template <class Address> [[nodiscard]] STRATA_ALWAYS_INLINE constexpr bool matches(const rule& r, const passing<Address>& p) {
  constexpr u8 syn = 2, ack = 16;
  const auto is_in = [](const Address& a, const ipv6_address& net, u32 prefix) {
    if constexpr (Address::bits == 32) return net.is_v4() && prefix >= 96 && a.has_prefix(net.v4(), prefix - 96);
    else return a.has_prefix(net, prefix);
  };
  const auto is_between = [](u16 port, u16 first, u16 last) { return static_cast<u16>(port - first) <= static_cast<u16>(last - first); };
  if (r.protocol != 0 && p.protocol != r.protocol) return false;
  if (r.is_syn && (p.tcp_flags & (syn | ack)) != syn) return false;
  if (r.in != no_link && p.in != r.in) return false;
  if (r.out != no_link && p.out != r.out) return false;
  if (r.source_prefix != 0 && !is_in(p.source, r.source, r.source_prefix)) return false;
  if (r.destination_prefix != 0 && !is_in(p.destination, r.destination, r.destination_prefix)) return false;
  if (r.wants_source_port() && !(p.has_ports && is_between(p.source_port, r.source_first, r.source_last))) return false;
  if (r.wants_destination_port() && !(p.has_ports && is_between(p.destination_port, r.destination_first, r.destination_last))) return false;
  return true;
}

namespace detail {

struct rule_reader {
  const char* p;
  const char* end;

  constexpr std::span<const char> word() {
    while (p != end && (*p == ' ' || *p == '\t')) ++p;
    const char* const first = p;
    while (p != end && *p != ' ' && *p != '\t') ++p;
    return {first, static_cast<std::size_t>(p - first)};
  }
  static constexpr bool is(std::span<const char> w, const char* text) {
    std::size_t n = 0;
    for (; n < w.size() && text[n] == w[n]; ++n)
      if (text[n] == 0) return false;
    return n == w.size() && text[n] == 0;
  }
  static constexpr std::optional<u32> number(std::span<const char> w, u32 most) {
    u32 n = 0;
    if (w.empty() || w.size() > 5) return {};
    for (const char c : w) {
      if (c < '0' || c > '9') return {};
      n = n * 10 + static_cast<u32>(c - '0');
    }
    if (n > most) return {};
    return n;
  }
  static constexpr bool read_net(std::span<const char> w, ipv6_address& net, u8& prefix) {
    if (is(w, "any")) return true;
    const auto s = parse_subnet(w.data(), w.size());
    if (!s) return false;
    net = s->address;
    prefix = static_cast<u8>(s->prefix + (s->address.is_v4() ? 96 : 0));
    return true;
  }
  static constexpr bool read_ports(std::span<const char> w, u16& first, u16& last) {
    std::size_t dash = 0;
    while (dash < w.size() && w[dash] != '-') ++dash;
    const auto a = number(w.first(dash), 0xffff);
    const auto b = dash == w.size() ? a : number(w.subspan(dash + 1), 0xffff);
    if (!a || !b || *a > *b) return false;
    first = static_cast<u16>(*a), last = static_cast<u16>(*b);
    return true;
  }
};

}  // namespace detail

/// A rule from its text, or nothing.
[[nodiscard]] constexpr std::optional<rule> parse_rule(const char* text, std::size_t size) {
  using reader = detail::rule_reader;
  reader in{text, text + size};
  rule r;
  std::span<const char> w = in.word();
  if (reader::is(w, "accept")) r.then = verdict::accept;
  else if (!reader::is(w, "drop")) return {};
  w = in.word();
  if (reader::is(w, "tcp")) r.protocol = 6, w = in.word();
  else if (reader::is(w, "udp")) r.protocol = 17, w = in.word();
  else if (reader::is(w, "icmp")) r.protocol = 1, w = in.word();
  else if (const auto n = reader::number(w, 255); n) {
    if (*n == 0) return {};
    r.protocol = static_cast<u8>(*n), w = in.word();
  }
  const bool may_have_ports = r.protocol == 6 || r.protocol == 17 || r.protocol == 33 || r.protocol == 132 || r.protocol == 136 || r.protocol == 0;
  if (reader::is(w, "from")) {
    if (!reader::read_net(in.word(), r.source, r.source_prefix)) return {};
    if (w = in.word(); reader::is(w, "port")) {
      if (!may_have_ports || !reader::read_ports(in.word(), r.source_first, r.source_last)) return {};
      w = in.word();
    }
  }
  if (reader::is(w, "to")) {
    if (!reader::read_net(in.word(), r.destination, r.destination_prefix)) return {};
    if (w = in.word(); reader::is(w, "port")) {
      if (!may_have_ports || !reader::read_ports(in.word(), r.destination_first, r.destination_last)) return {};
      w = in.word();
    }
  }
  if (reader::is(w, "syn")) {
    if (r.protocol != 6) return {};
    r.is_syn = true, w = in.word();
  }
  for (const char* direction : {"in", "out"}) {
    if (!reader::is(w, direction)) continue;
    const auto link = reader::number(in.word(), 7);
    if (!link) return {};
    (direction[0] == 'i' ? r.in : r.out) = static_cast<u8>(*link);
    w = in.word();
  }
  if (!w.empty()) return {};
  return r;
}

// Not constexpr: the name is the compiler's message.
inline void this_is_no_rule_of_a_filter() { __builtin_trap(); }

/// What a filter did, by rule.
template <std::size_t Rules> struct filter_counters {
  tally matched[Rules] = {};
  tally passed = 0;  ///< matched none
};

/// Rules that the compiler knows, asked at `Points`; what none matches is accepted.
template <u8 Points, rule... Rules> struct filter_at {
  static_assert(sizeof...(Rules) > 0, "a filter has a rule at least");
  template <class C> class of {
   public:
    static constexpr u8 points = Points;

    [[nodiscard]] verdict on(const passing<typename C::family::address>& what, packet&, auto) {
      std::size_t i = 0;
      verdict v = verdict::accept;
      const bool is_decided = ((matches(Rules, what) ? (v = Rules.then, true) : (++i, false)) || ...);
      if (is_decided) ++count_.matched[i];
      else ++count_.passed;
      return v;
    }
    [[nodiscard]] const filter_counters<sizeof...(Rules)>& counted() const { return count_; }

   private:
    filter_counters<sizeof...(Rules)> count_{};
  };
};
/// At input and forward: what comes to us, and what goes through us.
template <rule... Rules> using filter = filter_at<point::input | point::forward, Rules...>;

/// Up to `Most` rules that are told at run time: net.hook<I>().add(rule). What none matches is accepted.
template <u32 Most, u8 Points = (point::input | point::forward)> struct rule_table {
  template <class C> class of {
   public:
    static constexpr u8 points = Points;

    /// Behind the others. False: there are `Most`.
    [[nodiscard]] bool add(const rule& r) {
      if (size_ == Most) return false;
      rules_[size_] = r, count_.matched[size_++] = 0;
      return true;
    }
    void clear() { size_ = 0; }
    [[nodiscard]] u32 size() const { return size_; }
    [[nodiscard]] const rule& at(u32 i) const { return rules_[i]; }

    [[nodiscard]] verdict on(const passing<typename C::family::address>& what, packet&, auto) {
      for (u32 i = 0; i < size_; ++i) {
        if (!matches(rules_[i], what)) continue;
        ++count_.matched[i];
        return rules_[i].then;
      }
      ++count_.passed;
      return verdict::accept;
    }
    [[nodiscard]] const filter_counters<Most>& counted() const { return count_; }

   private:
    rule rules_[Most]{};
    u32 size_ = 0;
    filter_counters<Most> count_{};
  };
};

}  // namespace strata::inline STRATA_ABI::ip

namespace strata::inline STRATA_ABI::literals {
/// "drop tcp to any port 22"_rule, for strata::ip::filter; what is none does not compile.
consteval ip::rule operator""_rule(const char* text, std::size_t size) {
  const auto r = ip::parse_rule(text, size);
  if (!r) ip::this_is_no_rule_of_a_filter();
  return *r;
}
}  // namespace strata::inline STRATA_ABI::literals
