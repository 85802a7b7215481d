// SPDX-License-Identifier: MIT
// Fair queueing with CoDel, RFC 8290: flows in turn by bytes, a flow that has just begun to send before those that go on and on, and in each the delay is kept
// at the target. Linux: fq_codel.
//
//   new -> a -> b          a flow that had nothing waiting, until it has used a quantum
//   old -> c -> d -> e     all others
#pragma once
#include <strata/qdisc/codel.hpp>
#include <strata/qdisc/discipline.hpp>
#include <strata/qdisc/ecn.hpp>

namespace strata::inline STRATA_ABI::qdisc {

struct fq_codel_options {
  u32 flows = 1024;        ///< queues, by a hash of addresses and ports (RFC 8290 §4.1, §5.2.5)
  u32 limit = 10'240;      ///< packets of all queues (RFC 8290 §5.2.3); beyond, the fattest flow loses from its head
  u32 quantum = 1514;      ///< bytes of a turn: an Ethernet frame (RFC 8290 §5.2.4)
  u32 drop_batch = 64;     ///< packets that one overflow takes from the fattest flow at most, half of its bytes at most: who it is, is looked for among all
  bool ecn = true;         ///< packets of ECN-capable transports are marked and not dropped (RFC 8290 §5.2.7)
  codel_options codel{};
};

template <fq_codel_options Options> struct fq_codel_of {
  static_assert(Options.flows > 0 && Options.flows <= most_flows, "fq_codel has between 1 and 65,534 flows");
  static_assert(Options.quantum >= 256, "a quantum below 256 bytes lets fq_codel go round more often than a frame is worth");
  static_assert(Options.limit > 0 && Options.drop_batch > 0, "a queue of no packet is qdisc::direct");

  template <class C> class of {
   public:
    using time_point = strata::time_point<typename C::tick>;
    static constexpr bool is_direct = false;
    static constexpr bool reads_headers = true;
    /// Linux: tc -s qdisc show, fq_codel's own line.
    struct counters {
      tally drop_overlimit = 0;  ///< for want of room, from the fattest flow
      tally drop_codel = 0;      ///< since it waited too long
      tally ecn_mark = 0;        ///< would have been dropped, and was marked
      tally new_flows = 0;       ///< how often a flow came to the list of new ones
    };

    void seed(const siphash_key& key) { key_ = key; }
    /// Takes every packet; where there is no room another one goes. RFC 8290 §4.1.
    [[nodiscard]] bool enqueue(packet& p, time_point now) {
      buffer::pool& chunks = *p->home;
      const u32 i = scaled(flow_hash(key_, p), Options.flows);
      flow& f = flows_[i];
      arrivals_.note(p, now);
      bytes_[i] += p->length;
      ++size_;
      f.waiting.push(std::move(p));
      if (!f.is_listed) {
        f.is_listed = true;
        f.deficit = Options.quantum;
        new_.push(flows_, i);
        ++count_.new_flows;
      }
      if (size_ > Options.limit) drop_from_the_fattest(chunks);
      return true;
    }
    /// RFC 8290 §4.2. Each turn of a flow adds a quantum, so that a flow comes again at most 256 times before it may send the longest frame.
    [[nodiscard]] packet dequeue(buffer::pool& chunks, time_point now) {
      for (;;) {
        const bool is_new = !new_.empty();
        flow_list& from = is_new ? new_ : old_;
        if (from.empty()) return {};
        const u32 i = from.front();
        flow& f = flows_[i];
        if (f.deficit <= 0) {
          f.deficit += static_cast<i32>(Options.quantum);
          from.pop(flows_);
          old_.push(flows_, i);
          continue;
        }
        packet p = f.law.next(now, [&] { return take(i, chunks, now); }, [&](packet& q) { return mark(q); },
                              [&](packet&& q) { q.reset(), ++count_.drop_codel; });
        if (p) {
          f.deficit -= static_cast<i32>(p->length);
          return p;
        }
        from.pop(flows_);
        // RFC 8290 §4.2: a new flow that ran empty waits behind the old ones once, else it could keep them from their turn for ever.
        if (is_new && !old_.empty()) old_.push(flows_, i);
        else f.is_listed = false;
      }
    }
    /// Nothing waits for a time.
    [[nodiscard]] std::optional<time_point> next_deadline() const { return {}; }
    void clear(buffer::pool& chunks) {
      for (flow_list* list : {&new_, &old_}) {
        for (; !list->empty(); list->pop(flows_)) {
          const u32 i = list->front();
          flows_[i].waiting.clear(chunks);
          flows_[i].is_listed = false;
          flows_[i].law = {};
          bytes_[i] = 0;
        }
      }
      size_ = 0;
    }

    [[nodiscard]] u32 size() const { return size_; }  ///< packets
    [[nodiscard]] const counters& counted() const { return count_; }

   private:
    using codel_law = codel<typename C::tick, Options.codel>;
    struct flow {
      buffer::list<&buffer::descriptor::below, buffer::owner::qdisc> waiting{};
      i32 deficit = 0;  // bytes
      u16 next = 0;
      bool is_listed = false;
      codel_law law{};
    };

    [[nodiscard]] typename codel_law::head take(u32 i, buffer::pool& chunks, time_point now) {
      typename codel_law::head h;
      h.p = flows_[i].waiting.pop(chunks);
      if (!h.p) return h;
      --size_;
      h.bytes_behind = bytes_[i] -= h.p->length;
      h.waited = arrivals_.waited(h.p, now);
      return h;
    }
    [[nodiscard]] bool mark(packet& p) {
      if constexpr (Options.ecn) {
        if (mark_ce(p)) return ++count_.ecn_mark, true;
      }
      return false;
    }
    // Linux: fq_codel_drop.
    [[gnu::noinline]] void drop_from_the_fattest(buffer::pool& chunks) {
      u32 fattest = 0;
      for (u32 i = 1; i < Options.flows; ++i)
        if (bytes_[i] > bytes_[fattest]) fattest = i;
      const u32 half = bytes_[fattest] / 2;
      u32 n = 0;
      for (u32 gone = 0; n < Options.drop_batch && (n == 0 || gone < half); ++n) {
        const packet p = flows_[fattest].waiting.pop(chunks);
        gone += p->length;
        bytes_[fattest] -= p->length;
        --size_;
      }
      count_.drop_overlimit += n;
      flows_[fattest].law.overflowed(n);
    }

    siphash_key key_{};
    u32 size_ = 0;
    flow_list new_{}, old_{};
    counters count_{};
    u32 bytes_[Options.flows]{};  // of each flow; apart, since the fattest is looked for
    flow flows_[Options.flows]{};
    arrival_times<C> arrivals_{};
  };
};
using fq_codel = fq_codel_of<fq_codel_options{}>;

}  // namespace strata::inline STRATA_ABI::qdisc
