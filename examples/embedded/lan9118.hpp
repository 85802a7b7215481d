// SPDX-License-Identifier: MIT
// A driver for the SMSC LAN9118, an Ethernet controller on a microcontroller's bus: frames pass through two FIFOs, one word at a time, so nothing is
// shared with the chip and the driver copies. From the data sheet: command words of §3.12.2, status words of §3.13.3, registers of chapter 5.
#pragma once
#include <strata/core/expected.hpp>
#include <strata/nic/driver.hpp>

namespace board {

using strata::mac_address;
using strata::packet;
using strata::u16;
using strata::u32;
using strata::u8;

class lan9118 {
 public:
  static constexpr std::size_t ring_bytes = 0;  // the FIFOs are in the chip
  static constexpr strata::nic::capabilities may{};

  struct options {
    std::uintptr_t base = 0;  ///< where the chip's registers lie
    mac_address mac{};
  };

  /// Looks for the chip, resets it, sets its address and lets it receive what is for us and for everybody.
  [[nodiscard]] static strata::expected<lan9118, strata::nic::open_error> open(const options& o) {
    lan9118 chip(o);
    if (const char* const step = chip.wake()) return strata::nic::open_error{.what = "the LAN9118 does not answer", .step = step, .remedy = "check its base address and clock"};
    const u8(&m)[6] = o.mac.bytes;
    chip.write_mac(2, static_cast<u32>(m[5]) << 8 | m[4]);
    chip.write_mac(3, static_cast<u32>(m[3]) << 24 | static_cast<u32>(m[2]) << 16 | static_cast<u32>(m[1]) << 8 | m[0]);
    chip.write(receive_config, front_padding << 8);
    chip.write(fifo_interrupt, 0);  // an interrupt for the first frame that waits
    chip.write(interrupt_enable, frame_waits);
    chip.write(interrupt_config, 1u << 8 | 1u << 4 | 1);  // on, active high, push-pull
    chip.write(transmit_config, 1u << 1);
    chip.write_mac(1, 1u << 3 | 1u << 2);  // transmitter and receiver on
    return chip;
  }

  constexpr lan9118() = default;

  /// Frames from the receive FIFO. What finds no chunk stays there.
  [[nodiscard]] std::size_t receive(strata::buffer::pool& chunks, std::span<packet> batch) {
    std::size_t n = 0;
    while (n < batch.size() && (read(receive_level) >> 16 & 0xff) != 0) {
      packet p = chunks.take_receive(front_padding);
      if (!p) break;
      const u32 status = read(receive_status);
      const u32 length = status >> 16 & 0x3fff;  // with the 4 bytes of CRC
      const u32 words = (length + front_padding + 3) / 4;
      if ((status & 1u << 15) != 0 || length < 18 || 4 * words > chunks.chunk_size()) {
        for (u32 i = 0; i < words; ++i) (void)read(receive_data);
        continue;
      }
      u32* to = reinterpret_cast<u32*>(p->chunk);
      u32 left = words;
      for (; left >= 4; left -= 4, to += 4) {
        to[0] = read(receive_data);
        to[1] = read(receive_data);
        to[2] = read(receive_data);
        to[3] = read(receive_data);
      }
      for (; left != 0; --left) *to++ = read(receive_data);
      p.extend(length - 4);
      batch[n++] = std::move(p);
    }
    return n;
  }

  /// One frame after the other into the transmit FIFO, as long as whole ones fit.
  [[nodiscard]] std::size_t transmit(std::span<packet> batch) {
    std::size_t n = 0;
    for (packet& p : batch) {
      u32 level = read(transmit_level);
      for (; (level >> 16 & 0xff) != 0; level = read(transmit_level)) (void)read(transmit_status);  // nobody asks what became of a frame
      const std::uintptr_t at = reinterpret_cast<std::uintptr_t>(p.bytes().data());
      const u32 front = at & 3, length = static_cast<u32>(p.size());
      const u32 words = (front + length + 3) / 4;
      if ((level & 0xffff) < 4 * words + 8) break;
      write(transmit_data, front << 16 | 1u << 13 | 1u << 12 | length);  // first and last segment of this frame
      write(transmit_data, length);
      const u32* from = reinterpret_cast<const u32*>(at - front);  // the chip skips the bytes before the frame and behind it
      u32 left = words;
      for (; left >= 4; left -= 4, from += 4) {
        write(transmit_data, from[0]);
        write(transmit_data, from[1]);
        write(transmit_data, from[2]);
        write(transmit_data, from[3]);
      }
      for (; left != 0; --left) write(transmit_data, *from++);
      p.reset();
      ++n;
    }
    return n;
  }

  [[nodiscard]] std::size_t reclaim(std::span<packet>) { return 0; }
  [[nodiscard]] strata::nic::kick flush() { return strata::nic::kick::done; }
  [[nodiscard]] u16 mtu() const { return 1500; }
  [[nodiscard]] mac_address address() const { return mac_; }
  [[nodiscard]] strata::nic::capabilities has() const { return {}; }

  /// Before the FIFO is looked at: a frame that comes later raises the interrupt again.
  void clear_interrupt() { write(interrupt_status, frame_waits); }

 private:
  // Two bytes in front of the frame put the IP header, 14 bytes into it, on a multiple of four.
  static constexpr u32 front_padding = 2;
  static constexpr u32 soft_reset = 1, frame_waits = 1u << 3;
  enum csr : u32 {
    receive_data = 0x00,
    transmit_data = 0x20,
    receive_status = 0x40,
    transmit_status = 0x48,
    interrupt_config = 0x54,
    interrupt_status = 0x58,
    interrupt_enable = 0x5c,
    byte_test = 0x64,
    fifo_interrupt = 0x68,
    receive_config = 0x6c,
    transmit_config = 0x70,
    hardware_config = 0x74,
    receive_level = 0x7c,
    transmit_level = 0x80,
    mac_command = 0xa4,
    mac_data = 0xa8
  };

  explicit lan9118(const options& o) : base_(o.base), mac_(o.mac) {}

  // Looks for the chip and resets it; the step at which it did not answer, or null.
  [[nodiscard]] const char* wake() const {
    if (read(byte_test) != 0x87654321) return "byte test";
    write(hardware_config, soft_reset);
    for (u32 tries = 0; (read(hardware_config) & soft_reset) != 0; ++tries)
      if (tries == 100'000) return "reset";
    return nullptr;
  }

  [[nodiscard]] u32 read(csr where) const { return *reinterpret_cast<const volatile u32*>(base_ + where); }
  void write(csr where, u32 value) const { *reinterpret_cast<volatile u32*>(base_ + where) = value; }
  // The MAC's own registers are reached through a window; a command takes a few cycles of the bus.
  void write_mac(u32 index, u32 value) const {
    write(mac_data, value);
    write(mac_command, 1u << 31 | index);
    for (u32 tries = 0; (read(mac_command) & 1u << 31) != 0 && tries < 1000; ++tries) {}
  }

  std::uintptr_t base_ = 0;
  mac_address mac_{};
};
static_assert(strata::nic::driver<lan9118>);

}  // namespace board
