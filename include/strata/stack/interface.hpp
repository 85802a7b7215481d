// SPDX-License-Identifier: MIT
// An interface is a driver, its link header, its neighbours and its queue, of `Parts`; the finished Config gives tick, family and limits.
#pragma once
#include <strata/core/layers.hpp>
#include <strata/core/limits.hpp>
#include <strata/core/observer.hpp>
#include <strata/core/time.hpp>
#include <strata/link/framing.hpp>
#include <strata/link/segment.hpp>
#include <strata/neighbour/cache.hpp>
#include <strata/nic/driver.hpp>
#include <strata/qdisc/discipline.hpp>
#include <strata/stack/interface_parts.hpp>

namespace strata::inline STRATA_ABI {

template <class Parts> struct interface {
  template <class C> class of {
   public:
    using driver = typename Parts::nic;
    using framing = typename Parts::link;
    using cache = typename Parts::neighbour::template of<C>;
    using discipline = typename Parts::qdisc::template of<C>;
    using limiter = typename decltype(detail::byte_limit_of_parts<Parts>())::type::template of<C>;
    using selection = typename decltype(detail::selection_of_parts<Parts>())::type::template of<C>;
    using address = typename C::family::address;
    using time_point = strata::time_point<typename C::tick>;
    static_assert(nic::receives_frames<driver>, "this Config's nic is no strata::nic::driver: it needs `std::size_t receive(buffer::pool&, std::span<packet>)`");
    static_assert(nic::transmits_frames<driver>, "this Config's nic is no strata::nic::driver: it needs `std::size_t transmit(std::span<packet>)`");
    static_assert(nic::gives_back_what_it_sent<driver>, "this Config's nic is no strata::nic::driver: it needs `std::size_t reclaim(std::span<packet>)`");
    static_assert(nic::rings_its_doorbell<driver>, "this Config's nic is no strata::nic::driver: it needs `nic::kick flush()`");
    static_assert(nic::states_its_mtu<driver>, "this Config's nic is no strata::nic::driver: it needs `u16 mtu() const`");
    static_assert(nic::states_its_address<driver>, "this Config's nic is no strata::nic::driver: it needs `mac_address address() const`");
    static_assert(nic::states_its_rings<driver>, "this Config's nic is no strata::nic::driver: it needs `static constexpr std::size_t ring_bytes`");
    static_assert(nic::states_its_capabilities<driver>, "this Config's nic is no strata::nic::driver: it needs `static constexpr nic::capabilities may` and `has() const`");
    static_assert(link::states_its_header_size<framing> && link::says_whether_it_has_addresses<framing> && link::emits_a_header<framing> && link::parses_a_header<framing>,
                  "this Config's link is no strata::link::framing");
    static_assert(qdisc::discipline_in<discipline, time_point>, "this Config's qdisc is no strata::qdisc::discipline: `of<C>` needs enqueue, dequeue, is_direct and clear");

    struct options {
      driver nic;
      [[no_unique_address]] typename framing::options link{};
      mac_address mac{};          ///< zero: the driver's
      subnet<typename C::family::address> address{};  ///< ours, and the length of the prefix on this link
      typename C::family::address gateway{};  ///< of the default route; unspecified: none
      u16 mtu = 0;                ///< bytes of IP packet; zero: the driver's
    };

    static constexpr std::size_t header_size = framing::header_size;  ///< bytes of link header
    static_assert(!limiter::is_limited || !discipline::is_direct, "a byte limit holds frames back, and qdisc::direct has no place for them");
    static_assert(!selection::selects || nic::has_queues<driver>, "this Config's queue_selection wants a driver with several queues: `std::size_t transmit(std::span<packet>, u32 queue)` and `u32 queues() const`");

    static constexpr bool has_addresses = framing::has_addresses;
    static constexpr bool is_timed = qdisc::timed<discipline, time_point>;  ///< whether the queue asks what time it is, and may make packets wait
    using moment = std::conditional_t<is_timed, time_point, qdisc::no_time>;
    static constexpr bool may_fill_in_checksum = driver::may.fills_in_checksum;
    static constexpr bool claims = nic::claims_addresses<driver>;
    static constexpr bool owns_ports = nic::owns_ports<driver>;
    static constexpr bool hands_up_trains = driver::may.trains;
    static constexpr bool has_trains = C::gso_max_size != 0;
    /// A queue holds frames: there trains end before it.
    static constexpr bool may_pass_trains = has_trains && driver::may.segments && driver::may.fills_in_checksum && discipline::is_direct;
    /// Bytes that the driver writes in front of each frame.
    static constexpr std::size_t transmit_headroom = [] {
      if constexpr (nic::writes_in_front<driver>) return std::size_t{driver::transmit_headroom};
      else return std::size_t{0};
    }();
    /// What the driver may say of a received transport checksum: bits of descriptor::flags.
    static constexpr u8 checksum_marks = (driver::may.verified_checksum ? buffer::descriptor::checksum_verified : 0) |
                                         (driver::may.partial_checksum ? buffer::descriptor::checksum_partial : 0);

    constexpr of() = default;
    of(const of&) = delete;
    of& operator=(const of&) = delete;

    void open(driver&& opened, const typename framing::options& link_options, mac_address mac, u16 mtu) {
      nic.emplace(std::move(opened));
      if constexpr (std::constructible_from<framing, const typename framing::options&>) std::construct_at(&link, link_options);
      mac_ = mac.is_zero() ? nic->address() : mac;
      mtu_ = mtu == 0 ? nic->mtu() : mtu;
      in_flight_ = 0;
      wants_ring_ = false;
      failures_ = 0;
    }
    /// Returns every packet and closes the driver.
    void close(buffer::pool& chunks) {
      if (waiting_ != nullptr) packet::adopt(*std::exchange(waiting_, nullptr), buffer::owner::qdisc).reset();
      if constexpr (has_trains) trains_.rest.clear(chunks);
      qdisc.clear(chunks);
      if constexpr (limiter::is_limited) limit.clear();
      neighbour.clear(chunks);
      in_flight_ = 0;
      if (!nic) return;
      if constexpr (nic::can_be_closed<driver>) nic->close();
      nic.reset();
    }

    [[nodiscard]] bool is_open() const { return nic.has_value(); }
    [[nodiscard]] const mac_address& mac() const { return mac_; }
    [[nodiscard]] u16 mtu() const { return mtu_; }
    [[nodiscard]] const interface_counters& counters() const { return count_; }
    [[nodiscard]] const train_counters& trains_counted() const requires(has_trains) { return trains_.count; }
    void set_mac(mac_address mac) { mac_ = mac; }

    /// Gives keys to what hashes flows.
    void seed(auto&& random) {
      if constexpr (qdisc::wants_a_key<discipline>) detail::give_key(qdisc, random);
      if constexpr (selection::selects) detail::give_key(queues, random);
      (void)random;
    }
    /// Tells a driver that wants it the time of this turn, nanoseconds.
    void at(time_point now) {
      if constexpr (limiter::is_limited) limit.at(now);
      if constexpr (nic::wants_the_time<driver>) nic->at(static_cast<u64>(now.count) * (1'000'000'000 / C::tick::per_second));
      else (void)now;
    }
    /// Asks a driver that sees only part of what arrives for what comes to `a`.
    bool claim(const address& a) {
      if constexpr (nic::claims_addresses<driver>) return with_bytes_of(a, [this](std::span<const u8> bytes) { return nic->claim(bytes); });
      else return (void)a, true;
    }
    /// And for what comes for all others, which a router forwards.
    bool claim_for_others() {
      static constexpr u8 any[4] = {};
      if constexpr (nic::claims_addresses<driver>) return nic->claim(any);
      else return true;
    }
    /// No longer, if the driver knows how.
    void disclaim(const address& a) {
      if constexpr (requires(std::span<const u8> bytes) { nic->disclaim(bytes); }) (void)with_bytes_of(a, [this](std::span<const u8> bytes) { return nic->disclaim(bytes); });
      else (void)a;
    }
    [[nodiscard]] bool fills_in_checksum() const {
      if constexpr (may_fill_in_checksum) return nic->has().fills_in_checksum;
      else return false;
    }
    [[nodiscard]] bool owns_port([[maybe_unused]] u16 port) const {
      if constexpr (owns_ports) return nic->owns_port(port);
      else return true;
    }
    /// Lets a driver that keeps chunks have them before the first frame comes.
    void prepare(buffer::pool& chunks) {
      if constexpr (nic::keeps_chunks<driver>) (void)nic->receive(chunks, {});
      else (void)chunks;
    }
    [[nodiscard]] u32 chunks_kept() const {
      if constexpr (nic::keeps_chunks<driver>) return nic ? nic->chunks_kept() : 0;
      else return 0;
    }
    [[nodiscard]] std::size_t ring_bytes() const { return driver::ring_bytes; }  ///< bytes of the driver's rings, at most

    /// The link address of a next hop; on a link without addresses there is none to find.
    [[nodiscard]] std::optional<resolved_neighbour> resolve(auto&& below, const address& hop, time_point now) {
      if constexpr (has_addresses) return neighbour.resolve(below, hop, now);
      else return resolved_neighbour{};
    }
    /// Writes the link header in front of an IP packet or an ARP message.
    void emit_header(std::byte* at, const mac_address& to, link::kind what) const { link.emit(at, to, mac_, what); }

    /// Takes a whole frame: to the driver at once, or through the queue. Linux: __dev_queue_xmit.
    STRATA_ALWAYS_INLINE sent post(packet&& p, buffer::pool& chunks, moment now, auto&& see) {
      see(trace::step::enqueue, p);
      if constexpr (selection::selects) p->network = static_cast<u16>(p->offset + header_size);
      if constexpr (has_trains) {
        if (!trains_.rest.empty() && !drain_rest(chunks, see)) [[unlikely]] return sent::full;  // frames keep their order
        if (buffer::is_train(p.d())) return post_train(p, chunks, now, see);
      }
      if constexpr (discipline::is_direct) {
        (void)chunks;
        return transmit(p, buffer::owner::application, see) ? sent::sent : sent::full;
      } else {
        if (!enqueue(p, now)) return sent::dropped;
        drain(chunks, now, see);
        return sent::sent;
      }
    }
    /// Whatever the queue holds and the driver takes. Linux: __qdisc_run.
    void drain(buffer::pool& chunks, [[maybe_unused]] moment now, auto&& see) {
      if constexpr (has_trains) (void)drain_rest(chunks, see);
      if constexpr (!discipline::is_direct) {
        for (;;) {
          packet p = waiting_ != nullptr ? packet::adopt(*std::exchange(waiting_, nullptr), buffer::owner::qdisc) : qdisc::get(qdisc, chunks, now);
          if (!p) return;
          see(trace::step::dequeue, p);
          if (p.as() != buffer::owner::qdisc) p.become(buffer::owner::qdisc);
          if (transmit(p, buffer::owner::qdisc, see)) continue;
          waiting_ = p.detach();  // Linux: dev_requeue_skb
          return;
        }
      }
    }
    /// Takes back what the driver is done with; how many packets. Linux: tcp_wfree.
    STRATA_ALWAYS_INLINE std::size_t reclaim(auto&& see) {
      if (in_flight_ == 0) [[unlikely]] return 0;  // a driver that copies lets go at once and never says so: it is asked each time, and says zero
      return reclaim_some(see);
    }
    STRATA_OFF_PATH std::size_t reclaim_some(auto&& see) {
      const std::span<packet> done{reinterpret_cast<packet*>(done_), done_places};
      std::size_t all = 0;
      [[maybe_unused]] u32 bytes = 0;
      for (std::size_t n = done_places; n == done_places; all += n) {
        n = nic->reclaim(done);
        in_flight_ -= static_cast<u32>(n);
        for (std::size_t i = 0; i < n; ++i) {
          if constexpr (limiter::is_limited) bytes += buffer::train_bytes(done[i].d());
          see(trace::step::complete, done[i]);
          if constexpr (may_pass_trains) buffer::drop_train(done[i]);
          else done[i].reset();
        }
      }
      if constexpr (limiter::is_limited) if (all != 0) limit.completed(bytes);
      return all;
    }
    /// Rings the doorbell for what was transmitted since the last time; a failed one is rung again later, with back-off. False: the link went down.
    bool ring(time_point now, bool at_once, auto&& see) {
      if (!wants_ring_) [[unlikely]] return true;
      if (failures_ != 0) [[unlikely]] {
        if (!at_once && !now.reached(retry_at_)) return true;
      }
      see(trace::step::doorbell, packet{});
      const nic::kick rung = nic->flush();
      if (rung == nic::kick::again) [[unlikely]] {
        ++count_.kicks_again;
        if (failures_ < 10) ++failures_;
        retry_at_ = now + back_off();
        return true;
      }
      wants_ring_ = false;
      failures_ = 0;
      if (rung == nic::kick::done) [[likely]] return true;
      ++count_.link_downs;
      return false;
    }
    /// Whether a packet was taken from the queue and waits for room in the driver's ring, or came back and waits to be received.
    [[nodiscard]] bool has_waiting() const {
      if constexpr (nic::comes_back<driver>) if (nic->has_frames()) return true;
      if constexpr (limiter::is_limited) if (waiting_ != nullptr && limit.retry_at()) return false;  // there is a time to look again
      if constexpr (has_trains) return waiting_ != nullptr || !trains_.rest.empty();
      else return waiting_ != nullptr;
    }
    /// When a packet that the queue or the byte limit holds back may leave. Linux: qdisc_watchdog_schedule.
    [[nodiscard]] std::optional<time_point> queue_deadline() const {
      if constexpr (limiter::is_limited) if (waiting_ != nullptr) return limit.retry_at();
      if constexpr (is_timed) return waiting_ == nullptr ? qdisc.next_deadline() : std::nullopt;
      else return {};
    }
    /// When a failed doorbell wants to be rung again.
    [[nodiscard]] std::optional<time_point> retry_at() const {
      if (!wants_ring_ || failures_ == 0) return {};
      return retry_at_;
    }
    /// Frames from the driver.
    std::size_t receive(buffer::pool& chunks, std::span<packet> batch) {
      const std::size_t n = nic->receive(chunks, batch);
      count_.received += n;
      return n;
    }
    /// Takes the link header off; nothing if the frame is not for us (counted by the link).
    [[nodiscard]] std::optional<link::received> parse(packet& p) { return link.parse(p, mac_); }

    std::optional<driver> nic{};
    [[no_unique_address]] framing link{};
    [[no_unique_address]] cache neighbour{};
    [[no_unique_address]] discipline qdisc{};
    [[no_unique_address]] limiter limit{};
    [[no_unique_address]] selection queues{};

   private:
    static bool with_bytes_of(const address& a, auto&& f) {
      u8 bytes[16];
      std::byte* const at = reinterpret_cast<std::byte*>(bytes);
      if constexpr (address::bits == 128) {
        if (!a.is_v4()) {
          store_be<u64>(at, a.high);
          store_be<u64>(at + 8, a.low);
          return f(std::span<const u8>(bytes));
        }
      }
      store_be<u32>(at, a.v4().value);
      return f(std::span<const u8>(bytes, 4));
    }
    [[nodiscard]] bool enqueue(packet& p, moment now) {
      if constexpr (qdisc::reads_headers<discipline> && !selection::selects) p->network = static_cast<u16>(p->offset + header_size);
      return qdisc::put(qdisc, p, now) || (++count_.queue_dropped, false);
    }
    // A train is taken, and then it is gone as a whole, or it is not, and each part is the caller's. Linux: validate_xmit_skb.
    STRATA_OFF_PATH sent post_train(packet& p, buffer::pool& chunks, moment now, auto&& see) requires(has_trains) {
      see(trace::step::validate, p);
      if constexpr (may_pass_trains) {
        const strata::nic::capabilities has = nic->has();
        if ((p->flags & buffer::descriptor::checksum_of_udp) == 0 ? has.segments : has.segments_datagrams) {
          link::lengthen(p, header_size);
          if (!transmit(p, buffer::owner::application, see)) return sent::full;
          ++trains_.count.whole;
          return sent::sent;
        }
      }
      link::segmenter frames(p.d(), header_size);
      frames.first(p);
      const u8 out = p->link;
      const u32 second = std::exchange(p->train, 0);
      if constexpr (discipline::is_direct) {
        if (!transmit(p, buffer::owner::application, see)) {
          p->train = second;
          return sent::full;
        }
      } else {
        (void)enqueue(p, now);
      }
      ++trains_.count.segmented;
      for (u32 name = second; name != 0;) {
        buffer::descriptor& d = *chunks.named(name);
        name = std::exchange(d.train, 0);
        packet part = packet::adopt(d, buffer::owner::application);
        frames.next(part, name == 0);
        part->link = out;
        if constexpr (selection::selects) part->network = static_cast<u16>(part->offset + header_size);
        if constexpr (discipline::is_direct) {
          if (!trains_.rest.empty() || !transmit(part, buffer::owner::application, see)) trains_.rest.push(std::move(part));
        } else (void)enqueue(part, now);
      }
      drain(chunks, now, see);
      return sent::sent;
    }
    // What is left of a train whose first frames filled the driver's ring. False: it is still full.
    bool drain_rest(buffer::pool& chunks, auto&& see) requires(has_trains) {
      while (packet p = trains_.rest.pop(chunks)) {
        if (transmit(p, buffer::owner::qdisc, see)) continue;
        trains_.rest.put_back(std::move(p));
        return false;
      }
      return true;
    }

    // Linux: dev_hard_start_xmit. What is not taken belongs to `before` again.
    STRATA_ALWAYS_INLINE bool transmit(packet& p, buffer::owner before, auto&& see) {
      see(trace::step::transmit, p);
      if constexpr (limiter::is_limited) if (!is_within_limit(see)) return false;
      if constexpr (may_pass_trains) {
        if (buffer::is_train(p.d())) return transmit_whole(p, see);
      }
      p.become(buffer::owner::nic);
      [[maybe_unused]] const buffer::descriptor& d = p.d();
      if (hand_over(p) == 0) [[unlikely]] {
        if (!buffer::in_passing(p, [&](packet& q) { return transmit_again(q, see); })) {
          p.become(before);
          return false;
        }
      }
      took(d, d.length);
      return true;
    }
    /// The ring was full: what the driver is done with makes room.
    [[gnu::cold]] STRATA_OFF_PATH bool transmit_again(packet& p, auto&& see) {
      ++count_.ring_full;
      return reclaim(see) != 0 && hand_over(p) != 0;
    }

    bool transmit_whole(packet& p, auto&& see) requires(may_pass_trains) {
      buffer::become_train(p, buffer::owner::nic);
      const buffer::descriptor& d = p.d();
      const u32 bytes = limiter::is_limited ? buffer::train_bytes(d) : 0;
      if (hand_over(p) == 0) {
        ++count_.ring_full;
        if (reclaim(see) == 0 || hand_over(p) == 0) {
          buffer::become_train(p, buffer::owner::application);
          return false;
        }
      }
      took(d, bytes);
      return true;
    }
    STRATA_ALWAYS_INLINE std::size_t hand_over(packet& p) {
      if constexpr (selection::selects) return nic->transmit({&p, 1}, queues.queue_of(p, nic->queues()));
      else return nic->transmit({&p, 1});
    }
    // The driver has it. One that copies has let go already, and will not say so.
    STRATA_ALWAYS_INLINE void took([[maybe_unused]] const buffer::descriptor& d, [[maybe_unused]] u32 bytes) {
      if constexpr (limiter::is_limited) if ((d.owners & packet::bit(buffer::owner::nic)) != 0) limit.sent(bytes);
      ++count_.transmitted;
      ++in_flight_;
      wants_ring_ = true;
    }
    bool is_within_limit(auto&& see) requires(limiter::is_limited) {
      if (limit.may_send() || (reclaim(see) != 0 && limit.may_send())) return true;
      limit.held_back();
      return false;
    }

    /// 20 us after the first failure, twice as long after each further one, at most 10 ms; and a tick at least.
    [[nodiscard]] duration<typename C::tick> back_off() const {
      using span = duration<typename C::tick>;
      const span wait = span::us(10) * (1u << failures_);
      return wait > span::ms(10) ? span::ms(10) : wait;
    }

    static constexpr std::size_t done_places = 4;
    alignas(packet) std::byte done_[done_places * sizeof(packet)]{};  // handles, empty between two calls; as bytes, which need no destructor
    mac_address mac_{};
    u16 mtu_ = 0;
    u32 in_flight_ = 0;  // transmitted and not handed back
    bool wants_ring_ = false;
    u8 failures_ = 0;
    time_point retry_at_{};
    buffer::descriptor* waiting_ = nullptr;  // dequeued, and the driver's ring was full
    struct no_trains {};
    struct state_of_trains {
      buffer::list<&buffer::descriptor::below, buffer::owner::qdisc> rest{};  // frames of the last one, in order, that wait for room in the driver's ring
      train_counters count{};
    };
    [[no_unique_address]] std::conditional_t<has_trains, state_of_trains, no_trains> trains_{};
    interface_counters count_{};
  };
};

}  // namespace strata::inline STRATA_ABI
