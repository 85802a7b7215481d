// SPDX-License-Identifier: MIT
// How other threads reach a stack that one thread owns: they post what is to be done, and the owner does it in its loop.
//
//   strata::posix::mailbox<64> box;
//   strata::posix::run(net, handler, box);                                              // the owner: sleeps until a frame, a timer or a letter
//   if (!box.post([stream] { (void)stream.send(order); })) ...                          // any other thread: full
//
// Bounded, without a heap: N letters of at most `Bytes` each lie in the mailbox; one that is larger does not compile. Letters of one thread are done in their
// order; so are all, by the moment at which post() took their place.
#pragma once
#include <strata/core/expected.hpp>

#include <atomic>
#include <cerrno>
#include <new>
#include <sys/eventfd.h>
#include <unistd.h>

namespace strata::inline STRATA_ABI::posix {

enum class post_error : u8 { none, full };

/// An eventfd that a loop sleeps on: wake() from any thread ends the sleep. Without one (no descriptor was left) a loop does not sleep.
class wakeup {
 public:
  wakeup() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  wakeup(const wakeup&) = delete;
  wakeup& operator=(const wakeup&) = delete;
  ~wakeup() {
    if (fd_ >= 0) (void)::close(fd_);
  }
  [[nodiscard]] int descriptor() const { return fd_; }
  /// The loop that sleeps now, or will next, goes on.
  void wake() {
    const u64 one = 1;
    while (fd_ >= 0 && ::write(fd_, &one, sizeof one) < 0 && errno == EINTR) {}
  }
  /// The loop is awake: whoever wakes from now on is heard at its next sleep.
  void hear() {
    u64 count;
    while (fd_ >= 0 && ::read(fd_, &count, sizeof count) < 0 && errno == EINTR) {}
  }

 private:
  int fd_;
};

/// Many post, one reads. `N` letters, a power of two; `Bytes`: what a letter's closure may capture.
template <u32 N, std::size_t Bytes = 48> class mailbox : public wakeup {
  static_assert(N > 1 && (N & (N - 1)) == 0, "a mailbox has a power of two letters, two at least");

 public:
  mailbox() {
    for (u32 i = 0; i < N; ++i) letters_[i].turn.store(i, std::memory_order_relaxed);
  }
  /// What was posted and not done is dropped. Nobody may post any more.
  ~mailbox() {
    while (letter* l = front()) l->act(*l, false), take(*l);
  }

  /// letter() will be called by the thread that owns the stack. Error: full, and nothing was posted. From any thread, also from a letter.
  template <class F> [[nodiscard]] expected<void, post_error> post(F letter_) {
    static_assert(sizeof(F) <= Bytes, "this letter captures more than the mailbox's Bytes: raise them, or post a reference");
    static_assert(alignof(F) <= alignof(std::max_align_t), "this letter's alignment is too large");
    u32 at = back_.load(std::memory_order_relaxed);
    letter* l;
    for (;;) {
      l = &letters_[at % N];
      const u32 turn = l->turn.load(std::memory_order_acquire);
      if (turn == at) {
        if (back_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) break;
      } else if (static_cast<i32>(turn - at) < 0) {
        return post_error::full;  // its last letter was not done yet
      } else {
        at = back_.load(std::memory_order_relaxed);
      }
    }
    ::new (static_cast<void*>(l->bytes)) F(std::move(letter_));
    l->act = [](letter& mine, bool is_wanted) {
      F& f = *std::launder(reinterpret_cast<F*>(mine.bytes));
      if (is_wanted) (void)f();
      f.~F();
    };
    l->turn.store(at + 1, std::memory_order_seq_cst);
    if (sleeps_.load(std::memory_order_seq_cst)) wake();
    return {};
  }

  /// Does what is posted, at most N letters; how many. By the owner.
  u32 deliver() {
    u32 n = 0;
    for (letter* l; n < N && (l = front()) != nullptr; ++n) l->act(*l, true), take(*l);
    return n;
  }
  [[nodiscard]] bool empty() const { return letters_[front_ % N].turn.load(std::memory_order_seq_cst) != front_ + 1; }
  /// The owner goes to sleep on descriptor(): from now on post() wakes it. Look at empty() again after it.
  void will_sleep() { sleeps_.store(true, std::memory_order_seq_cst); }
  /// And is awake again.
  void is_awake() {
    sleeps_.store(false, std::memory_order_relaxed);
    hear();
  }

 private:
  struct letter {
    std::atomic<u32> turn;  // its place in the order of all: at: free for the at-th, at + 1: posted
    void (*act)(letter&, bool is_wanted);
    alignas(std::max_align_t) std::byte bytes[Bytes];
  };
  [[nodiscard]] letter* front() {
    letter& l = letters_[front_ % N];
    return l.turn.load(std::memory_order_acquire) == front_ + 1 ? &l : nullptr;
  }
  void take(letter& l) { l.turn.store(front_++ + N, std::memory_order_release); }

  alignas(64) std::atomic<u32> back_{0};
  alignas(64) u32 front_ = 0;
  std::atomic<bool> sleeps_{false};
  letter letters_[N];
};

/// What run() may serve beside a stack.
template <class T> concept letter_box = requires(T box, const T as_seen) {
  { box.deliver() } -> std::same_as<u32>;
  { as_seen.empty() } -> std::same_as<bool>;
  { as_seen.descriptor() } -> std::same_as<int>;
  box.will_sleep();
  box.is_awake();
};
static_assert(letter_box<mailbox<2>>);

}  // namespace strata::inline STRATA_ABI::posix
