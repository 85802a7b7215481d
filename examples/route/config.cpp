// SPDX-License-Identifier: MIT
#include <route/config.hpp>

#include <sstream>

namespace example {
namespace {

using net = strata::subnet<strata::ipv4_address>;

std::optional<net> net_of(const std::string& text) {
  const auto s = strata::parse_subnet(text.data(), text.size());
  if (!s || !s->address.is_v4()) return {};
  return net{s->address.v4(), s->prefix};
}
std::optional<strata::u32> number_of(const std::string& text, strata::u32 most) {
  strata::u32 n = 0;
  if (text.empty() || text.size() > 5) return {};
  for (const char c : text) {
    if (c < '0' || c > '9') return {};
    n = n * 10 + static_cast<strata::u32>(c - '0');
  }
  if (n > most) return {};
  return n;
}
std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line.substr(0, line.find('#')));
  std::vector<std::string> words;
  for (std::string w; in >> w;) words.push_back(w);
  return words;
}
bool is_name(const std::string& w) { return w.size() < 16 && w.find('/') == std::string::npos && w.find(':') == std::string::npos && w.find('%') == std::string::npos; }

/// What is wrong with one line; null if nothing is.
const char* read_line(const std::vector<std::string>& w, const std::string& line, route_config& c) {
  if (w[0] == "nic") {
    const bool is_af_xdp = w.size() > 1 && w[1] == "af_xdp", has_mode = is_af_xdp && w.size() == 3 && (w[2] == "driver" || w[2] == "generic");
    if (w.size() != (has_mode ? 3 : 2) || (w[1] != "tap" && w[1] != "af_packet" && !is_af_xdp)) return "nic is tap, af_packet, or af_xdp [driver|generic]";
    c.nic = is_af_xdp ? nic_kind::af_xdp : w[1] == "tap" ? nic_kind::tap : nic_kind::af_packet;
    c.xdp_mode = !has_mode ? xdp_kind::automatic : w[2] == "driver" ? xdp_kind::driver : xdp_kind::generic;
    return nullptr;
  }
  if (w[0] == "interface") {
    const auto address = w.size() < 3 ? std::nullopt : net_of(w[2]);
    const strata::u32 mtu = w.size() == 5 && w[3] == "mtu" ? number_of(w[4], 65535).value_or(0) : 0;
    if (!address || !is_name(w[1]) || w[2].find('/') == std::string::npos || (w.size() != 3 && mtu < 68)) return "as in: interface tap0 10.1.0.254/24 mtu 1400";
    if (c.interfaces.size() == 2) return "a router has two interfaces";
    if (!c.interfaces.empty() && c.interfaces[0].name == w[1]) return "the same interface again";
    c.interfaces.push_back({w[1], *address, static_cast<strata::u16>(mtu)});
    return nullptr;
  }
  if (w[0] == "address") {
    const auto link = w.size() == 3 ? number_of(w[1], 1) : std::nullopt;
    const auto address = w.size() == 3 ? net_of(w[2]) : std::nullopt;
    if (!link || !address || !address->address.is_unicast()) return "as in: address 1 10.3.0.254/24";
    c.addresses.push_back({static_cast<strata::u8>(*link), *address});
    return nullptr;
  }
  if (w[0] == "route") {
    const auto to = w.size() == 4 && w[2] == "via" ? net_of(w[1]) : std::nullopt;
    const auto via = to ? net_of(w[3]) : std::nullopt;
    if (!via || via->prefix != 32) return "as in: route 192.0.2.0/24 via 10.2.0.9";
    c.routes.push_back({*to, via->address});
    return nullptr;
  }
  if (w[0] == "accept" || w[0] == "drop") {
    const std::string rule = line.substr(0, line.find('#'));
    const auto r = strata::ip::parse_rule(rule.data(), rule.size());
    if (!r) return "no rule: see strata/ip/filter.hpp";
    c.rules.push_back(*r);
    return nullptr;
  }
  return "no nic, interface, address, route, accept or drop";
}

/// The interface on whose networks `via` is.
std::optional<strata::u8> link_to(const route_config& c, strata::ipv4_address via) {
  for (std::size_t i = 0; i < c.interfaces.size(); ++i)
    if (c.interfaces[i].address.contains(via)) return static_cast<strata::u8>(i);
  for (const auto& a : c.addresses)
    if (a.address.contains(via)) return a.link;
  return {};
}

}  // namespace

std::optional<std::string> read_route_config(const std::string& text, route_config& to) {
  std::istringstream in(text);
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const auto words = words_of(line);
    if (words.empty()) continue;
    if (const char* const wrong = read_line(words, line, to)) return "line " + std::to_string(number) + ": " + wrong;
  }
  if (to.interfaces.size() != 2) return "a router has two interfaces, and here are " + std::to_string(to.interfaces.size());
  for (auto& r : to.routes) {
    const auto link = link_to(to, r.via);
    if (!link) return "no interface has a network with the next hop of a route";
    r.link = *link;
  }
  return {};
}

}  // namespace example
