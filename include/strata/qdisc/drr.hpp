// SPDX-License-Identifier: MIT
// Deficit round robin (Shreedhar and Varghese, 1995): flows in turn, and each turn is worth as many bytes, whatever the length of the frames. A flow is the
// hash of its addresses and ports. Linux: drr.
#pragma once
#include <strata/qdisc/discipline.hpp>
#include <strata/qdisc/flow.hpp>

namespace strata::inline STRATA_ABI::qdisc {

struct drr_options {
  u32 flows = 256;        ///< queues; flows whose hashes meet share one: of 16 flows, two meet in one case of three
  u32 quantum = 1514;     ///< bytes of a turn: an Ethernet frame, so that each turn sends one at least
  u32 flow_limit = 100;   ///< packets of one queue
  u32 limit = 1000;       ///< packets of all, as of a Linux interface (txqueuelen)
};

template <drr_options Options> struct drr_of {
  static_assert(Options.flows > 0 && Options.flows <= most_flows, "drr has between 1 and 65,534 flows");
  static_assert(Options.quantum >= 256, "a quantum below 256 bytes lets drr go round more often than a frame is worth");
  static_assert(Options.flow_limit > 0 && Options.limit > 0, "a queue of no packet is qdisc::direct");

  template <class C> class of {
   public:
    static constexpr bool is_direct = false;
    static constexpr bool reads_headers = true;
    struct counters {
      tally limit = 0;       ///< refused: too many wait
      tally flow_limit = 0;  ///< refused: too many of the flow
    };

    void seed(const siphash_key& key) { key_ = key; }
    [[nodiscard]] bool enqueue(packet& p) {
      if (size_ == Options.limit) return ++count_.limit, false;
      const u32 i = scaled(flow_hash(key_, p), Options.flows);
      flow& f = flows_[i];
      if (f.waiting.size() == Options.flow_limit) return ++count_.flow_limit, false;
      if (f.waiting.empty()) {
        f.deficit = Options.quantum;
        active_.push(flows_, i);
      }
      f.waiting.push(std::move(p));
      ++size_;
      return true;
    }
    /// A frame that is longer than its flow's deficit waits for further turns: at most 256 of them for the longest.
    [[nodiscard]] packet dequeue(buffer::pool& chunks) {
      while (!active_.empty()) {
        const u32 i = active_.front();
        flow& f = flows_[i];
        const u32 length = f.waiting.front(chunks)->length;
        if (length > f.deficit) {
          f.deficit += Options.quantum;
          active_.pop(flows_);
          active_.push(flows_, i);
          continue;
        }
        f.deficit -= length;
        --size_;
        packet p = f.waiting.pop(chunks);
        if (f.waiting.empty()) active_.pop(flows_);
        return p;
      }
      return {};
    }
    void clear(buffer::pool& chunks) {
      for (; !active_.empty(); active_.pop(flows_)) flows_[active_.front()].waiting.clear(chunks);
      size_ = 0;
    }

    [[nodiscard]] u32 size() const { return size_; }  ///< packets
    [[nodiscard]] const counters& counted() const { return count_; }

   private:
    struct flow {
      buffer::list<&buffer::descriptor::below, buffer::owner::qdisc> waiting{};
      u32 deficit = 0;  // bytes
      u16 next = 0;
    };
    siphash_key key_{};
    u32 size_ = 0;
    flow_list active_{};
    counters count_{};
    flow flows_[Options.flows]{};
  };
};
using drr = drr_of<drr_options{}>;

}  // namespace strata::inline STRATA_ABI::qdisc
