// SPDX-License-Identifier: MIT
// A hierarchical timer wheel, bitmapped: arm, disarm and the step of an idle clock are O(1), nothing is allocated, zero is the initial state.
//
// Time counts in granules of 2^GranuleBits ticks, and a granule's number is read as digits of SlotBits bits. A timer lies at the level of the
// highest digit in which its deadline differs from now, in the slot that this digit names:
//
//   level 2  |..|..|##|..|   one slot = 64^2 granules         every timer of a level is earlier than every timer of the levels above,
//   level 1  |..|##|..|..|   one slot = 64 granules           so the first occupied slot of the lowest level is the next to come
//   level 0  |#n|.#|..|..|   one slot = 1 granule; n: now     the top level is a circle, so a clock that wraps is no special case
//
// When the clock enters a slot its timers are looked at again: due, or placed nearer. A timer moves down once a level at most, and what is left of
// the work after `Moves` timers waits for the next call. To move a deadline out, as every ACK does with the retransmission timer, writes one word:
// the timer stays where it is until its old slot comes.
#pragma once
#include <strata/core/time.hpp>
#include <strata/core/types.hpp>

#include <bit>
#include <type_traits>

namespace strata::inline STRATA_ABI {

/// The lowest level's slot is 2^this ticks: 65 us where a tick is a nanosecond, 64 us where it is a microsecond, else one tick.
template <class Tick> inline constexpr u32 timer_granule_bits = Tick::per_second >= 1'000'000'000 ? 16 : Tick::per_second >= 1'000'000 ? 6 : 0;
/// Slots of a level as a power of two. A 32-bit tick keeps to 32 slots, so that no 64-bit arithmetic is left anywhere.
template <class Tick> inline constexpr u32 timer_slot_bits = sizeof(typename Tick::rep) == 8 ? 6 : 5;

/// Timers are named 0 .. Timers - 1 (a connection's slot). A timer is due at the first advance(now) with now >= its deadline, never before it. Only
/// when more than `Moves` timers have to be looked at in one call is the rest left for the next calls, and next_deadline() is now until it is done.
/// The longest delay is Tick::horizon, and advance() must be called at least that often while a timer is armed.
template <class Tick, u32 Timers, u32 GranuleBits = timer_granule_bits<Tick>, u32 SlotBits = timer_slot_bits<Tick>, u32 Moves = 1024>
class timer_wheel {
  static_assert(SlotBits >= 4 && SlotBits <= 6, "a level has 16, 32 or 64 slots: one word of bitmap");
  static_assert(Timers > 0 && Timers < 1u << 30 && Moves > 0);

 public:
  using rep = typename Tick::rep;
  static constexpr u32 timers = Timers;

  /// Arms `timer` for `at`, or re-arms it. A time in the past counts as now and is due at the next advance().
  STRATA_OFF_PATH constexpr void arm(u32 timer, time_point<Tick> at) {
    STRATA_EXPECTS(timer < Timers);
    node& n = nodes_[timer];
    const bool linked = n.links.next != 0;
    if (!started_) {  // no time is known yet: the first advance() sorts
      n.deadline = at.count;
      if (!linked) ++armed_, push(unsorted, name(timer));
      return;
    }
    const bool is_past = now_.reached(at);
    const bool waits = linked && (n.links.prev & due_mark) == 0 && now_.is_before({n.deadline});
    if (waits && !is_past && !at.is_before({n.deadline})) {
      n.deadline = at.count;  // it is looked at when its old slot comes, and then placed anew
      return;
    }
    if (linked) unlink(name(timer));
    else ++armed_;
    n.deadline = is_past ? now_.count : at.count;
    if (is_past) push(unsorted, name(timer));
    else place(name(timer));
  }
  /// Nothing happens if it is not armed.
  constexpr void disarm(u32 timer) {
    STRATA_EXPECTS(timer < Timers);
    if (nodes_[timer].links.next == 0) return;
    unlink(name(timer));
    --armed_;
  }
  /// Whether it was armed and not yet taken by next_due().
  [[nodiscard]] constexpr bool is_armed(u32 timer) const { return nodes_[timer].links.next != 0; }
  /// When it is, or was last, to be due.
  [[nodiscard]] constexpr time_point<Tick> deadline(u32 timer) const { return {nodes_[timer].deadline}; }
  [[nodiscard]] constexpr u32 armed() const { return armed_; }

  /// Moves the clock: what is due by then is handed out by next_due(). A jump costs no more than the occupied slots it passes, one word a level,
  /// and `Moves` timers. Time that runs back is ignored.
  constexpr void advance(time_point<Tick> now) {
    u32 moves = Moves;
    if (!started_ || armed_ == 0) {  // nothing to compare with: any time is right
      if (!started_) moves = ~0u;
      now_ = since_ = now;
      started_ = true;
    }
    if (!now_.reached(now)) {
      // A deadline that waits to be looked at may not fall out of the half circle behind the clock. Only more than `Moves` timers and then a
      // move of a whole horizon bring that about.
      if (heads_[unsorted].next != 0 && now.is_before(since_)) {
        u32 all = ~0u;
        sort(all);
      }
      if (heads_[unsorted].next == 0) since_ = now_;
      const rep from = granule(now_.count), to = granule(now.count);
      now_ = now;
      if (from != to) turn(from, to);
      else if (const u32 here = digit(to, 0); is_occupied(0, here) && now.reached({nearest_})) move_to_unsorted(here);
    }
    sort(moves);
  }

  /// Whether advance(now) would find something, or has a clock to move: if not, it need not be called.
  [[nodiscard]] STRATA_ALWAYS_INLINE constexpr bool is_due(time_point<Tick> now) const {
    const rep here = granule(now_.count);
    if (!started_ || heads_[due].next != 0 || heads_[unsorted].next != 0 || here != granule(now.count)) return true;
    return is_occupied(0, digit(here, 0)) && now.reached({nearest_});
  }

  /// Takes one timer that is due, which is then disarmed; nothing if there is none. What the caller does not take stays due.
  [[nodiscard]] constexpr std::optional<u32> next_due() {
    const link first = heads_[due].next;
    if (first == 0) return {};
    unlink(first);
    --armed_;
    return static_cast<u32>(first - 1);
  }

  /// How long a loop may sleep: a moment that is never later than the earliest deadline; the current time if there is work now; nothing if no timer
  /// is armed. It may be early, by less than the slot that the earliest timer lies in, where many timers share that slot. It then lies
  /// ahead of the clock nevertheless, and advance() to it sorts the slot, so a loop that sleeps until it never spins: at most once a level.
  [[nodiscard]] constexpr std::optional<time_point<Tick>> next_deadline() const {
    if (armed_ == 0) return {};
    if (heads_[due].next != 0 || heads_[unsorted].next != 0) return now_;
    u32 level = 0;
    while (occupied_[level] == 0) ++level;
    const rep here = granule(now_.count);
    const u32 slot = first_occupied(level, digit(here, level));
    const u32 shift = level * SlotBits;
    const rep around = level == top ? rep{0} : static_cast<rep>(here >> (shift + SlotBits) << (shift + SlotBits));
    const rep first = static_cast<rep>(around | static_cast<rep>(static_cast<rep>(slot) << shift));
    const time_point<Tick> begin{static_cast<rep>(first << GranuleBits)};
    const time_point<Tick> end{static_cast<rep>(static_cast<rep>(first + (rep{1} << shift)) << GranuleBits)};
    // A slot of few timers is read through. One that was moved out lies behind the slot's end, and then another slot may come first.
    time_point<Tick> earliest = end;
    link n = heads_[level << SlotBits | slot].next;
    for (u32 i = 0; i < looked_at && n <= Timers; ++i, n = nodes_[n - 1].links.next)
      earliest = earlier_of(earliest, time_point<Tick>{nodes_[n - 1].deadline});
    if (n > Timers) return earliest;
    return level == 0 && first == here ? time_point<Tick>{nearest_} : begin;
  }

 private:
  static constexpr u32 rep_bits = sizeof(rep) * 8;
  static constexpr u32 levels = (rep_bits - GranuleBits + SlotBits - 1) / SlotBits;
  static constexpr u32 top = levels - 1;
  static constexpr u32 slots = (top << SlotBits) + (1u << (rep_bits - GranuleBits - top * SlotBits));
  static_assert(levels >= 2 && levels <= 16);
  static constexpr u32 due = slots, unsorted = slots + 1;  // two lists beside the slots
  static constexpr u32 looked_at = 8;

  // Links name timers as 1 + their index and heads of lists behind them; zero is no link. The upmost bit of `prev` marks the members of the due list.
  static constexpr u32 names = 1 + Timers + slots + 2;
  using link = std::conditional_t<(names <= 0x7fff), u16, u32>;
  static constexpr link due_mark = static_cast<link>(link{1} << (sizeof(link) * 8 - 1));
  using word = std::conditional_t<SlotBits == 6, u64, u32>;  // of bitmap
  struct pair {
    link next = 0;
    link prev = 0;
  };
  struct node {
    rep deadline = 0;
    pair links{};
  };

  [[nodiscard]] static constexpr link name(u32 timer) { return static_cast<link>(timer + 1); }
  [[nodiscard]] static constexpr link head(u32 list) { return static_cast<link>(Timers + 1 + list); }
  [[nodiscard]] constexpr pair& at(link n) { return n <= Timers ? nodes_[n - 1].links : heads_[n - Timers - 1]; }
  [[nodiscard]] static constexpr rep granule(rep time) { return static_cast<rep>(time >> GranuleBits); }
  [[nodiscard]] static constexpr u32 digit(rep granules, u32 level) {
    return static_cast<u32>(granules >> (level * SlotBits)) & ((1u << SlotBits) - 1);
  }
  /// The level of the highest digit in which two granules differ. The division by SlotBits is a multiplication that stays in 32 bits.
  [[nodiscard]] static constexpr u32 level_of(rep difference) {
    return difference == 0 ? 0 : (static_cast<u32>(std::bit_width(difference)) - 1) * (256 / SlotBits + 1) >> 8;
  }
  [[nodiscard]] constexpr bool is_occupied(u32 level, u32 slot) const { return (occupied_[level] >> slot & 1) != 0; }
  /// Counted from `here` on; only the top level has slots that lie before it.
  [[nodiscard]] constexpr u32 first_occupied(u32 level, u32 here) const {
    const word ahead = static_cast<word>(occupied_[level] >> here << here);
    return static_cast<u32>(std::countr_zero(ahead != 0 ? ahead : occupied_[level]));
  }

  constexpr void push(u32 list, link n) {
    pair& h = heads_[list];
    if (h.next == 0) {
      h.next = head(list);
      h.prev = static_cast<link>(head(list) | (list == due ? due_mark : 0));
      if (list < slots) occupied_[list >> SlotBits] |= word{1} << (list & ((1u << SlotBits) - 1));
    }
    pair& self = at(n);
    self.next = head(list);
    self.prev = h.prev;
    at(static_cast<link>(h.prev & ~due_mark)).next = n;
    h.prev = static_cast<link>(n | (self.prev & due_mark));
  }
  constexpr void unlink(link n) {
    pair& self = at(n);
    const link before = static_cast<link>(self.prev & ~due_mark);
    at(before).next = self.next;
    at(self.next).prev = self.prev;
    if (before == self.next) {  // both are the head: the list is empty
      if (before <= Timers) __builtin_unreachable();  // a timer is never its own neighbour; g++ 12 warns of an index below zero without this
      vacate(before - Timers - 1);
    }
    self = {};
  }
  constexpr void vacate(u32 list) {
    heads_[list] = {};
    if (list < slots) occupied_[list >> SlotBits] &= static_cast<word>(~(word{1} << (list & ((1u << SlotBits) - 1))));
  }
  /// Puts a timer whose deadline lies ahead into its slot.
  constexpr void place(link n) {
    const rep deadline = nodes_[n - 1].deadline;
    const rep here = granule(now_.count), there = granule(deadline);
    const u32 level = level_of(static_cast<rep>(here ^ there));
    const u32 slot = digit(there, level);
    if (here == there && (!is_occupied(0, slot) || time_point<Tick>{deadline}.is_before({nearest_}))) nearest_ = deadline;
    push(level << SlotBits | slot, n);
  }
  /// Appends a slot's whole list to the timers that are to be looked at: four links, however long it is.
  constexpr void move_to_unsorted(u32 list) {
    const pair moved = heads_[list];
    vacate(list);
    pair& h = heads_[unsorted];
    if (h.next == 0) h = {head(unsorted), head(unsorted)};
    at(h.prev).next = moved.next;
    at(moved.next).prev = h.prev;
    at(moved.prev).next = head(unsorted);
    h.prev = moved.prev;
  }
  constexpr void sort(u32& moves) {
    for (; moves != 0 && heads_[unsorted].next != 0; --moves) {
      const link n = heads_[unsorted].next;
      unlink(n);
      if (now_.reached({nodes_[n - 1].deadline})) push(due, n);
      else place(n);
    }
  }
  /// The clock went from one granule to another: every slot that it left, passed or entered is looked at again, the earliest first.
  [[gnu::noinline]] constexpr void turn(rep from, rep to) {
    const u32 changed = level_of(static_cast<rep>(from ^ to));
    for (u32 level = 0; level < changed; ++level) look_again(level, ~word{0}, 0);
    const u32 first = digit(from, changed), last = digit(to, changed);
    const word up_to_last = static_cast<word>(~word{0} >> (sizeof(word) * 8 - 1 - last));
    const word from_first = static_cast<word>(~word{0} << first);
    look_again(changed, first <= last ? up_to_last & from_first : up_to_last | from_first, first);
  }
  constexpr void look_again(u32 level, word which, u32 first) {
    while ((occupied_[level] & which) != 0) {
      const word left = occupied_[level] & which;
      const word ahead = static_cast<word>(left >> first << first);
      move_to_unsorted(level << SlotBits | static_cast<u32>(std::countr_zero(ahead != 0 ? ahead : left)));
    }
  }

  time_point<Tick> now_{};
  time_point<Tick> since_{};  // while timers wait to be looked at: no deadline among them is earlier
  rep nearest_ = 0;  // while the slot of the current granule is occupied: no deadline in it is earlier
  u32 armed_ = 0;
  bool started_ = false;
  word occupied_[levels]{};
  pair heads_[slots + 2]{};
  node nodes_[Timers]{};
};

}  // namespace strata::inline STRATA_ABI
