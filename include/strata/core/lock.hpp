// SPDX-License-Identifier: MIT
// One lock for a stack that several threads call: `using exclusion = strata::exclusion::locked;`. Everything of the stack is under it, so that each ring
// has one producer. It knows its owner and counts depth: a handler, which runs under it, may call anything.
//
//   a call of a thread          Spins tries ----> it runs, under the lock
//                                     \-> posted: one of Posts places -> the holder runs it when it leaves, and the caller takes the answer
//
// Posted are the calls on one stream or socket that answer by value (send, receive, consume, close, abort, ...): see stack/shared.hpp. All others wait for the lock.
// A handler of one stack must not call another one that is locked too, since that one's may call back: it posts to a posix::mailbox.
// A caller waits for its answer in either case; what it saves is the way of the lock from core to core. With all places taken it waits for the lock.
#pragma once
#include <strata/core/exclusion.hpp>

namespace strata::inline STRATA_ABI::exclusion {

/// How a thread waits for another one: asked again and again, `rounds` counts. This one tells the processor and goes on; where threads outnumber cores take
/// one that gives the core away, such as posix::yielding.
struct spinning {
  static void wait(u32 /*rounds*/) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__ARM_ARCH)
    __asm__ volatile("yield");
#endif
  }
};

/// `Thread::me()` is never null here. `Waiting::wait(rounds)` waits a little. `Spins`: tries before a call is posted. `Posts`: calls that may be posted at a time.
template <class Thread = calling_thread, class Waiting = spinning, u32 Spins = 64, u32 Posts = 8> class locked_of {
 public:
  static constexpr bool is_shared = true;
  static constexpr u32 copied_apart = 4096;     ///< bytes: a send or receive of so many copies them without the lock; fewer are not worth a second turn of it
  static constexpr u32 backlog_segments = 64;   ///< of a connection whose bytes are being copied; beyond it they are dropped. Linux: sk_rcvbuf, TCPBacklogDrop
  using waiting = Waiting;

  class guard {
   public:
    explicit guard(locked_of& lock) : lock_(&lock) {}
    guard(const guard&) = delete;
    guard& operator=(const guard&) = delete;
    ~guard() { lock_->leave(); }

   private:
    locked_of* lock_;
  };

  [[nodiscard]] guard enter() {
    for (u32 round = 0; !try_enter(); ++round) Waiting::wait(round);
    return guard(*this);
  }
  /// Gives the lock, which the caller holds once, to others for a while.
  void let_others(u32 rounds) {
    STRATA_EXPECTS(is_held_once());
    leave();
    Waiting::wait(rounds);
    for (u32 round = 0; !try_enter(); ++round) Waiting::wait(round);
  }
  /// Whether the caller holds it.
  [[nodiscard]] bool is_held() const { return __atomic_load_n(&owner_, __ATOMIC_RELAXED) == Thread::me(); }
  /// Whether the caller holds it once: leaving gives it away.
  [[nodiscard]] bool is_held_once() const { return is_held() && depth_ == 1; }

  /// The answer of call(), which is run under the lock, by the caller or by who holds it. `call` returns an optional: nothing means not yet, and it is
  /// asked again later. Not for a caller that holds the lock.
  template <class Call> auto run(Call&& call) {
    using result = decltype(call());
    struct request : post {
      std::remove_reference_t<Call>* call;
      result answer;
    } mine{};
    mine.call = &call;
    mine.attempt = [](post& p) {
      request& r = static_cast<request&>(p);
      if (auto answer = (*r.call)()) r.answer.emplace(*std::move(answer));
      return r.answer.has_value();
    };
    post** place = nullptr;
    for (u32 round = 0;; ++round) {
      if (place != nullptr && __atomic_load_n(&mine.is_done, __ATOMIC_ACQUIRE)) break;
      if (try_enter()) {
        const guard held(*this);  // leaving, it serves what is posted, ours among it
        if (place == nullptr && mine.attempt(mine)) break;
      } else if (place == nullptr && round >= Spins) {
        place = give(mine);
      }
      Waiting::wait(round);
    }
    return *std::move(mine.answer);
  }
  /// How many calls the holders ran for others.
  [[nodiscard]] u32 served() const { return __atomic_load_n(&served_, __ATOMIC_RELAXED); }

 private:
  struct post {
    bool (*attempt)(post&) = nullptr;
    bool is_done = false;
  };

  [[nodiscard]] bool try_enter() {
    const void* const me = Thread::me();
    STRATA_EXPECTS(me != nullptr);
    const void* owner = __atomic_load_n(&owner_, __ATOMIC_RELAXED);
    if (owner == me) return ++depth_, true;  // only we can have written it
    if (owner != nullptr || !__atomic_compare_exchange_n(&owner_, &owner, me, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return false;
    depth_ = 1;
    return true;
  }
  void leave() {
    if (depth_ == 1) serve();
    if (--depth_ == 0) __atomic_store_n(&owner_, nullptr, __ATOMIC_RELEASE);
  }
  [[nodiscard]] post** give(post& p) {
    for (post*& place : posts_) {
      post* nobody = nullptr;
      if (__atomic_compare_exchange_n(&place, &nobody, &p, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) return &place;
    }
    return nullptr;
  }
  /// Each place once, so that a holder leaves at last however much others post.
  void serve() {
    for (post*& place : posts_) {
      post* const p = __atomic_load_n(&place, __ATOMIC_ACQUIRE);
      if (p == nullptr || !p->attempt(*p)) continue;
      __atomic_store_n(&served_, served_ + 1, __ATOMIC_RELAXED);
      __atomic_store_n(&place, nullptr, __ATOMIC_RELAXED);
      __atomic_store_n(&p->is_done, true, __ATOMIC_RELEASE);  // the caller goes on, and `p` with it
    }
  }

  const void* owner_ = nullptr;
  u32 depth_ = 0;
  u32 served_ = 0;
  post* posts_[Posts] = {};
};
using locked = locked_of<>;

}  // namespace strata::inline STRATA_ABI::exclusion
