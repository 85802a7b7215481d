// SPDX-License-Identifier: MIT
// A queue in its steady state, for the rows of bench/qdisc.cpp and bench/instructions_of_queues.cpp: two frames of each flow wait, one more goes in and the
// next one comes out. A frame that came out goes in again, so that nothing but the queue is counted.
#pragma once
#include <strata/qdisc/drr.hpp>
#include <strata/qdisc/fifo.hpp>
#include <strata/qdisc/fq.hpp>
#include <strata/qdisc/fq_codel.hpp>
#include <strata/qdisc/prio.hpp>
#include <strata/qdisc/tbf.hpp>
#include <strata/core/limits.hpp>

#include <memory>
#include <vector>

namespace bench {

using strata::u32, strata::u64;

struct queue_config {
  using tick = strata::nanoseconds64;
  static constexpr strata::limits limits{.chunks = 2304};
};
using fifo = strata::qdisc::fifo_of<4096>::of<queue_config>;
using prio = strata::qdisc::prio<strata::qdisc::fifo_of<4096>, strata::qdisc::fifo_of<4096>, strata::qdisc::fifo_of<4096>>::of<queue_config>;
using tbf = strata::qdisc::tbf_of<strata::qdisc::tbf_options{.rate = 1'250'000'000}, strata::qdisc::fifo_of<4096>>::of<queue_config>;
using drr = strata::qdisc::drr_of<strata::qdisc::drr_options{.flows = 1024, .limit = 4096}>::of<queue_config>;
using fq = strata::qdisc::fq::of<queue_config>;
using fq_paced = strata::qdisc::fq_of<strata::qdisc::fq_options{}, strata::qdisc::max_rate<1'250'000'000>>::of<queue_config>;
using fq_codel = strata::qdisc::fq_codel::of<queue_config>;

template <class Queue> struct steady {
  static constexpr u32 chunk_size = 256, length = 114;
  using moment = strata::time_point<strata::nanoseconds64>;
  std::vector<std::byte> memory = std::vector<std::byte>(std::size_t{queue_config::limits.chunks} * chunk_size);
  std::vector<strata::buffer::descriptor> table = std::vector<strata::buffer::descriptor>(queue_config::limits.chunks);
  strata::buffer::pool chunks{};
  Queue queue{};
  moment now{1'000'000'000};
  strata::packet in_hand{};
  u64 lost = 0;

  explicit steady(u32 flows) {
    chunks.open(strata::region(memory), table, chunk_size);
    if constexpr (strata::qdisc::wants_a_key<Queue>) queue.seed({1, 2});
    for (u32 i = 0; i < 2 * flows; ++i) {
      strata::packet p = frame(static_cast<strata::u16>(i % flows));
      if (!strata::qdisc::put(queue, p, now)) ++lost;
    }
    in_hand = frame(0);
  }
  steady(const steady&) = delete;
  steady& operator=(const steady&) = delete;
  ~steady() {
    queue.clear(chunks);
  }
  /// A frame in, a frame out.
  void turn() {
    now.count += 1'000;  // what 114 bytes take at a gigabit a second: nothing waits for its time
    if (!strata::qdisc::put(queue, in_hand, now)) ++lost;
    strata::packet out = strata::qdisc::get(queue, chunks, now);
    if (!out) return void(++lost);
    out.become(strata::buffer::owner::application);
    in_hand = std::move(out);
  }

 private:
  strata::packet frame(strata::u16 flow) {
    strata::packet p = chunks.take(32);
    std::byte* const at = p.room().data();
    __builtin_memset(at, 0, length);
    p.extend(length);
    at[12] = std::byte{0x08}, at[14] = std::byte{0x45}, at[23] = std::byte{17};
    strata::store_be<strata::u16>(at + 16, length - 14);
    strata::store_be<strata::u16>(at + 20, 0x4000);
    strata::store_be<u32>(at + 26, 0x0a000001);
    strata::store_be<u32>(at + 30, 0x0a000002);
    strata::store_be<strata::u16>(at + 34, flow);
    p->network = static_cast<strata::u16>(p->offset + 14);
    return p;
  }
};

}  // namespace bench
