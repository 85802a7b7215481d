// SPDX-License-Identifier: MIT
// Which addresses are whose, in the maps own4 and own6 of the steering program: a bit for each stack that uses the program. An address goes with its last bit.
#pragma once
#ifndef __linux__
#error "strata/nic/linux/ is for the Linux kernel"
#endif
#include <strata/core/address.hpp>
#include <strata/core/bytes.hpp>
#include <strata/nic/linux/bpf.hpp>
#include <strata/nic/linux/steering.hpp>

namespace strata::inline STRATA_ABI::nic::kernel::claims {

/// 0: it is claimed now. 1: it was already. Or -errno, -E2BIG where the map is full.
/// The kernel has no call that sets a bit, and another process may write between two of ours: it is looked at again until the bit is there.
template <class System> [[nodiscard]] long add(const System& system, int map, const u8* address, u64 owner) {
  for (u32 tries = 0; tries < 16; ++tries) {
    u64 owners = 0;
    if (const long r = bpf::lookup_element(system, map, address, &owners); r < 0 && r != -ENOENT) return r;
    if ((owners & owner) != 0) return tries == 0 ? 1 : 0;
    owners |= owner;
    if (const long r = bpf::update_element(system, map, address, &owners); r < 0) return r;
  }
  return -EAGAIN;
}
/// -ENOENT: it was not claimed by this owner.
template <class System> long remove(const System& system, int map, const u8* address, u64 owner) {
  u64 owners = 0;
  if (const long r = bpf::lookup_element(system, map, address, &owners); r < 0) return r;
  if ((owners & owner) == 0) return -ENOENT;
  owners &= ~owner;
  return owners != 0 ? bpf::update_element(system, map, address, &owners) : bpf::delete_element(system, map, address);
}
/// Removes what the owner claimed, of which it need not know: one that died leaves it behind.
template <class System> void remove_all(const System& system, int map, u64 owner) {
  u8 keys[2][16] = {};
  u32 now = 0;
  long r = bpf::next_key(system, map, nullptr, keys[now]);
  for (u32 n = 0; r == 0 && n < 2 * steering::most_addresses; ++n) {
    r = bpf::next_key(system, map, keys[now], keys[now ^ 1]);  // first, since a key that was deleted has no next one
    (void)remove(system, map, keys[now], owner);
    now ^= 1;
  }
}

/// first4 holds one of the addresses in own4, if there is any that is a host's: neither 0.0.0.0, which stands for others, nor a group.
template <class System> void choose_first(const System& system, int first4, int own4) {
  const u32 only = 0;
  u64 first = 0, owners = 0;
  (void)bpf::lookup_element(system, first4, &only, &first);
  u32 address = static_cast<u32>(first >> 32);
  if (first != 0 && bpf::lookup_element(system, own4, &address, &owners) == 0) return;
  u64 chosen = 0;
  long r = bpf::next_key(system, own4, nullptr, &address);
  for (u32 n = 0; r == 0 && chosen == 0 && n < steering::most_addresses; ++n) {
    const ipv4_address found{load_be<u32>(reinterpret_cast<const std::byte*>(&address))};
    if (!found.is_unspecified() && !found.is_multicast()) chosen = steering::first_value(address);
    const u32 before = address;
    r = bpf::next_key(system, own4, &before, &address);
  }
  if (chosen != first) (void)bpf::update_element(system, first4, &only, &chosen);
}

}  // namespace strata::inline STRATA_ABI::nic::kernel::claims
