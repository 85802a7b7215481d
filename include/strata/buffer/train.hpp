// SPDX-License-Identifier: MIT
// A train: several segments of one flow that go up or down together, behind one header. Linux: GSO, GRO.
//
//   head  | link | IP | TCP | payload |      its length field and checksum are those of the whole
//            train v
//   part            | payload |              the frame of a part is payload alone
//            train v
//   part            | payload |              train == 0: the last
//
// On the way down each part is one segment's payload, all of the same size but the last, which is not longer; `body` of the head says where its payload begins.
// Each part has its own owner bits. On the way up parts may be cut anywhere, each has one holder, and `segment_size` of the head says how long the segments are.
// Whoever drops the head drops its parts: a packet does not know of them. Only code that exists where a Config has trains looks at descriptor::train.
#pragma once
#include <strata/buffer/pool.hpp>
#include <strata/core/checksum.hpp>

namespace strata::inline STRATA_ABI::buffer {

/// No train has more parts, head included: drivers keep tables of that size.
inline constexpr u32 most_train_parts = 64;

[[nodiscard]] inline bool is_train(const descriptor& d) { return d.train != 0; }
/// Whether a received packet is several segments: a train, or a short one that found room in one chunk.
[[nodiscard]] inline bool is_joined(const descriptor& d) { return (d.train | d.segment_size) != 0; }
/// Whether what `Below` hands up may be a train; a layer below that does not say: never.
template <class Below> inline constexpr bool may_be_trains = [] {
  if constexpr (requires { std::remove_cvref_t<Below>::hands_up_trains; }) return bool{std::remove_cvref_t<Below>::hands_up_trains};
  else return false;
}();

/// f(descriptor&) for the head and each part, in order. The next one is read first: f may unlink what it is given.
template <class F> STRATA_ALWAYS_INLINE inline void each_part(descriptor& head, F&& f) {
  pool& home = *head.home;
  for (descriptor* d = &head; d != nullptr;) {
    descriptor* const next = home.named(d->train);
    f(*d);
    d = next;
  }
}
/// Bytes of all frames: of one that is no train, its own.
[[nodiscard]] inline u32 train_bytes(const descriptor& head) {
  const pool& home = *head.home;
  u32 n = head.length;
  for (const descriptor* d = home.named(head.train); d != nullptr; d = home.named(d->train)) n += d->length;
  return n;
}
/// How many chunks.
[[nodiscard]] inline u32 train_parts(const descriptor& head) {
  const pool& home = *head.home;
  u32 n = 1;
  for (const descriptor* d = home.named(head.train); d != nullptr; d = home.named(d->train)) ++n;
  return n;
}
/// Makes `next` the part behind `last`; its ownership stays set and belongs to the train.
inline void couple(descriptor& last, packet&& next) {
  STRATA_EXPECTS(last.train == 0 && last.home->shares_names(*next->home));  // a slot and a chunk may be of one train
  last.train = last.home->name(next.d());
  (void)next.detach();
}

/// The head becomes another owner's, and each part with it.
inline void become_train(packet& head, owner next) {
  const owner before = head.as();
  each_part(head.d(), [&](descriptor& d) {
    if (&d == &head.d()) return;
    packet part = packet::adopt(d, before);
    part.become(next);
    (void)part.detach();
  });
  head.become(next);
}
/// Drops what hangs on the head, which is a packet of its own again; the parts are owned as it is.
inline void drop_parts(const packet& head) {
  pool& home = *head->home;
  descriptor* d = home.named(std::exchange(head->train, 0));
  while (d != nullptr) {
    descriptor* const next = home.named(std::exchange(d->train, 0));
    packet::adopt(*d, head.as()).reset();
    d = next;
  }
}
/// Drops a train, or a packet that is none.
inline void drop_train(packet& head) {
  if (!head) return;
  drop_parts(head);
  head.reset();
}

// Of a train on its way down.
[[nodiscard]] inline u32 sent_header_size(const descriptor& head) { return static_cast<u32>(head.body) - head.offset; }     ///< bytes in front of the head's payload
[[nodiscard]] inline u32 sent_segment_size(const descriptor& head) { return head.length - sent_header_size(head); }         ///< payload bytes of each part but the last

/// The sum of all frames, one behind the other: at most ffff for each part.
[[nodiscard]] inline u32 train_sum(const descriptor& head) {
  const pool& home = *head.home;
  u32 sum = 0, n = 0;
  for (const descriptor* d = &head; d != nullptr; d = home.named(d->train)) {
    sum = append_sum(sum, ones_sum({d->chunk + d->offset, d->length}), n);
    n += d->length;
  }
  return sum;
}
/// Bytes of a received packet, where it may be a train with all its parts.
template <class Below> [[nodiscard]] STRATA_ALWAYS_INLINE inline std::size_t received_bytes(const packet& p) {
  if constexpr (may_be_trains<Below>)
    if (is_train(p.d())) return train_bytes(p.d());
  return p.size();
}
/// Cuts a received packet of `came` bytes to its first `n`. False: a train, which has no padding, is longer.
template <class Below> [[nodiscard]] STRATA_ALWAYS_INLINE inline bool trim_received(const packet& p, std::size_t n, std::size_t came) {
  if constexpr (may_be_trains<Below>)
    if (is_train(p.d())) return n == came;
  (void)came;
  p.trim(n);
  return true;
}

/// The bytes of each part, in order: `for (std::span<const std::byte> part : train_spans(head))`.
class train_spans {
 public:
  class iterator {
   public:
    explicit iterator(const descriptor* d) : d_(d) {}
    [[nodiscard]] std::span<const std::byte> operator*() const { return {d_->chunk + d_->offset, d_->length}; }
    iterator& operator++() { return d_ = d_->home->named(d_->train), *this; }
    [[nodiscard]] friend bool operator==(const iterator&, const iterator&) = default;

   private:
    const descriptor* d_;
  };
  train_spans() = default;
  explicit train_spans(const descriptor& head) : head_(&head) {}
  [[nodiscard]] iterator begin() const { return iterator(head_); }
  [[nodiscard]] static iterator end() { return iterator(nullptr); }
  [[nodiscard]] std::size_t size() const { return head_ == nullptr ? 0 : train_bytes(*head_); }  ///< bytes

 private:
  const descriptor* head_ = nullptr;
};

// Of a train on its way up whose head begins with `header` bytes of headers.
/// How many segments it is.
[[nodiscard]] inline u32 train_segments(const descriptor& head, u32 header) {
  const u32 payload = train_bytes(head) - header;
  return head.segment_size == 0 || payload == 0 ? 1 : (payload + head.segment_size - 1) / head.segment_size;
}

}  // namespace strata::inline STRATA_ABI::buffer
