// SPDX-License-Identifier: MIT
// A permission policy to take and change: who may listen and bind below port 1024, and to whom one may talk, as a list of subnets. docs/recipe-permission.md.
#pragma once
#include <strata/core/permission.hpp>

#include <span>

namespace guard {

/// Who asks. Zero is who may least: an application that says nothing is a guest.
enum class user : strata::u8 { guest, service, root };

/// Peers of a subnet: to their ports first_port to last_port one may talk, or may not. The first rule that fits decides; none: refused.
template <class Address> struct rule {
  strata::subnet<Address> peers{};
  strata::u16 first_port = 0, last_port = 65535;
  bool is_allowed = true;
};

template <class Address> struct port_guard {
  static constexpr bool is_open = false;
  using identity = user;
  using request = strata::permission::request<Address, user>;
  std::span<const rule<Address>> destinations{};  ///< set through stack::permission()

  [[nodiscard]] bool allows(const request& r) const {
    using call = strata::permission::call;
    if (r.identity == user::root) return true;
    switch (r.what) {
      case call::listen:
      case call::bind: return may_have(r.local.port, r.identity);
      case call::connect: return may_have(r.local.port, r.identity) && may_talk_to(r.remote);
      case call::send:
      case call::send_to: return r.remote.port == 0 || may_talk_to(r.remote);  // no peer yet: a reservation, which commit asks about again
      case call::accept: return may_talk_to_host(r.remote.address);
      default: return true;  // who has a socket may use it
    }
  }

 private:
  [[nodiscard]] static bool may_have(strata::u16 port, user who) { return port == 0 || port >= 1024 || who == user::service; }
  [[nodiscard]] bool may_talk_to(const strata::endpoint<Address>& peer) const {
    for (const auto& r : destinations)
      if (r.peers.contains(peer.address) && peer.port >= r.first_port && peer.port <= r.last_port) return r.is_allowed;
    return false;
  }
  /// Who opens a connection to us has any port: only where they are counts.
  [[nodiscard]] bool may_talk_to_host(const Address& peer) const {
    for (const auto& r : destinations)
      if (r.peers.contains(peer)) return r.is_allowed;
    return false;
  }
};

}  // namespace guard
