// SPDX-License-Identifier: MIT
// Drivers over wire_pair that ask a stack for all that a driver may ask for, and Configs with them. Their stacks are compiled once each, in
// nic_demands_of_*.cpp.
#pragma once
#include <strata/ip/v6.hpp>
#include <strata/link/raw_ip.hpp>
#include <strata/neighbour/fixed.hpp>
#include <strata/nic/pcap.hpp>
#include <two_stacks.hpp>

#include <string>

namespace strata::demands {

using namespace strata::test;

/// What the driver saw and what it is to say; outside of it, since a stack keeps its driver to itself.
struct talk {
  u8 marks = 0;              // set on each received packet
  bool takes_claims = true;
  std::vector<std::vector<u8>> claimed{}, disclaimed{};
  const std::byte* region = nullptr;
  u32 chunk_size = 0;
  u32 least_headroom = 0xffff;
  u32 kept = 0;
  u32 prepared = 0;
};

struct talkative : nic::wire_pair {
  talk* t = nullptr;
  static constexpr nic::capabilities may{.verified_checksum = true, .partial_checksum = true};
  static constexpr std::size_t transmit_headroom = 24;

  talkative() = default;
  talkative(nic::wire& cable, u32 side, talk& told) : wire_pair(cable, side), t(&told) {}
  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) {
    if (batch.empty()) ++t->prepared;
    const std::size_t n = wire_pair::receive(chunks, batch);
    for (packet& p : batch.first(n)) p->flags = static_cast<u8>(p->flags | t->marks);
    return n;
  }
  std::size_t transmit(std::span<packet> batch) {
    for (const packet& p : batch) t->least_headroom = std::min<u32>(t->least_headroom, p->offset);
    return wire_pair::transmit(batch);
  }
  bool claim(std::span<const u8> address) {
    t->claimed.emplace_back(address.begin(), address.end());
    return t->takes_claims;
  }
  bool disclaim(std::span<const u8> address) {
    t->disclaimed.emplace_back(address.begin(), address.end());
    return true;
  }
  [[nodiscard]] bool holds(region memory, u32 chunk_size) const { return memory.data() == t->region && chunk_size == t->chunk_size; }
  [[nodiscard]] u32 chunks_kept() const { return t->kept; }
};
static_assert(nic::driver<talkative> && nic::claims_addresses<talkative> && nic::is_bound_to_memory<talkative> && nic::writes_in_front<talkative> && nic::keeps_chunks<talkative>);
struct no_sink {
  void write(std::span<const std::byte>) {}
};
using wrapped = nic::pcap<talkative, no_sink>;
static_assert(nic::driver<wrapped> && nic::claims_addresses<wrapped> && nic::is_bound_to_memory<wrapped> && wrapped::transmit_headroom == 24 && nic::keeps_chunks<wrapped>);
using wrapped_wire = nic::pcap<nic::wire_pair, no_sink>;
static_assert(!nic::claims_addresses<wrapped_wire> && !nic::is_bound_to_memory<wrapped_wire> && wrapped_wire::transmit_headroom == 0 && !nic::keeps_chunks<wrapped_wire>);

struct four : presets::testing {
  using nic = talkative;
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
};
struct four_router : four {
  static constexpr bool forwards = true;
};
struct six : four {
  using family = strata::only_v6;
  template <class C> using network = layers<strata::ip::v6<C>>;
};

/// A NIC that makes checksums, as its frames' marks ask: on the wire they are as they were left, and the other end takes them so.
struct offloading : nic::wire_pair {
  static constexpr nic::capabilities may{.fills_in_checksum = true, .partial_checksum = true};
  static inline bool does = true;
  static inline u32 left = 0, wrong = 0, whole = 0;
  using wire_pair::wire_pair;
  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) {
    const std::size_t n = wire_pair::receive(chunks, batch);
    for (packet& p : batch.first(n)) p->flags = static_cast<u8>(p->flags | buffer::descriptor::checksum_partial);
    return n;
  }
  std::size_t transmit(std::span<packet> batch) {
    for (const packet& p : batch) look(p);
    return wire_pair::transmit(batch);
  }
  [[nodiscard]] nic::capabilities has() const { return {.fills_in_checksum = does, .partial_checksum = true}; }

 private:
  static void look(const packet& p) {
    const std::span<const std::byte> frame = p.bytes();
    const bool is_v4 = static_cast<u8>(frame[0]) >> 4 == 4;
    const u8 protocol = static_cast<u8>(frame[is_v4 ? 9 : 6]);
    if (protocol != 6 && protocol != 17) return;
    const std::size_t addresses = is_v4 ? 12 : 8, transport = is_v4 ? 20 : 40;
    const u32 pseudo = ones_sum(frame.subspan(addresses, transport - addresses)) + protocol + static_cast<u32>(frame.size() - transport);
    const u16 field = load_be<u16>(frame.data() + transport + (protocol == 6 ? 16 : 6));
    const bool is_left = (p->flags & buffer::descriptor::checksum_partial) != 0;
    const bool names_udp = (p->flags & buffer::descriptor::checksum_of_udp) != 0;
    if (is_left) {
      ++left;
      if (field != fold(pseudo) || names_udp != (protocol == 17) || p->transport != p->offset + transport) ++wrong;
    } else {
      ++whole;
      if (!checksum_is_valid(frame.subspan(transport), pseudo)) ++wrong;
    }
  }
};
struct offloading_four : presets::testing {
  using nic = offloading;
  using link = strata::link::raw_ip;
  using neighbour = strata::neighbour::fixed;
};
struct offloading_six : offloading_four {
  using family = strata::only_v6;
  template <class C> using network = layers<strata::ip::v6<C>>;
};

}  // namespace strata::demands

extern template class strata::stack<strata::demands::four>;
extern template class strata::stack<strata::demands::four_router>;
extern template class strata::stack<strata::demands::six>;
extern template class strata::stack<strata::demands::offloading_four>;
extern template class strata::stack<strata::demands::offloading_six>;
