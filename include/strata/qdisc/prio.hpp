// SPDX-License-Identifier: MIT
// Bands, each a discipline of its own: what waits in a band leaves when all before it are empty, or hold back what they have. Linux: prio, pfifo_fast.
//
//   prio<fifo, fifo, fifo>      interactive, best effort, bulk, as Linux has it
//   prio<fifo, fq>              what is urgent, and flows in turn
#pragma once
#include <strata/core/layers.hpp>
#include <strata/qdisc/discipline.hpp>
#include <strata/qdisc/flow.hpp>

namespace strata::inline STRATA_ABI::qdisc {

/// A classifier: which of `bands` a frame goes to. `ip` is its IP header and what follows, or empty.
template <class T> concept classifier = requires(std::span<const std::byte> ip, u32 bands) {
  { T::band(ip, bands) } -> std::same_as<u32>;
};

/// By the TOS bits of RFC 1349, as Linux does (ip_tos2prio and the default priomap): minimise delay is band 0, maximise throughput band 2, all else, and both
/// together, band 1. What is no IP, as ARP, is band 0. With fewer bands the last stands for those that there are not.
struct by_tos {
  [[nodiscard]] static u32 band(std::span<const std::byte> ip, u32 bands) {
    static constexpr u8 of_bits[4] = {1, 2, 0, 1};  // bits 3 and 4: throughput, delay
    const u32 b = ip.empty() ? 0 : of_bits[traffic_class(ip) >> 3 & 3];
    return b < bands ? b : bands - 1;
  }
};
/// By DSCP: expedited, voice and network control (EF, VA, CS5 to CS7: RFC 4594 §2.3) are the first band, LE and CS1 (RFC 8622) the last, all else lies between:
/// the second of three or more. Of two, only the first kinds are in the first.
struct by_dscp {
  [[nodiscard]] static u32 band(std::span<const std::byte> ip, u32 bands) {
    const u32 dscp = ip.empty() ? 48 : traffic_class(ip) >> 2;
    if (dscp >= 40) return 0;
    return dscp == 1 || dscp == 8 || bands < 3 ? bands - 1 : 1;
  }
};

template <class Classifier, class... Band> struct prio_of {
  static_assert(sizeof...(Band) > 0, "prio of no band keeps nothing: name a discipline for each");
  static_assert(sizeof...(Band) <= 16, "prio has at most 16 bands, as in Linux");
  static_assert(classifier<Classifier>, "the first argument of prio_of is no strata::qdisc::classifier: it needs `static u32 band(std::span<const std::byte> ip, u32 bands)`");

  template <class C> class of {
   public:
    using time_point = strata::time_point<typename C::tick>;
    static_assert((discipline_in<typename Band::template of<C>, time_point> && ...), "a band of prio is no strata::qdisc::discipline");
    static_assert((!Band::template of<C>::is_direct && ...), "a band of prio is a queue: qdisc::direct keeps nothing");
    static constexpr bool is_direct = false;
    static constexpr bool reads_headers = true;
    static constexpr u32 bands = sizeof...(Band);

    void seed(const siphash_key& key) requires(wants_a_key<typename Band::template of<C>> || ...) {
      bands_.each([&](auto, auto& b) {
        if constexpr (wants_a_key<std::remove_reference_t<decltype(b)>>) b.seed(key);
      });
    }
    [[nodiscard]] bool enqueue(packet& p, time_point now) {
      bool is_taken = false;
      const u32 band = Classifier::band(ip_header(p), bands);
      bands_.at(band < bands ? band : bands - 1, [&](auto& b) { is_taken = put(b, p, now); });
      return is_taken;
    }
    [[nodiscard]] packet dequeue(buffer::pool& chunks, time_point now) {
      packet p;
      (void)bands_.any([&](auto, auto& b) { return static_cast<bool>(p = get(b, chunks, now)); });
      return p;
    }
    [[nodiscard]] std::optional<time_point> next_deadline() const {
      std::optional<time_point> first;
      bands_.each([&](auto, const auto& b) {
        if (const auto t = deadline_of<time_point>(b)) first = first ? earlier_of(*first, *t) : *t;
      });
      return first;
    }
    void clear(buffer::pool& chunks) {
      bands_.each([&](auto, auto& b) { b.clear(chunks); });
    }

    [[nodiscard]] u32 size() const {  ///< packets
      u32 n = 0;
      bands_.each([&](auto, const auto& b) { n += b.size(); });
      return n;
    }
    /// The discipline of a band; its counters are its own.
    template <std::size_t I> [[nodiscard]] auto& band() { return bands_.template get<I>(); }
    template <std::size_t I> [[nodiscard]] const auto& band() const { return bands_.template get<I>(); }

   private:
    layers<typename Band::template of<C>...> bands_{};
  };
};

template <class... Band> using prio = prio_of<by_tos, Band...>;

}  // namespace strata::inline STRATA_ABI::qdisc
