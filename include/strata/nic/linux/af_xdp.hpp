// SPDX-License-Identifier: MIT
// AF_XDP: frames between an interface and the stack's own region, past the kernel's stack (Documentation/networking/af_xdp.rst). An XDP program brings in
// what is for the stack's addresses and passes the rest to the kernel: steering.hpp. No library, only system calls.
//
//   auto nic = strata::nic::af_xdp::open({.interface = "veth1", .memory = memory});
//
// receive   takes frames where they lie; while there are none, chunks are put on the fill ring again, and a poll that finds nothing makes no system call
// transmit  writes descriptors; flush() publishes them by one store and calls the kernel once, if it wants to be called
// reclaim   finds sent chunks on the completion ring
//
// Frames that the kernel holds stay there while the interface is down, and leave when it comes up again. One that is deleted takes its sockets with it:
// then the doorbell says link_down for good.
#pragma once
#ifndef __linux__
#error "strata/nic/linux/af_xdp.hpp is AF_XDP of the Linux kernel"
#endif
#include <strata/buffer/left_checksum.hpp>
#include <strata/buffer/slots.hpp>
#include <strata/core/bytes.hpp>
#include <strata/core/expected.hpp>
#include <strata/nic/linux/af_xdp_options.hpp>
#include <strata/nic/linux/interface_facts.hpp>
#include <strata/nic/linux/overheard.hpp>

namespace strata::inline STRATA_ABI::nic {

template <class System = kernel::system_calls> class af_xdp_over {
  using socket = kernel::xsk_socket<System>;

 public:
  using options = af_xdp_options;
  using counters = af_xdp_counters;
  static constexpr u32 most_queues = 8;
  static constexpr u32 most_entries = 4096;  ///< of a ring
  static constexpr std::size_t ring_bytes = most_queues * std::size_t{most_entries} * 2 * (sizeof(kernel::xdp::descriptor) + sizeof(u64));
  static constexpr capabilities may{.fills_in_checksum = true, .verified_checksum = true, .partial_checksum = true};
  static constexpr std::size_t transmit_headroom = sizeof(kernel::xdp::transmit_metadata);

  constexpr af_xdp_over() = default;
  af_xdp_over(af_xdp_over&& other) noexcept { take_over(other); }
  af_xdp_over& operator=(af_xdp_over&& other) noexcept {
    if (this != &other) {
      close();
      take_over(other);
    }
    return *this;
  }
  ~af_xdp_over() { close(); }

  /// Attaches the program, binds the sockets; or says why not, and leaves nothing behind.
  [[nodiscard]] static expected<af_xdp_over, open_error> open(const options& o, System system = {}) {
    af_xdp_over nic;
    open_error e = nic.start(o, system, o.self_test);
    if (e.errno_value == 0 && nic.self_test_ == xdp_self_test::failed) {  // once more, since the frame's chunk is on a fill ring for good
      nic.close();
      e = nic.start(o, system, false);
      nic.self_test_ = xdp_self_test::failed;
      nic.warn("a frame that was sent through the program did not arrive: see dmesg, and diagnosis() when peers send");
    }
    if (e.errno_value != 0) return e;
    return nic;
  }

  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) {
    if (s_.table == nullptr) [[unlikely]] meet(chunks);
    std::size_t n;
    if (s_.queues == 1) [[likely]] {
      n = queues_[0].sock.receive.has_more() ? take(queues_[0], batch) : 0;
      if (queues_[0].lent <= (n == 0 ? s_.calm : s_.low)) [[unlikely]] refill(chunks, queues_[0]);
    } else {
      n = take_in_turn(chunks, batch);
    }
    if (n != 0) return n;
    if (s_.wakes) [[unlikely]] wake();
    return overheard_.has_more() ? read_overheard(chunks, batch) : 0;
  }

  /// A frame that is not in the region counts as taken and dropped.
  std::size_t transmit(std::span<packet> batch) {
    auto& ring = queues_[0].sock.transmit;
    std::size_t n = 0;
    for (; n < batch.size(); ++n) {
      const buffer::descriptor& d = batch[n].d();
      const u64 address = s_.layout.address_of(d.chunk + d.offset);
      u32 with = 0;
      bool is_ours = address < s_.layout.size();
      if (s_.has_metadata) [[unlikely]] is_ours = is_ours && write_metadata(d, with);
      if (!is_ours) [[unlikely]] {
        ++count_.foreign;
        batch[n].reset();
        continue;
      }
      u32 pieces = 1;
      if (s_.has_pieces) [[unlikely]] pieces = pieces_of(d);
      if (!ring.has_room(pieces) && !make_room(pieces)) [[unlikely]] break;
      if (s_.table == nullptr) [[unlikely]] meet(*d.home);
      if (pieces == 1) [[likely]] ring.next() = {address, d.length, with};
      else post_pieces(address, d.length);
      ++count_.transmit_frames;
      count_.transmit_bytes += d.length;
      batch[n].detach()->below = s_.tag;
    }
    return n;
  }

  std::size_t reclaim(std::span<packet> batch) {
    auto& ring = queues_[0].sock.completion;
    if (batch.empty() || !ring.has_more()) [[unlikely]] return 0;
    std::size_t n = 0;
    for (;;) {
      const u64 address = kernel::chunk_layout::plain(ring.take());
      buffer::descriptor& d = sent_at(address);
      if (!s_.has_pieces || is_last_piece(d, address)) [[likely]] {
        if (s_.has_metadata) [[unlikely]] read_metadata(d);
        d.below = 0;
        batch[n++] = packet::adopt(d, buffer::owner::nic);
      }
      if (n == batch.size()) [[unlikely]] break;
      if (!ring.has_more()) [[likely]] break;
    }
    ring.release();
    return n;
  }

  kick flush() {
    auto& ring = queues_[0].sock.transmit;
    ring.publish();
    if (s_.queues == 0 || !ring.wants_wakeup()) [[unlikely]] return kick::done;
    return ring_doorbell();
  }

  [[nodiscard]] u16 mtu() const { return s_.mtu; }
  [[nodiscard]] mac_address address() const { return s_.mac; }
  [[nodiscard]] capabilities has() const {
    return {.fills_in_checksum = s_.requests_checksum,
            .verified_checksum = s_.marks == buffer::descriptor::checksum_verified,
            .partial_checksum = s_.marks == buffer::descriptor::checksum_partial};
  }
  /// For poll(2): readable when a frame waits.
  [[nodiscard]] int descriptor() const { return all_queues_ ? all_queues_.get() : queues_[0].sock.descriptor(); }

  /// Frames for this address come in from now on; 4 or 16 bytes.
  bool claim(std::span<const u8> address) { return steering_.claim(address); }
  bool disclaim(std::span<const u8> address) { return steering_.disclaim(address); }
  [[nodiscard]] bool holds(region memory, u32 chunk_size) const {
    return memory.data() == s_.layout.base() && chunk_size == s_.layout.chunk_size() && memory.size() / chunk_size == s_.layout.chunks();
  }
  /// Chunks on the fill rings, or in the kernel's hands to receive into.
  [[nodiscard]] u32 chunks_kept() const {
    u32 n = 0;
    for (u32 i = 0; i < s_.queues; ++i) n += queues_[i].lent;
    return n;
  }

  /// driver or generic: what was got.
  [[nodiscard]] xdp_mode mode() const { return steering_.mode(); }
  [[nodiscard]] bool is_zero_copy() const { return s_.is_zero_copy; }
  /// When the last frame of those that reclaim() handed back left, in the interface's time, nanoseconds; zero: its driver does not tell.
  [[nodiscard]] u64 sent_at() const { return s_.sent_at; }
  /// What is doubtful about the interface, as sentences; none is fatal.
  [[nodiscard]] std::span<const char* const> warnings() const { return {warnings_, warning_count_}; }
  [[nodiscard]] xdp_self_test self_test() const { return self_test_; }
  /// What to look at when nothing arrives, as a sentence; some system calls.
  [[nodiscard]] const char* diagnosis() const;
  /// A system call a queue.
  [[nodiscard]] counters count() const {
    counters c = count_;
    for (u32 i = 0; i < s_.queues; ++i) add(c.kernel, queues_[i].sock.statistics());
    return c;
  }
  /// What the program did with the interface's frames; some system calls.
  [[nodiscard]] auto verdicts() const {
    auto v = steering_.verdicts();
    if (self_test_ == xdp_self_test::passed && v.redirected_ip != 0) --v.redirected_ip;  // our own
    return v;
  }

  /// Detaches the program, gives every packet back, closes the sockets.
  void close() {
    steering_.close();
    overheard_.close();
    all_queues_.close();
    for (u32 i = most_queues; i-- > 0;) queues_[i].sock.close();  // the first one, which registered the memory, goes last
    for (u32 i = 0; s_.table != nullptr && i < s_.chunks; ++i) {
      buffer::descriptor& d = s_.table[i];
      if ((d.flags & buffer::descriptor::cut) == 0) {
        give_back(d);
        continue;
      }
      for (u32 at = 0; at + d.body <= s_.layout.chunk_size(); at += d.body) give_back(buffer::slot_at(d, at));
    }
    s_ = {};
    warning_count_ = 0;
    self_test_ = xdp_self_test::not_possible;
    for (queue& q : queues_) q.lent = 0, q.was_filled = false;
  }

 private:
  /// What a completion names: a chunk, or a slot of one.
  [[nodiscard]] buffer::descriptor& sent_at(u64 address) const {
    const u32 index = s_.layout.chunk_of(address);
    buffer::descriptor& d = s_.table[index];
    if ((d.flags & buffer::descriptor::cut) == 0) [[likely]] return d;
    return buffer::slot_at(d, address - u64{index} * s_.layout.chunk_size());
  }
  /// What the kernel had when its sockets were closed.
  void give_back(buffer::descriptor& d) {
    if (d.below != s_.tag) return;
    const bool is_sent = (d.owners & packet::bit(buffer::owner::nic)) != 0;
    if (!is_sent && d.holders == 0) return;
    d.below = 0;
    packet::adopt(d, is_sent ? buffer::owner::nic : buffer::owner::holder).reset();
  }
  struct queue {
    socket sock{};
    u32 lent = 0;  // chunks that the kernel has to receive into
    bool was_filled = false;
  };
  // What a move copies, and close() forgets.
  struct state {
    buffer::descriptor* table = nullptr;  // of the pool, known from the first packet on
    kernel::chunk_layout layout{};
    u32 chunks = 0;
    u32 tag = 0;     // what descriptor::below says while we have a packet
    u32 queues = 0;
    u32 turn = 0;    // the queue that is looked at first
    u32 level = 0;   // chunks that wait on each queue, after they were made up for: when no more than `calm` are left and no frame comes, or `low`
    u32 calm = 0;
    u32 low = 0;
    u32 most = 0;    // the level grows up to it
    u32 wanted_level = 0;
    u16 mtu = 0;
    mac_address mac{};
    u8 marks = 0;    // of each received packet
    bool has_pieces = false;
    bool has_metadata = false;              // in front of each frame that is sent
    bool requests_checksum = false;
    bool wants_timestamps = false;
    bool is_zero_copy = false;
    bool is_busy_polling = false;
    bool wakes = false;                     // polls that find nothing may have to call the kernel
    bool is_dropping = false;               // the pieces of a frame that is too large
    buffer::descriptor* first = nullptr;    // the frame whose pieces come
    u64 sent_at = 0;
  };

  // open.hpp
  [[nodiscard]] open_error start(const options& o, System system, bool tests_itself);
  [[nodiscard]] open_error open_sockets(const options& o, System system, int interface_index, bool needs_pieces);
  [[nodiscard]] open_error watch_all(const options& o, System system);
  [[nodiscard]] open_error bind_first(const options& o, int interface_index, bool needs_pieces);
  void look_for_doubts(const options& o, const kernel::interface_facts& facts);
  void warn(const char* what) {
    if (warning_count_ < most_warnings) warnings_[warning_count_++] = what;
  }
  // health.hpp
  [[nodiscard]] xdp_self_test send_to_itself(System system, int interface_index);
  // path.hpp
  void meet(buffer::pool& chunks);
  void set_level(u32 level);
  std::size_t take(queue& q, std::span<packet> batch);
  std::size_t take_in_turn(buffer::pool& chunks, std::span<packet> batch);
  void refill(buffer::pool& chunks, queue& q);
  void wake();
  [[nodiscard]] packet join(packet piece, bool goes_on);
  std::size_t read_overheard(buffer::pool& chunks, std::span<packet> batch);
  [[nodiscard]] u32 pieces_of(const buffer::descriptor& d) const;
  [[nodiscard]] bool is_last_piece(const buffer::descriptor& d, u64 address) const;
  [[nodiscard]] bool write_metadata(const buffer::descriptor& d, u32& with) const;
  void read_metadata(const buffer::descriptor& d);
  void post_pieces(u64 address, u32 length);
  [[nodiscard]] bool make_room(u32 pieces);
  [[nodiscard]] kick ring_doorbell();
  [[nodiscard]] kick ring_again(long answer, u32 before);

  static void add(kernel::xdp::statistics_answer& to, const kernel::xdp::statistics_answer& s) {
    to.receive_dropped += s.receive_dropped;
    to.receive_invalid += s.receive_invalid;
    to.transmit_invalid += s.transmit_invalid;
    to.receive_ring_full += s.receive_ring_full;
    to.fill_ring_empty += s.fill_ring_empty;
    to.transmit_ring_empty += s.transmit_ring_empty;
  }
  void take_over(af_xdp_over& other) {
    for (u32 i = 0; i < most_queues; ++i) {
      queues_[i].sock = std::move(other.queues_[i].sock);
      queues_[i].lent = std::exchange(other.queues_[i].lent, 0);
      queues_[i].was_filled = std::exchange(other.queues_[i].was_filled, false);
    }
    s_ = std::exchange(other.s_, {});
    count_ = other.count_;
    steering_ = std::move(other.steering_);
    overheard_ = std::move(other.overheard_);
    all_queues_ = std::move(other.all_queues_);
    for (u32 i = 0; i < most_warnings; ++i) warnings_[i] = other.warnings_[i];
    warning_count_ = std::exchange(other.warning_count_, 0);
    self_test_ = std::exchange(other.self_test_, xdp_self_test::not_possible);
  }

  static constexpr u32 most_warnings = 8;

  state s_{};
  counters count_{};
  queue queues_[most_queues]{};
  kernel::xdp_steering<System> steering_{};
  kernel::overheard<System> overheard_{};
  kernel::owned_descriptor<System> all_queues_{};  // an epoll set, where there are several
  const char* warnings_[most_warnings]{};
  u32 warning_count_ = 0;
  xdp_self_test self_test_ = xdp_self_test::not_possible;
};

using af_xdp = af_xdp_over<>;

}  // namespace strata::inline STRATA_ABI::nic

#include <strata/nic/linux/af_xdp_health.hpp>
#include <strata/nic/linux/af_xdp_open.hpp>
#include <strata/nic/linux/af_xdp_path.hpp>

namespace strata::inline STRATA_ABI::nic {
static_assert(driver<af_xdp> && can_be_waited_for<af_xdp> && can_be_closed<af_xdp> && claims_addresses<af_xdp> && is_bound_to_memory<af_xdp> && keeps_chunks<af_xdp>);
}
