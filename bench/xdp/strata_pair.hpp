// SPDX-License-Identifier: MIT
// strata's TCP over AF_XDP.
#pragma once
#include "raw_pair.hpp"

#include <strata/strata.hpp>

namespace bench {
using namespace strata::literals;

/// As the in-memory rows have it (pair.hpp): no Nagle, ACKs at once, no timestamps, software checksums.
struct over_af_xdp : strata::presets::low_latency {
  using nic = strata::nic::af_xdp;
  using entropy = strata::entropy::seeded;
  static constexpr bool allows_weak_entropy = true;
  static constexpr bool timestamps = false;
  static constexpr strata::limits limits{.chunks = 4096, .connections = 16, .send_chunks = 256, .receive_chunks = 256};
};

class strata_end {
 public:
  using net = strata::stack<over_af_xdp>;

  strata_end(const std::string& interface, strata::nic::xdp_mode mode, strata::subnet<strata::ipv4_address> own, u64 seed, u32 fill) : fill_(fill) {
    auto nic = strata::nic::af_xdp::open({.interface = interface.c_str(), .memory = memory_, .mode = mode, .fill = fill});
    if (!nic) give_up(nic.error());
    mode_ = nic->mode();
    is_zero_copy_ = nic->is_zero_copy();
    stack_ = std::make_unique<net>(net::options{.nic = std::move(*nic), .memory = memory_, .entropy = {seed}, .address = own});
    if (!stack_->is_started()) give_up("the stack does not start", "check", "see bad_option", 0);
  }
  net* operator->() { return stack_.get(); }
  net& operator*() { return *stack_; }
  /// Frames and bytes that it sent so far; some system calls.
  [[nodiscard]] strata::nic::af_xdp_counters count() {
    strata::nic::af_xdp_counters c;
    stack_->for_each_driver([&](auto& nic) { c = nic.count(); });
    return c;
  }
  [[nodiscard]] setting how() const { return {"af_xdp", name_of(mode_), is_zero_copy_ ? "no" : "yes", name_of(memory_.memory().pages()), fill_}; }

 private:
  strata::posix::mapping memory_ = strata::posix::mapping::of(std::size_t{over_af_xdp::limits.chunks} * over_af_xdp::limits.chunk_size);
  std::unique_ptr<net> stack_;
  u32 fill_;
  strata::nic::xdp_mode mode_{};
  bool is_zero_copy_ = false;
};

class strata_pair {
  using net = strata_end::net;

 public:
  strata_pair(const network::pair& p, strata::nic::xdp_mode mode, u32 fill, u64 now) : near_(p.near, mode, "10.9.0.1/24"_net, 1, fill), far_(p.far, mode, "10.9.0.2/24"_net, 2, fill) {
    (void)far_->listen({.port = 7});
    near_->advance({now});
    far_->advance({now});
    auto c = near_->connect({.remote = {"10.9.0.2"_ip, 7}});
    if (!c) give_up("the connection does not open", "connect", "", 0);
    client_ = *c;
    bool is_open = false;
    for (int i = 0; i < 1000 && !is_open; ++i, now += 1000) {
      far_->poll({now}, {64}, strata::ignore_rest{});
      near_->poll({now}, {64}, strata::on{[&](net::connected) { is_open = true; }, strata::ignore_rest{}});
    }
    if (!is_open) give_up("the connection does not open", "connect", "", 0);
    far_->poll({now}, {64}, strata::ignore_rest{});
  }

  static constexpr bool wants_time = true;
  void start(u64 now) {
    near_->advance({now});
    (void)client_.send(bytes_, {.now_please = true});
  }
  bool far(u64 now) {
    bool is_answered = false;
    far_->poll({now}, {64}, strata::on{[&](net::readable e) { is_answered = answer(e.stream, true); }, strata::ignore_rest{}});
    return is_answered;
  }
  bool near(u64 now, bool goes_on) {
    bool is_answered = false;
    near_->poll({now}, {64}, strata::on{[&](net::readable e) { is_answered = answer(e.stream, goes_on); }, strata::ignore_rest{}});
    return is_answered;
  }
  [[nodiscard]] setting how() const { return near_.how(); }

  strata_end& near_end() { return near_; }
  strata_end& far_end() { return far_; }
  net::stream& client() { return client_; }

 private:
  bool answer(net::stream s, bool goes_on) {
    std::byte got[2 * message];
    const auto n = s.receive(got);
    if (!n || *n != message) return false;
    if (goes_on) (void)s.send(bytes_);
    return true;
  }

  strata_end near_, far_;
  net::stream client_{};
  std::byte bytes_[message]{};
};

}  // namespace bench
