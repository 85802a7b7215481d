// SPDX-License-Identifier: MIT
// A hook that counts TCP connections and lets a source have so many at a time. Linux: xt_connlimit over nf_conntrack, without its sequence checks.
#pragma once
#include <strata/ip/filter.hpp>

namespace strata::inline STRATA_ABI::ip {

struct connection_limit_counters {
  tally opened = 0;      ///< SYNs that were let through
  tally over_limit = 0;  ///< SYNs of a source that had its share
  tally table_full = 0;  ///< SYNs for which there was no entry
};

/// A source may have `Most` connections that `Which` matches, and all sources together `Flows`; a SYN beyond that is dropped. One is counted from its SYN until both
/// ends have sent a FIN or one a RST, or for two hours. Only such segments cost a walk over `Flows` entries; all others pass at once. Numbers of sequence are not
/// looked at: who forges a RST is counted for less than he has.
template <rule Which, u32 Most, u32 Flows = 256, u8 Points = (point::input | point::forward | point::output)> struct connection_limit {
  static_assert(Most > 0 && Flows >= Most, "a limit of no connection is a rule that drops SYNs");

  template <class C> class of {
   public:
    using address = typename C::family::address;
    using moment = time_point<typename C::tick>;
    static constexpr u8 points = Points;
    [[nodiscard]] static constexpr auto lifetime() { return duration<typename C::tick>::from_ms(7'200'000); }

    [[nodiscard]] verdict on(const passing<address>& what, packet&, moment now) {
      constexpr u8 tcp = 6;
      const bool is_ours = what.at == point::output;  // how connections to us end is seen there; those that we open are not counted
      if (what.protocol != tcp || (what.tcp_flags & (fin | syn | rst)) == 0 || !matches_either_way(what)) return verdict::accept;
      if ((what.tcp_flags & (fin | rst)) != 0) return close(what), verdict::accept;
      if (is_ours || (what.tcp_flags & ack) != 0) return verdict::accept;
      flow* free = nullptr;
      u32 of_source = 0;
      for (flow& f : flows_) {
        if (f.is_used && now.reached(f.since + lifetime())) f.is_used = false;
        if (!f.is_used) {
          free = &f;
          continue;
        }
        if (f.source != what.source) continue;
        if (f.destination == what.destination && f.source_port == what.source_port && f.destination_port == what.destination_port) return verdict::accept;  // sent again
        ++of_source;
      }
      if (of_source >= Most) return ++count_.over_limit, verdict::drop;
      if (free == nullptr) return ++count_.table_full, verdict::drop;
      *free = {what.source, what.destination, what.source_port, what.destination_port, true, 0, now};
      ++count_.opened;
      return verdict::accept;
    }
    [[nodiscard]] u32 connections() const {
      u32 n = 0;
      for (const flow& f : flows_) n += f.is_used ? 1 : 0;
      return n;
    }
    [[nodiscard]] const connection_limit_counters& counted() const { return count_; }

   private:
    static constexpr u8 fin = 1, syn = 2, rst = 4, ack = 16;
    struct flow {
      address source{}, destination{};
      u16 source_port = 0, destination_port = 0;
      bool is_used = false;
      u8 fins = 0;  // bits: who has sent one
      moment since{};
    };
    [[nodiscard]] static bool matches_either_way(const passing<address>& what) {
      if (matches(Which, what)) return true;
      passing<address> back = what;
      back.source = what.destination, back.destination = what.source;
      back.source_port = what.destination_port, back.destination_port = what.source_port;
      back.in = what.out, back.out = what.in;
      return matches(Which, back);
    }
    void close(const passing<address>& what) {
      for (flow& f : flows_) {
        if (!f.is_used) continue;
        const bool is_forth = f.source == what.source && f.destination == what.destination && f.source_port == what.source_port && f.destination_port == what.destination_port;
        const bool is_back = f.source == what.destination && f.destination == what.source && f.source_port == what.destination_port && f.destination_port == what.source_port;
        if (!is_forth && !is_back) continue;
        f.fins = static_cast<u8>(f.fins | (is_forth ? 1 : 2));
        if ((what.tcp_flags & rst) != 0 || f.fins == 3) f.is_used = false;
        return;
      }
    }

    flow flows_[Flows]{};
    connection_limit_counters count_{};
  };
};

}  // namespace strata::inline STRATA_ABI::ip
