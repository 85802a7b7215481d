// SPDX-License-Identifier: MIT
// Addresses are core's: tcp, udp, neighbour and ip all need them and may not include each other. The family is a policy of the Config, and
// everything above wire/ says `typename C::family::address`.
#pragma once
#include <strata/core/bytes.hpp>
#include <strata/core/types.hpp>

#include <compare>

namespace strata::inline STRATA_ABI {

struct mac_address {
  u8 bytes[6] = {};
  STRATA_SHORTER_INLINE friend constexpr bool operator==(const mac_address&, const mac_address&) = default;
  /// Group bit of the first byte (IEEE 802): broadcast and multicast.
  [[nodiscard]] constexpr bool is_group() const { return (bytes[0] & 1) != 0; }
  [[nodiscard]] constexpr bool is_zero() const { return *this == mac_address{}; }
  [[nodiscard]] static constexpr mac_address broadcast() { return {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}; }
};

struct ipv6_address;

/// An IPv4 address as a number: 10.0.0.1 is 0x0a000001.
struct ipv4_address {
  static constexpr u32 bits = 32;
  u32 value = 0;

  friend constexpr auto operator<=>(ipv4_address, ipv4_address) = default;
  [[nodiscard]] constexpr bool is_v4() const { return true; }
  [[nodiscard]] constexpr ipv4_address v4() const { return *this; }
  [[nodiscard]] constexpr ipv6_address v6() const;
  [[nodiscard]] static constexpr std::optional<ipv4_address> from(const ipv6_address& a);
  [[nodiscard]] constexpr bool is_unspecified() const { return value == 0; }
  [[nodiscard]] constexpr bool is_broadcast() const { return value == 0xffffffff; }
  [[nodiscard]] constexpr bool is_multicast() const { return value >> 28 == 0xe; }
  [[nodiscard]] constexpr bool is_loopback() const { return value >> 24 == 127; }
  [[nodiscard]] STRATA_SHORTER_INLINE constexpr bool is_unicast() const { return !is_unspecified() && value >> 28 < 0xe; }
  /// Both agree in the first `length` bits, 0..32.
  [[nodiscard]] constexpr bool has_prefix(ipv4_address prefix, u32 length) const {
    return length == 0 || (value ^ prefix.value) >> (32 - length) == 0;
  }
  /// Sum of its 16-bit words, for pseudo-headers (RFC 1071).
  [[nodiscard]] constexpr u32 word_sum() const { return (value >> 16) + (value & 0xffff); }
  [[nodiscard]] constexpr u64 hash_word(u32 n) const { return n == 0 ? value : 0; }
};

/// An IPv6 address as two numbers. As the address of `dual` it holds IPv4 as ::ffff:a.b.c.d (RFC 4291 §2.5.5.2).
struct ipv6_address {
  static constexpr u32 bits = 128;
  u64 high = 0;
  u64 low = 0;

  friend constexpr auto operator<=>(const ipv6_address&, const ipv6_address&) = default;
  [[nodiscard]] constexpr bool is_v4() const { return high == 0 && low >> 32 == 0xffff; }
  [[nodiscard]] constexpr ipv4_address v4() const { return {static_cast<u32>(low)}; }
  [[nodiscard]] constexpr ipv6_address v6() const { return *this; }
  [[nodiscard]] static constexpr std::optional<ipv6_address> from(const ipv6_address& a) { return a; }
  [[nodiscard]] constexpr bool is_unspecified() const { return (high == 0 && low == 0) || (is_v4() && v4().is_unspecified()); }
  [[nodiscard]] constexpr bool is_broadcast() const { return is_v4() && v4().is_broadcast(); }
  [[nodiscard]] constexpr bool is_multicast() const { return high >> 56 == 0xff || (is_v4() && v4().is_multicast()); }
  [[nodiscard]] constexpr bool is_loopback() const { return (high == 0 && low == 1) || (is_v4() && v4().is_loopback()); }
  [[nodiscard]] constexpr bool is_unicast() const { return !is_unspecified() && !is_multicast() && (!is_v4() || v4().is_unicast()); }
  [[nodiscard]] constexpr bool has_prefix(const ipv6_address& prefix, u32 length) const {
    if (length == 0) return true;
    if (length <= 64) return (high ^ prefix.high) >> (64 - length) == 0;
    return high == prefix.high && (low ^ prefix.low) >> (128 - length) == 0;
  }
  /// A mapped address has the sum of its IPv4 address: the word ffff is zero in one's complement.
  [[nodiscard]] constexpr u32 word_sum() const {
    const auto four = [](u64 w) { return static_cast<u32>((w >> 48) + (w >> 32 & 0xffff) + (w >> 16 & 0xffff) + (w & 0xffff)); };
    return is_v4() ? v4().word_sum() : four(high) + four(low);
  }
  [[nodiscard]] constexpr u64 hash_word(u32 n) const { return n == 0 ? low : high; }
};
constexpr ipv6_address ipv4_address::v6() const { return {0, u64{0xffff} << 32 | value}; }
constexpr std::optional<ipv4_address> ipv4_address::from(const ipv6_address& a) {
  if (!a.is_v4()) return {};
  return a.v4();
}

/// The families that a Config may choose. `prefix_bits` is the length of a host's own prefix in the textual form of that address.
struct only_v4 { using address = ipv4_address; };
struct only_v6 { using address = ipv6_address; };
struct dual { using address = ipv6_address; };

template <class Address> struct endpoint {
  Address address{};
  u16 port = 0;
  friend constexpr bool operator==(const endpoint&, const endpoint&) = default;
};

/// An address and the length of the prefix that is on the link, as in 10.9.0.2/24.
template <class Address> struct subnet {
  Address address{};
  u8 prefix = 0;  ///< bits, counted in this address's own family

  constexpr subnet() = default;
  constexpr subnet(Address a, u8 p) : address(a), prefix(p) {}
  template <class Text> requires requires(Text t) { t.address; t.prefix; t.is_subnet_text; }
  consteval subnet(const Text& t) : prefix(t.prefix) { address = t.template as<Address>(); }
  [[nodiscard]] constexpr bool contains(const Address& a) const { return a.has_prefix(address, prefix + ((Address::bits == 128 && address.is_v4()) ? 96u : 0u)); }
  friend constexpr bool operator==(const subnet&, const subnet&) = default;
};

// Not constexpr: the name is the compiler's message. Defined all the same, since clang 16 without optimisation emits consteval calls in the
// initialiser of a global (it evaluates them, too, so a wrong literal is refused).
inline void this_is_no_ip_address() { __builtin_trap(); }
inline void this_address_is_not_of_the_family_of_this_config() { __builtin_trap(); }
inline void this_is_no_mac_address() { __builtin_trap(); }

namespace detail {

struct text_reader {
  const char* p;
  const char* end;
  constexpr bool take(char c) { return p != end && *p == c ? (++p, true) : false; }
  /// At most as many digits as `max` has. A decimal number does not begin with a zero: some readers take such a one for octal (RFC 6943 §3.1.1).
  constexpr std::optional<u32> number(u32 base, u32 max) {
    const char* const first = p;
    u32 n = 0, most = 0;
    for (u32 m = max; m != 0; m /= base) ++most;
    for (; p != end; ++p) {
      const char c = static_cast<char>(*p | 0x20);
      const u32 d = *p >= '0' && *p <= '9' ? static_cast<u32>(*p - '0') : base == 16 && c >= 'a' && c <= 'f' ? static_cast<u32>(c - 'a') + 10 : 99;
      if (d >= base) break;
      n = n * base + d;
      if (n > max || p - first == static_cast<std::ptrdiff_t>(most)) return {};
    }
    if (p == first || (base == 10 && *first == '0' && p - first > 1)) return {};
    return n;
  }
};

constexpr std::optional<ipv4_address> read_v4(text_reader& r) {
  u32 value = 0;
  for (u32 i = 0; i < 4; ++i) {
    if (i != 0 && !r.take('.')) return {};
    const auto n = r.number(10, 255);
    if (!n) return {};
    value = value << 8 | *n;
  }
  return ipv4_address{value};
}

constexpr std::optional<ipv6_address> read_v6(text_reader& r) {  // RFC 4291 §2.2, with a dotted quad at the end
  u16 word[8] = {};
  u32 n = 0, gap = 9;
  if (r.take(':')) {
    if (!r.take(':')) return {};
    gap = 0;
  }
  while (n < 8 && r.p != r.end && *r.p != '/') {
    const text_reader before = r;
    const auto w = r.number(16, 0xffff);
    if (!w) return {};
    if (r.p != r.end && *r.p == '.') {
      r = before;
      const auto quad = read_v4(r);
      if (!quad || n > 6) return {};
      word[n++] = static_cast<u16>(quad->value >> 16);
      word[n++] = static_cast<u16>(quad->value);
      break;
    }
    word[n++] = static_cast<u16>(*w);
    if (!r.take(':')) break;
    if (r.take(':')) {
      if (gap != 9) return {};
      gap = n;
    } else if (r.p == r.end || n == 8) {
      return {};
    }
  }
  if (gap == 9 ? n != 8 : n > 7) return {};
  u16 full[8] = {};
  for (u32 i = 0; i < n; ++i) full[i < gap ? i : 8 - n + i] = word[i];
  ipv6_address a;
  for (u32 i = 0; i < 4; ++i) a.high = a.high << 16 | full[i], a.low = a.low << 16 | full[4 + i];
  return a;
}

/// Either family, IPv4 as a mapped address.
constexpr std::optional<ipv6_address> read_address(text_reader& r) {
  for (const char* c = r.p; c != r.end && *c != '/'; ++c)
    if (*c == ':') return read_v6(r);
  const auto a = read_v4(r);
  if (!a) return {};
  return a->v6();
}

}  // namespace detail

/// An address or an address with a prefix as it stands in text, of either family.
struct subnet_text {
  static constexpr bool is_subnet_text = true;
  ipv6_address address{};
  u8 prefix = 0;
  template <class Address> consteval Address as() const {
    const auto a = Address::from(address);
    if (!a) this_address_is_not_of_the_family_of_this_config();
    return *a;
  }
  template <class Address> requires requires { Address::bits; } consteval operator Address() const { return as<Address>(); }
};

/// "10.9.0.2", "fd00::2": the address (IPv4 mapped), or nothing.
[[nodiscard]] constexpr std::optional<ipv6_address> parse_address(const char* text, std::size_t size) {
  detail::text_reader r{text, text + size};
  const auto a = detail::read_address(r);
  if (!a || r.p != r.end) return {};
  return a;
}
/// "10.9.0.2/24", "fd00::2/64": the address and its prefix, or nothing. Without a prefix: a host by itself.
[[nodiscard]] constexpr std::optional<subnet_text> parse_subnet(const char* text, std::size_t size) {
  detail::text_reader r{text, text + size};
  const auto a = detail::read_address(r);
  if (!a) return {};
  const bool dotted = a->is_v4();
  const u32 most = dotted ? 32 : 128;
  u32 prefix = most;
  if (r.take('/')) {
    const auto n = r.number(10, most);
    if (!n) return {};
    prefix = *n;
  }
  if (r.p != r.end) return {};
  return subnet_text{*a, static_cast<u8>(prefix)};
}
/// "02:00:5e:10:00:01", or nothing.
[[nodiscard]] constexpr std::optional<mac_address> parse_mac(const char* text, std::size_t size) {
  detail::text_reader r{text, text + size};
  mac_address m;
  for (u32 i = 0; i < 6; ++i) {
    if (i != 0 && !r.take(':')) return {};
    const auto n = r.number(16, 255);
    if (!n) return {};
    m.bytes[i] = static_cast<u8>(*n);
  }
  if (r.p != r.end) return {};
  return m;
}

namespace literals {
/// "10.9.0.2"_ip: becomes an address of either family; the wrong family, or no address at all, does not compile.
consteval subnet_text operator""_ip(const char* text, std::size_t size) {
  const auto a = parse_address(text, size);
  if (!a) this_is_no_ip_address();
  return {*a, static_cast<u8>(a->is_v4() ? 32 : 128)};
}
/// "10.9.0.2/24"_net: an address with its prefix.
consteval subnet_text operator""_net(const char* text, std::size_t size) {
  const auto s = parse_subnet(text, size);
  if (!s) this_is_no_ip_address();
  return *s;
}
consteval mac_address operator""_mac(const char* text, std::size_t size) {
  const auto m = parse_mac(text, size);
  if (!m) this_is_no_mac_address();
  return *m;
}
}  // namespace literals

}  // namespace strata::inline STRATA_ABI
