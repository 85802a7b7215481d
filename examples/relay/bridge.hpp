// SPDX-License-Identifier: MIT
// Two sides and a bad link between them: each frame that comes in on one side enters a simulated link and leaves on the other side when it is due.
//
//   side A -> | losses | -> nic::simulated_link: rate, queue, loss, delay, ... -> side B         and the same from B to A
#pragma once
#include <cli/options.hpp>
#include <relay/losses.hpp>
#include <relay/side.hpp>
#include <strata/nic/simulated.hpp>
#include <strata/stack/turn_types.hpp>
#include <strata/core/time.hpp>

namespace example {

/// What became of all frames, both ways together. received + duplicated = forwarded + everything that was dropped.
struct relay_counts {
  strata::u64 received = 0, duplicated = 0, forwarded = 0, overtaken = 0, corrupted = 0;
  strata::u64 loss = 0, script = 0, queue = 0, interface = 0, end = 0;
  strata::u64 overflow = 0, oversized = 0;  // dropped before they were received

  [[nodiscard]] strata::u64 dropped() const { return loss + script + queue + interface + end + overflow + oversized; }
};

/// What posix::run() serves, as it serves a stack. Large: it belongs in static memory.
class bridge {
 public:
  using u32 = strata::u32;
  using u64 = strata::u64;
  using time_point = strata::time_point<strata::nanoseconds64>;
  static constexpr u32 frames = relay_options::most_frames;
  static constexpr u32 largest_frame = 9216;

  bridge(side a, side b, const relay_options& o) : sides_{std::move(a), std::move(b)}, losses_{scripted_losses(o.drop_a), scripted_losses(o.drop_b)}, options_(o) {
    chunks_.open(strata::region(memory_), table_, largest_frame);
    for (u32 i = 0; i < 2; ++i) {
      link_.ways[i].random.state = o.seed;
      link_.faults(i) = {.delay_ns = o.delay_ns, .jitter_ns = o.jitter_ns, .rate = o.rate, .queue_frames = o.queue, .loss = o.loss,
                         .duplication = o.duplicate, .reordering = o.reorder, .reorder_ns = o.reorder_ns};
    }
  }

  bool poll(time_point now, strata::budget budget, int&) {
    link_.advance(now.count);
    bool is_full = take(0, budget.frames);
    is_full = take(1, budget.frames) || is_full;
    is_idle_ = !is_full;
    for (u32 from = 0; from < 2; ++from) deliver(from, budget.frames);
    return is_full;
  }
  [[nodiscard]] std::optional<time_point> next_deadline() const {
    const auto next = link_.next_event();
    return next ? std::optional<time_point>(time_point{*next}) : std::nullopt;
  }
  [[nodiscard]] bool idle() const { return is_idle_; }
  template <class F> void for_each_driver(F&& f) {
    for (side& s : sides_) f(s);
  }

  /// Drops what is still on its way. Nothing of the pool is in use afterwards.
  [[nodiscard]] relay_counts finish() {
    for (u32 i = 0; i < 2; ++i) count_.end += link_.in_flight(i);
    for (auto& end : ends_) end.close();
    for (u32 i = 0; i < 2; ++i) {
      const strata::nic::simulated_counters& way = link_.of(i);
      count_.loss += way.lost;
      count_.queue += way.queue_full + way.no_room;
      count_.duplicated += way.duplicated;
      count_.overtaken += way.overtaken;
      count_.corrupted += way.corrupted;
      count_.interface += sides_[i].refused();
      count_.oversized += sides_[i].oversized();
      count_.overflow += sides_[i].overflowed();
    }
    count_.forwarded -= count_.interface;
    return count_;
  }
  [[nodiscard]] u32 chunks_in_use() const { return chunks_.in_use(); }

 private:
  /// Frames that came in on a side enter the link. True if there may be more.
  bool take(u32 from, std::size_t most) {
    strata::packet batch[64];
    const std::size_t n = sides_[from].receive(chunks_, std::span(batch).first(most < 64 ? most : 64));
    count_.received += n;
    for (strata::packet& p : std::span(batch).first(n)) {
      if (losses_[from].drops(p.bytes())) {
        ++count_.script;
        p.reset();
        continue;
      }
      // A flipped bit in ARP is not noticed by anybody and may cut a host off for minutes; in IP a checksum sees it. The MAC addresses are spared likewise.
      const auto header = strata::wire::ethernet::parse(p.bytes());
      const bool is_ip = header && (header->type == strata::wire::ethertype::ipv4 || header->type == strata::wire::ethertype::ipv6);
      link_.faults(from).corruption = is_ip ? options_.corrupt : 0;
      link_.faults(from).corrupt_from = strata::wire::ethernet::header_size;
      strata::packet posted = p.share(strata::buffer::owner::nic);
      p.reset();
      strata::packet done[64];
      (void)ends_[from].reclaim(done);  // once a frame, as each call draws from the seed: the fate of a frame must not follow from how often we looked
      if (ends_[from].transmit({&posted, 1}) == 0) ++count_.queue;  // as many wait for the rate as there may be
      (void)ends_[from].flush();
    }
    return n == most;
  }
  /// What is due leaves on the other side.
  void deliver(u32 from, std::size_t most) {
    strata::packet batch[64];
    const std::size_t n = ends_[1 - from].receive(chunks_, std::span(batch).first(most < 64 ? most : 64));
    if (n == most) is_idle_ = false;
    for (strata::packet& p : std::span(batch).first(n)) {
      if (sides_[1 - from].transmit({&p, 1}) == 1) ++count_.forwarded;
      else ++count_.queue;  // the interface's own
    }
  }

  using link_type = strata::nic::simulated_link_of<frames, largest_frame>;
  side sides_[2];
  scripted_losses losses_[2];
  const relay_options& options_;
  relay_counts count_{};
  bool is_idle_ = true;
  // The frames that wait for the rate hold their chunk, in both directions; 64 more are in hand. What is never used is never touched.
  static inline std::byte memory_[(2 * frames + 64) * std::size_t{largest_frame}];
  static inline strata::buffer::descriptor table_[2 * frames + 64];
  static inline link_type link_;
  strata::buffer::pool chunks_{};
  strata::nic::simulated_end<frames, largest_frame> ends_[2] = {{link_, 0}, {link_, 1}};
};

}  // namespace example
