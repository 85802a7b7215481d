// SPDX-License-Identifier: MIT
// The options of the example programs, in plain structs. Only options.cpp knows the library that reads them, and only it is compiled with exceptions.
#pragma once
#include <strata/core/address.hpp>
#include <strata/nic/driver.hpp>

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

namespace example {

enum class nic_kind : strata::u8 { tap, tun, af_xdp, af_packet };
enum class xdp_kind : strata::u8 { automatic, driver, generic };       ///< where the XDP program runs
enum class zero_copy_kind : strata::u8 { automatic, require, off };
enum class config_kind : strata::u8 { server, low_latency, embedded };

/// What every program on a network takes.
struct nic_options {
  nic_kind nic = nic_kind::tap;
  config_kind config = config_kind::server;
  xdp_kind xdp_mode = xdp_kind::automatic;
  zero_copy_kind zero_copy = zero_copy_kind::automatic;
  bool vnet = false;                               ///< of tap and tun
  strata::u32 queue = 0;                           ///< of af_xdp
  strata::nic::receive_checksum checksum = strata::nic::receive_checksum::verify;
  std::string interface = "strata0";
  strata::subnet<strata::ipv4_address> address{};  ///< strata's own
  strata::ipv4_address gateway{};                  ///< unspecified: none
  strata::mac_address mac{};                       ///< zero: from `seed` and the interface's name; on af_xdp the interface's
  strata::u16 mtu = 0;                             ///< bytes of IP packet; zero: the interface's
  strata::u64 seed = 0;
  std::string pcap;                                ///< empty: no capture
  strata::u64 for_ns = 0;                          ///< ends after so long; zero: never
  std::string stats_socket;                        ///< empty: none
};
struct http_server_options : nic_options {
  std::string root;
  std::string upload;                    ///< empty: uploads are read and hashed, and kept nowhere
  strata::u16 port = 8080;
  strata::u64 max_requests = 0;          ///< zero: no limit
  strata::u32 cores = 1;
  strata::u64 max_upload_mib = 16384;
};
struct fetch_options : nic_options {
  std::string url;                       ///< as it was given
  strata::endpoint<strata::ipv4_address> server{};
  std::string path;                      ///< from its slash on
  std::string output;                    ///< empty: the body is hashed and dropped
  std::string upload;                    ///< empty: GET
  strata::u32 connections = 1;
  double timeout = 30;                   ///< seconds without progress
};
struct echo_options : nic_options {
  strata::u16 port = 7;
  bool tcp = true;
  bool udp = true;
  bool gro = false;                                ///< datagrams of one peer and size are read as one view
};
enum class way { down, up, both };
enum class format { text, jsonl };
struct journey_options {
  std::string text = "hello";
  example::way way = way::both;
  example::format format = format::text;
  std::string pcap;
  strata::u64 seed = 1;
  bool list = false;
  std::string without;                   ///< a step's name; empty: none
};
struct top_options {
  std::string path;
  bool once = false;
  example::format format = format::text;
};
struct swap_options {
  example::format format = format::text;
  strata::u64 bytes = 1 << 20;
  strata::u64 seed = 1;
};

/// What a relay attaches to: see --help.
enum class side_kind : strata::u8 { any, tap, packet };
struct relay_options {
  static constexpr strata::u32 most_frames = 4096;
  std::string a, b;                      ///< interfaces
  side_kind a_kind = side_kind::any, b_kind = side_kind::any;
  strata::u64 delay_ns = 0, jitter_ns = 0, reorder_ns = 0;
  strata::u32 loss = 0, reorder = 0, duplicate = 0, corrupt = 0;  ///< of a million frames
  strata::u64 rate = 0;                  ///< bit/s; zero: no limit
  strata::u32 queue = most_frames;       ///< frames on their way, each way
  std::vector<strata::u32> drop_a, drop_b;  ///< numbers of data segments
  strata::u64 seed = 0;
  strata::u64 for_ns = 0;
};

struct route_options {
  std::string config;                    ///< a file: see route/config.hpp
  strata::u64 seed = 0;
  strata::u64 for_ns = 0;
};

/// Fills `o` from the command line. A value says that the program ends now, with that code: 0 after --help, 2 after an error, which was printed.
[[nodiscard]] std::optional<int> read_options(int argc, char** argv, http_server_options& o);
[[nodiscard]] std::optional<int> read_options(int argc, char** argv, fetch_options& o);
[[nodiscard]] std::optional<int> read_options(int argc, char** argv, echo_options& o);
[[nodiscard]] std::optional<int> read_options(int argc, char** argv, journey_options& o);
[[nodiscard]] std::optional<int> read_options(int argc, char** argv, swap_options& o);
[[nodiscard]] std::optional<int> read_options(int argc, char** argv, top_options& o);
[[nodiscard]] std::optional<int> read_options(int argc, char** argv, relay_options& o);
[[nodiscard]] std::optional<int> read_options(int argc, char** argv, route_options& o);

/// `10.9.0.2`.
[[nodiscard]] inline std::string text_of(strata::ipv4_address a) {
  char text[16];
  (void)std::snprintf(text, sizeof text, "%u.%u.%u.%u", a.value >> 24, a.value >> 16 & 255u, a.value >> 8 & 255u, a.value & 255u);
  return text;
}

}  // namespace example
