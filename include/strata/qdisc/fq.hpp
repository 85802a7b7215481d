// SPDX-License-Identifier: MIT
// Fair queueing: flows in turn by bytes, those that have just begun first, and each no faster than its rate, where a policy gives it one. Linux: fq.
//
//   new -> a -> b          a flow that had nothing waiting, until it has used its quantum
//   old -> c -> d -> e     all others
//   held   f g h           a heap of flows whose next frame may not leave yet, the earliest first
//
// A frame's earliest departure is the last one's and what that takes at the rate. TCP's own pacing (tcp/pacing.hpp) lets segments come here when they are due:
// together with it fq needs no rate of its own.
#pragma once
#include <strata/qdisc/discipline.hpp>
#include <strata/qdisc/flow.hpp>

namespace strata::inline STRATA_ABI::qdisc {

/// Which rate a frame's flow has: bytes a second; zero, as fast as it goes. is_paced: whether any has one, and the code for it exists.
template <class T> concept flow_pace = requires(const T pace, const packet& p) {
  { T::is_paced } -> std::convertible_to<bool>;
  { pace.rate(p) } -> std::same_as<u64>;
};
/// Nobody waits for a time.
struct unpaced {
  static constexpr bool is_paced = false;
  [[nodiscard]] constexpr u64 rate(const packet&) const { return 0; }
};
/// Each flow at most so fast; the program may set another rate. Linux: fq's maxrate.
template <u64 BytesPerSecond> struct max_rate {
  static constexpr bool is_paced = true;
  u64 bytes_per_second = BytesPerSecond;
  [[nodiscard]] constexpr u64 rate(const packet&) const { return bytes_per_second; }
};

struct fq_options {
  u32 flows = 1024;             ///< queues, by a hash of addresses and ports. Linux: buckets
  u32 limit = 10'000;           ///< packets of all
  u32 flow_limit = 100;         ///< packets of one flow
  u32 quantum = 2 * 1514;       ///< bytes of a turn: two frames, as Linux has it
  u32 first_quantum = 10 * 1514;  ///< bytes of the first turn: an initial window leaves in one
};

template <fq_options Options, class Pace = unpaced> struct fq_of {
  static_assert(Options.flows > 0 && Options.flows <= most_flows, "fq has between 1 and 65,534 flows");
  static_assert(Options.quantum >= 256, "a quantum below 256 bytes lets fq go round more often than a frame is worth");
  static_assert(Options.first_quantum > 0 && Options.flow_limit > 0 && Options.limit > 0, "a queue of no packet is qdisc::direct");
  static_assert(flow_pace<Pace>, "the second argument of fq_of is no strata::qdisc::flow_pace: it needs `static constexpr bool is_paced` and `u64 rate(const packet&) const`");

  template <class C> class of {
   public:
    using time_point = strata::time_point<typename C::tick>;
    using duration = strata::duration<typename C::tick>;
    static constexpr bool is_direct = false;
    static constexpr bool reads_headers = true;
    /// Linux: tc -s qdisc show, fq's own line.
    struct counters {
      tally limit = 0;        ///< refused: too many wait
      tally flows_plimit = 0; ///< refused: too many of the flow
      tally throttled = 0;    ///< how often a flow had to wait for its time
      tally new_flows = 0;    ///< how often a flow came to the list of new ones
    };

    void seed(const siphash_key& key) { key_ = key; }
    [[nodiscard]] bool enqueue(packet& p, time_point now) {
      if (size_ == Options.limit) return ++count_.limit, false;
      const u32 i = scaled(flow_hash(key_, p), Options.flows);
      flow& f = flows_[i];
      if (f.waiting.size() == Options.flow_limit) return ++count_.flows_plimit, false;
      if (!f.is_listed) {
        // Linux: flow_refill_delay. Who comes back soon goes on with what it had.
        constexpr duration pause = duration::ms(40);
        if (!f.has_begun) f.credit = static_cast<i32>(Options.first_quantum);
        else if (now.since(f.idle_at) >= pause && f.credit < static_cast<i32>(Options.quantum)) f.credit = static_cast<i32>(Options.quantum);
        f.has_begun = f.is_listed = true;
        new_.push(flows_, i);
        ++count_.new_flows;
      }
      f.waiting.push(std::move(p));
      ++size_;
      return true;
    }
    /// Each turn of a flow adds a quantum, so that a flow comes again at most 256 times before it may send the longest frame.
    [[nodiscard]] packet dequeue(buffer::pool& chunks, time_point now) {
      release(now);
      for (;;) {
        const bool is_new = !new_.empty();
        flow_list& from = is_new ? new_ : old_;
        if (from.empty()) return {};
        const u32 i = from.front();
        flow& f = flows_[i];
        if (f.credit <= 0) {
          f.credit += static_cast<i32>(Options.quantum);
          from.pop(flows_);
          old_.push(flows_, i);
          continue;
        }
        if (f.waiting.empty()) {
          from.pop(flows_);
          if (is_new && !old_.empty()) {  // behind the old ones once, else it could keep them from their turn for ever
            old_.push(flows_, i);
          } else {
            f.is_listed = false;
            f.idle_at = now;
          }
          continue;
        }
        if constexpr (Pace::is_paced) {
          if (f.is_paced && !now.reached(f.due)) {
            from.pop(flows_);
            hold(i);
            ++count_.throttled;
            continue;
          }
        }
        packet p = f.waiting.pop(chunks);
        --size_;
        f.credit -= static_cast<i32>(p->length);
        if constexpr (Pace::is_paced) note_departure(f, p, now);
        return p;
      }
    }
    /// When the first of the flows that wait for their time may go on.
    [[nodiscard]] std::optional<time_point> next_deadline() const {
      if constexpr (Pace::is_paced)
        if (held_.count != 0) return flows_[held_.at[0]].due;
      return {};
    }
    void clear(buffer::pool& chunks) {
      for (u32 i = 0; size_ != 0; ++i) {
        size_ -= flows_[i].waiting.size();
        flows_[i].waiting.clear(chunks);
      }
      for (flow_list* list : {&new_, &old_})
        for (; !list->empty(); list->pop(flows_)) flows_[list->front()].is_listed = false;
      if constexpr (Pace::is_paced)
        for (; held_.count != 0; --held_.count) flows_[held_.at[held_.count - 1]].is_listed = false;
    }

    [[nodiscard]] u32 size() const { return size_; }  ///< packets
    [[nodiscard]] const counters& counted() const { return count_; }
    [[nodiscard]] Pace& pace() { return pace_; }

   private:
    struct no_times {};
    struct times {
      time_point due{};  // when the next frame may leave
      bool is_paced = false;
    };
    struct flow : std::conditional_t<Pace::is_paced, times, no_times> {
      buffer::list<&buffer::descriptor::below, buffer::owner::qdisc> waiting{};
      i32 credit = 0;  // bytes
      u16 next = 0;
      bool is_listed = false;  // in one of the lists, or held
      bool has_begun = false;
      time_point idle_at{};
    };

    // How long a frame takes at the flow's rate, from when it was due if it left a little late. Linux: fq_dequeue's last part.
    void note_departure(flow& f, const packet& p, time_point now) {
      const u64 rate = pace_.rate(p);
      const bool was_paced = f.is_paced;
      f.is_paced = rate != 0;
      if (!f.is_paced) return;
      const u64 ticks = (p->length * u64{C::tick::per_second} + rate - 1) / rate;
      constexpr u64 longest = static_cast<u64>(duration::seconds(1).count);  // Linux: the delay is one second at most
      const duration takes{static_cast<typename C::tick::rep>(smaller_of(ticks, longest))};
      const time_point from = was_paced && now.since(f.due) < takes ? f.due : now;
      f.due = from + takes;
    }
    void release(time_point now) {
      if constexpr (Pace::is_paced) {
        while (held_.count != 0 && now.reached(flows_[held_.at[0]].due)) {
          const u32 i = held_.at[0];
          held_.at[0] = held_.at[--held_.count];
          sink(0);
          old_.push(flows_, i);
        }
      }
    }
    // The heap: each flow is due not before the one above it.
    [[nodiscard]] bool is_earlier(u32 a, u32 b) const { return flows_[held_.at[a]].due.is_before(flows_[held_.at[b]].due); }
    void hold(u32 i) {
      u32 at = held_.count++;
      held_.at[at] = static_cast<u16>(i);
      for (u32 up; at != 0 && is_earlier(at, up = (at - 1) / 2); at = up) std::swap(held_.at[at], held_.at[up]);
    }
    void sink(u32 at) {
      for (;;) {
        u32 least = at;
        for (const u32 child : {2 * at + 1, 2 * at + 2})
          if (child < held_.count && is_earlier(child, least)) least = child;
        if (least == at) return;
        std::swap(held_.at[at], held_.at[least]);
        at = least;
      }
    }

    struct no_heap {};
    struct heap {
      u32 count = 0;
      u16 at[Options.flows]{};  // indices of flows
    };
    siphash_key key_{};
    u32 size_ = 0;
    flow_list new_{}, old_{};
    [[no_unique_address]] Pace pace_{};
    [[no_unique_address]] std::conditional_t<Pace::is_paced, heap, no_heap> held_{};
    counters count_{};
    flow flows_[Options.flows]{};
  };
};
using fq = fq_of<fq_options{}>;

}  // namespace strata::inline STRATA_ABI::qdisc
