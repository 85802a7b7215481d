// SPDX-License-Identifier: MIT
// One direction, as fast as one thread moves it that serves both ends. A sample is the time of one turn, per segment of 1460 bytes that arrived.
#pragma once
#include "kernel_pair.hpp"
#include "strata_pair.hpp"

namespace bench {

constexpr std::size_t segment = 1460, segments_a_turn = 64;

/// turn(now): a piece of the transfer, how many bytes arrived in it. idle(now): nothing new is sent; what is on its way arrives.
template <class Transfer> class bulk : public contender {
 public:
  bulk(std::string what, auto&&... arguments) : contender(std::move(what)), transfer(arguments...) {}

  void exchange(u32 turns) override {
    const strata::posix::tsc_clock& clock = the_clock();
    for (int i = 0; i < 8; ++i) (void)transfer.turn(clock.ns());  // a window that an idle time had closed opens again: RFC 5681 §4.1
    for (u32 i = 0; i < turns; ++i) {
      const u64 start = clock.ns();
      const std::size_t bytes = transfer.turn(start);
      const u64 ns = clock.ns() - start;
      if (bytes >= segment) times.add(static_cast<double>(ns) * segment / static_cast<double>(bytes));
    }
    for (int i = 0; i < 4; ++i) transfer.idle(clock.ns());
  }
  [[nodiscard]] setting how() const override { return transfer.how(); }

  Transfer transfer;
};

/// The frames of one turn, each way.
struct frames {
  u32 data = 0, data_length = 0, acks = 0, ack_length = 0;  // lengths with the link header
};

enum class way : strata::u8 { copying, in_place };

/// strata to strata, by the copying API at both ends, or in place: the application writes no byte and reads none, as in raw_to_raw.
class strata_to_strata {
 public:
  strata_to_strata(const network::pair& p, strata::nic::xdp_mode mode, way how, u64 now) : ends_(p, mode, many, now), way_(how) {}

  std::size_t turn(u64 now) {
    ends_.near_end()->advance({now});
    if (way_ == way::copying) {
      (void)ends_.client().send(bytes_, {.now_please = true});
      return move(now);
    }
    for (std::size_t i = 0; i < segments_a_turn; ++i) {
      auto place = ends_.client().reserve(segment);
      if (!place || !ends_.client().commit(std::move(*place), segment, {.now_please = i + 1 == segments_a_turn})) break;
    }
    return move(now);
  }
  void idle(u64 now) { (void)move(now); }
  [[nodiscard]] setting how() const { return ends_.how(); }

  /// What turns look like while the window is open, by the counters of both drivers.
  std::vector<frames> look(u32 turns) {
    std::vector<frames> seen;
    for (u32 i = 0; i < turns; ++i) {
      const auto a = ends_.near_end().count(), b = ends_.far_end().count();
      (void)turn(the_clock().ns());
      const auto c = ends_.near_end().count(), d = ends_.far_end().count();
      const auto of = [](const auto& from, const auto& to) { return static_cast<u32>(to.transmit_frames - from.transmit_frames); };
      const auto length = [&](const auto& from, const auto& to) { return of(from, to) == 0 ? 0 : static_cast<u32>((to.transmit_bytes - from.transmit_bytes) / of(from, to)); };
      seen.push_back({of(a, c), length(a, c), of(b, d), length(b, d)});
    }
    for (int i = 0; i < 4; ++i) idle(the_clock().ns());
    std::vector<u32> sizes;
    for (const frames& f : seen) sizes.push_back(f.data);
    const u32 usual = quantile(sizes, 0.5);
    std::erase_if(seen, [&](const frames& f) { return f.data != usual; });
    return seen;
  }

 private:
  std::size_t move(u64 now) {
    std::size_t arrived = 0;
    ends_.far_end()->poll({now}, {256}, strata::on{[&](strata_end::net::readable e) {
                                                     if (way_ == way::in_place) {
                                                       arrived += e.stream.consume(e.stream.peek().size()).value_or(0);
                                                       return;
                                                     }
                                                     for (;;) {
                                                       const auto n = e.stream.receive(sink_);
                                                       if (!n || *n == 0) return;
                                                       arrived += *n;
                                                     }
                                                   },
                                                   strata::ignore_rest{}});
    ends_.near_end()->poll({now}, {256}, strata::ignore_rest{});
    return arrived;
  }

  strata_pair ends_;
  way way_;
  std::vector<std::byte> bytes_ = std::vector<std::byte>(segments_a_turn * segment, std::byte{7});
  std::vector<std::byte> sink_ = std::vector<std::byte>(std::size_t{1} << 14);
};

/// The same frames both ways, and nothing else: each is taken from the ring, none is looked into. Or, by `copying`, they carry an application's bytes, which
/// are copied into them and out of them.
class raw_to_raw {
 public:
  raw_to_raw(const network::pair& p, strata::nic::xdp_mode mode, way how, const std::vector<frames>& of_turns)
      : ends_(p, mode, steering::everything, many), way_(how), of_turns_(of_turns) {}

  std::size_t turn(u64) {
    const frames& f = of_turns_[at_++ % of_turns_.size()];
    const u32 arrived = move(ends_.near_end(), ends_.far_end(), f.data, f.data_length);
    (void)move(ends_.far_end(), ends_.near_end(), f.acks, f.ack_length);
    return arrived * segment;
  }
  void idle(u64) {}
  [[nodiscard]] setting how() const { return ends_.how(); }

 private:
  u32 move(raw_end& from, raw_end& to, u32 n, u32 length) {
    const bool copies = way_ == way::copying;
    for (u32 i = 0; i < n; ++i)
      while (!from.send(length, copies ? bytes_.data() + std::size_t{i % segments_a_turn} * segment : nullptr)) from.flush();
    from.flush();
    u32 arrived = 0;
    for (u32 came; (came = to.receive(copies ? sink_.data() : nullptr)) != 0;) arrived += came;
    return arrived;
  }

  raw_pair ends_;
  way way_;
  std::vector<frames> of_turns_;
  std::size_t at_ = 0;
  std::vector<std::byte> bytes_ = std::vector<std::byte>(segments_a_turn * segment, std::byte{7});
  std::vector<std::byte> sink_ = std::vector<std::byte>(segment);
};

/// Reads what is there.
class kernel_sink {
 public:
  std::size_t read(int fd) {
    std::size_t arrived = 0;
    for (ssize_t n; (n = ::recv(fd, sink_.data(), sink_.size(), MSG_DONTWAIT)) > 0;) arrived += static_cast<std::size_t>(n);
    return arrived;
  }

 private:
  std::vector<std::byte> sink_ = std::vector<std::byte>(std::size_t{1} << 16);
};

/// strata to the kernel, which verifies checksums and makes its own in software.
class strata_to_kernel {
  using net = strata_end::net;

 public:
  /// The kernel has 10.6.`subnet`.2 there.
  strata_to_kernel(const network& n, const std::string& interface, strata::nic::xdp_mode mode, strata::u8 subnet)
      : near_(interface, mode, {strata::ipv4_address{0x0a060001u | u32{subnet} << 8}, 24}, 1, many), far_(n, ("10.6." + std::to_string(subnet) + ".2").c_str()) {
    near_->advance({the_clock().ns()});
    auto c = near_->connect({.remote = {strata::ipv4_address{0x0a060002u | u32{subnet} << 8}, 7}});
    if (!c) give_up("the connection does not open", "connect", "", 0);
    client_ = *c;
    for (bool is_open = false; !is_open;) near_->poll({the_clock().ns()}, {64}, strata::on{[&](net::connected) { is_open = true; }, strata::ignore_rest{}});
    fd_ = far_.accept();
  }
  strata_to_kernel(const strata_to_kernel&) = delete;
  strata_to_kernel& operator=(const strata_to_kernel&) = delete;
  ~strata_to_kernel() { (void)::close(fd_); }

  std::size_t turn(u64 now) {
    near_->advance({now});
    (void)client_.send(bytes_, {.now_please = true});
    return move(now);
  }
  void idle(u64 now) { (void)move(now); }
  [[nodiscard]] setting how() const { return near_.how(); }

 private:
  std::size_t move(u64 now) {
    const std::size_t arrived = sink_.read(fd_);
    near_->poll({now}, {256}, strata::ignore_rest{});
    return arrived;
  }

  strata_end near_;
  kernel_listener far_;
  net::stream client_{};
  int fd_ = -1;
  std::vector<std::byte> bytes_ = std::vector<std::byte>(segments_a_turn * segment, std::byte{7});
  kernel_sink sink_{};
};

/// Written `a_write` bytes at a time.
class kernel_to_kernel {
 public:
  kernel_to_kernel(const network& n, const char* address, std::size_t a_write) : ends_(n, address), a_write_(a_write) {}

  std::size_t turn(u64) {
    for (std::size_t sent = 0; sent < bytes_.size(); sent += a_write_)
      if (::send(ends_.near_end(), bytes_.data() + sent, a_write_, MSG_DONTWAIT) < 0) break;
    return sink_.read(ends_.far_end());
  }
  void idle(u64) { (void)sink_.read(ends_.far_end()); }
  [[nodiscard]] static setting how() { return kernel_pair::how(); }

 private:
  kernel_pair ends_;
  std::size_t a_write_;
  std::vector<std::byte> bytes_ = std::vector<std::byte>(segments_a_turn * segment, std::byte{7});
  kernel_sink sink_{};
};

}  // namespace bench
