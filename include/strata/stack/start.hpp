// SPDX-License-Identifier: MIT
// A stack's beginning and end.
#pragma once
#include <strata/stack/stack.hpp>

namespace strata::inline STRATA_ABI {

namespace detail {
/// A locally administered address of random bits (IEEE 802), for a link whose driver has none.
constexpr mac_address local_mac(u64 bits) {
  mac_address m;
  for (u8& byte : m.bytes) byte = static_cast<u8>(bits), bits >>= 8;
  m.bytes[0] = static_cast<u8>((m.bytes[0] & 0xfc) | 2);
  return m;
}
}  // namespace detail

template <stack_config C> bad_option stack<C>::check(const options& o) {
  if (o.memory.data() == nullptr || o.memory.size() / C::limits.chunk_size <= C::limits.receive_reserve) return bad_option::memory;
  if constexpr (entropy::knows_whether_it_is_ready<typename C::entropy>)
    if (!o.entropy.is_ready()) return bad_option::entropy;
  return o.first_bad_interface(static_cast<u32>(bound::transmit_headroom + bound::link_header));
}

template <stack_config C> bad_option stack<C>::start(options o) {
  check_facades();
  if constexpr (C::destroyed) shut_down();
  else if (is_started_) return bad_option::started;
  const auto held = exclusion_.enter();
  (void)held;
  if (const bad_option bad = check(o); bad != bad_option::none) return bad;
  entropy_ = std::move(o.entropy);
  u32* hashes = nullptr;
  if constexpr (STRATA_CHECKS != 0) hashes = hashes_;
  pool_.open(o.memory, std::span(descriptors_).first(C::limits.chunks), C::limits.chunk_size, hashes);
  if constexpr (has_slots) {
    slots_.small.open(pool_, descriptors_, C::limits.chunks, C::limits.slots, small_slot, hashes);
    slots_.of_256.open(pool_, descriptors_, C::limits.chunks + C::limits.slots, C::limits.slots, 256, hashes);
    slots_.of_512.open(pool_, descriptors_, C::limits.chunks + 2 * C::limits.slots, C::limits.slots, 512, hashes);
  }
  for (u32 i = 0; i < C::limits.batch; ++i) std::construct_at(reinterpret_cast<packet*>(batch_) + i);
  if (!has_time_) now_ = o.now;  // a second start goes on from where time is
  changed();
  bool are_claimed = true;
  o.each([&](auto index, auto& wanted) {
    if (!open_interface<index>(wanted)) are_claimed = false;
  });
  transports_.each([&](auto, auto& t) {
    if constexpr (requires { t.open(internet{*this}, now_); }) t.open(internet{*this}, now_);
    else if constexpr (requires(u64 key) { t.open(key, key); }) {
      const u64 key[] = {entropy_.next(), entropy_.next()};  // in this order under every compiler
      t.open(key[0], key[1]);
    }
  });
  is_started_ = true;
  if constexpr (bound::claims) {
    if (!are_claimed) {
      shut_down();
      return bad_option::claim;
    }
  }
  return bad_option::none;
}

template <stack_config C> template <std::size_t I> bool stack<C>::open_interface(auto& wanted) {
  auto& i = interfaces_.template get<I>();
  i.open(std::move(wanted.nic), wanted.link, wanted.mac, wanted.mtu);
  i.seed([this] { return entropy_.next(); });
  i.prepare(pool_);
  if (i.has_addresses && i.mac().is_zero()) i.set_mac(detail::local_mac(entropy_.next()));
  network_of(wanted.address.address, [&](auto& ip) {
    if constexpr (bound::claims_own_addresses) {
      ip::route_error said = ip::route_error::none;
      if (begin_claim(static_cast<u8>(I), wanted.address, wanted.gateway, said)) return;
    }
    (void)ip.configure(static_cast<u8>(I), wanted.address);
    if (!wanted.gateway.is_unspecified()) (void)ip.add_route({detail::any_like(wanted.gateway), 0}, wanted.gateway, static_cast<u8>(I));
  });
  if constexpr (neighbour::announces_addresses<decltype(i.neighbour)> && !neighbour::claims_addresses<decltype(i.neighbour)>)
    i.neighbour.announce(cache_below{*this, static_cast<u8>(I)}, wanted.address.address);
  if constexpr (C::forwards) {
    if (!i.claim_for_others()) return false;
  }
  return i.claim(wanted.address.address);
}

template <stack_config C> void stack<C>::shut_down() {
  const auto held = exclusion_.enter();
  (void)held;
  if (!is_started_) return;
  STRATA_EXPECTS(!is_polling_);  // a handler may not end the stack that calls it
  is_started_ = false;
  if constexpr (is_shared) await_copies();
  for (; batch_at_ < batch_size_; ++batch_at_) {
    packet p = std::move(batch()[batch_at_]);
    if constexpr (bound::hands_up_trains) buffer::drop_train(p);
  }
  transports_.each([&](auto, auto& t) {
    if constexpr (requires { t.abandon(internet{*this}); }) t.abandon(internet{*this});
    else if constexpr (requires { t.clear(pool_); }) t.clear(pool_);
  });
  interfaces_.each([&](auto index, auto& i) {
    i.close(pool_);
    networks_.each([&](auto, auto& ip) {
      ip.withdraw(static_cast<u8>(index));
      if constexpr (requires { ip.forget_groups(static_cast<u8>(index)); }) ip.forget_groups(static_cast<u8>(index));
    });
  });
  if constexpr (has_slots) slots_.trim();
  if constexpr (C::forwards) forwarded_.clear(pool_);
  networks_.each([&](auto, auto& ip) {
    if constexpr (requires { ip.clear(pool_); }) ip.clear(pool_);
  });
  errors_in_ = errors_out_ = 0;
  links_down_ = left_ = 0;
  if constexpr (bound::claims_own_addresses) conflicts_ = {};
}

template <stack_config C> constexpr memory_map stack<C>::memory() {
  memory_map m{.chunks = std::size_t{C::limits.chunks} * C::limits.chunk_size, .rings = bound::ring_bytes, .descriptors = sizeof(descriptors_) + (STRATA_CHECKS != 0 ? sizeof(hash_table) : 0),
               .interfaces = sizeof(interfaces), .networks = sizeof(networks), .transports = sizeof(transports)};
  m.rest = sizeof(stack) - m.object();
  return m;
}

template <stack_config C> strata::memory_in_use stack<C>::memory_in_use() const {
  const auto held = exclusion_.enter();
  (void)held;
  strata::memory_in_use m{.chunks = std::size_t{pool_.in_use()} * C::limits.chunk_size};
  interfaces_.each([&](auto, const auto& i) { m.rings += i.ring_bytes(); });
  return m;
}
template <stack_config C> u32 stack<C>::chunks_in_use() const {
  const auto held = exclusion_.enter();
  (void)held;
  u32 n = pool_.in_use();
  if constexpr (has_slots) {
    for (const buffer::slot_pool* p : {&slots_.small, &slots_.of_256, &slots_.of_512}) n -= p->chunks_cut() - p->chunks_filled();
  }
  interfaces_.each([&](auto, const auto& i) { n -= i.chunks_kept(); });
  return n;
}

}  // namespace strata::inline STRATA_ABI
