// SPDX-License-Identifier: MIT
// strata's driver with a pool and no stack: what a stack calls in a turn, and frames that are copied from one that was written beforehand.
#pragma once
#include "raw_pair.hpp"

namespace bench {

class driver_end {
  static constexpr u32 chunk_size = 2048, chunks = 4096;

 public:
  driver_end(const std::string& interface, strata::nic::xdp_mode mode, std::span<const strata::u8, 4> own, std::span<const strata::u8, 4> peer, strata::mac_address peer_mac, u32 fill) {
    chunks_->open(memory_, *table_, chunk_size);
    auto nic = strata::nic::af_xdp::open({.interface = interface.c_str(), .memory = memory_, .mode = mode, .fill = fill});
    if (!nic) give_up(nic.error());
    nic_ = std::move(*nic);
    if (!nic_.claim(own)) give_up("the driver's end gets no address", "claim", "see dmesg", 0);
    write_frame(frame_, nic_.address(), peer_mac, own, peer);
    (void)receive();  // chunks wait from the first look on
  }
  driver_end(const driver_end&) = delete;
  driver_end& operator=(const driver_end&) = delete;
  ~driver_end() { nic_.close(); }

  u32 receive() {
    if (in_flight_ != 0) {
      const std::size_t done = nic_.reclaim(batch_);
      in_flight_ -= static_cast<u32>(done);
      for (std::size_t i = 0; i < done; ++i) batch_[i].reset();
    }
    const std::size_t n = nic_.receive(*chunks_, batch_);
    for (std::size_t i = 0; i < n; ++i) {
      last_ = batch_[i].bytes().back();
      batch_[i].reset();
    }
    return static_cast<u32>(n);
  }
  void send(u32 length) {
    strata::packet p = chunks_->take(0);
    if (!p) return;
    std::memcpy(p.room().data(), frame_, length);
    p.extend(length);
    p.become(strata::buffer::owner::nic);
    in_flight_ += static_cast<u32>(nic_.transmit({&p, 1}));
    (void)nic_.flush();
  }
  [[nodiscard]] strata::buffer::page_kind pages() const { return memory_.memory().pages(); }

 private:
  using table = std::array<strata::buffer::descriptor, chunks>;

  strata::posix::mapping memory_ = strata::posix::mapping::of(std::size_t{chunk_size} * chunks);
  std::unique_ptr<table> table_ = std::make_unique<table>();
  std::unique_ptr<strata::buffer::pool> chunks_ = std::make_unique<strata::buffer::pool>();
  strata::nic::af_xdp nic_{};
  strata::packet batch_[raw_end::batch]{};
  u32 in_flight_ = 0;
  std::byte last_{};
  std::byte frame_[chunk_size]{};
};

class driver_pair {
 public:
  driver_pair(const network::pair& p, strata::nic::xdp_mode mode, u32 fill)
      : near_(p.near, mode, near_address, far_address, mac_of(p.far), fill), far_(p.far, mode, far_address, near_address, mac_of(p.near), fill), mode_(mode), fill_(fill) {}

  static constexpr bool wants_time = false;
  void start(u64) { near_.send(tcp_frame); }
  bool far(u64) {
    if (far_.receive() == 0) return false;
    far_.send(tcp_frame);
    return true;
  }
  bool near(u64, bool goes_on) {
    if (near_.receive() == 0) return false;
    if (goes_on) near_.send(tcp_frame);
    return true;
  }
  [[nodiscard]] setting how() const { return {"af_xdp", name_of(mode_), "yes", name_of(near_.pages()), fill_}; }

 private:
  driver_end near_, far_;
  strata::nic::xdp_mode mode_;
  u32 fill_;
};

}  // namespace bench
