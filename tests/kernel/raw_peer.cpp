// SPDX-License-Identifier: MIT
// strata on a TAP with a raw socket for ICMP and one for protocol 253, which pings and sends as its input says and tells what it hears, until its input ends.
//
//   raw_peer INTERFACE ADDRESS/PREFIX      lines: ping ADDRESS NUMBER BYTES · connect ADDRESS · send ADDRESS TEXT · options DSCP TTL
#include "told_peer.hpp"

#include <strata/nic/linux/tap.hpp>

#include <sstream>
#include <string>
#include <vector>

namespace {

struct config : strata::presets::server {
  using nic = strata::nic::tap;
  static constexpr bool long_datagrams = true;
  static constexpr strata::limits limits{.chunks = 1024, .connections = 4, .syn_slots = 4, .time_wait = 4, .raw_sockets = 2};
  template <class C> using transports = strata::layers<typename C::template tcp<C>, typename C::template udp<C>, strata::raw::layer<C>>;
};
using net_type = strata::stack<config>;
using strata::u16;
using strata::u32;
using strata::u8;

std::string text_of(const strata::ipv4_address& a) {
  return std::to_string(a.value >> 24) + "." + std::to_string(a.value >> 16 & 255) + "." + std::to_string(a.value >> 8 & 255) + "." + std::to_string(a.value & 255);
}

/// RFC 792: an echo request.
std::vector<std::byte> request(u16 number, std::size_t bytes) {
  std::vector<std::byte> m(8 + bytes);
  for (std::size_t i = 0; i < bytes; ++i) m[8 + i] = static_cast<std::byte>(i);
  m[0] = std::byte{8}, m[4] = std::byte{0x53}, m[6] = static_cast<std::byte>(number >> 8), m[7] = static_cast<std::byte>(number);
  const u16 sum = strata::checksum(m);
  m[2] = static_cast<std::byte>(sum >> 8), m[3] = static_cast<std::byte>(sum);
  return m;
}

void obey(net_type::raw_socket pings, net_type::raw_socket own, const std::string& line) {
  std::istringstream words(line);
  std::string what, first, second;
  unsigned bytes = 0;
  words >> what >> first >> second >> bytes;
  const auto number = [](const std::string& text) { return static_cast<unsigned>(std::strtoul(text.c_str(), nullptr, 10)); };
  bool is_done = false;
  if (what == "ping") is_done = pings.send_to(request(static_cast<u16>(number(second)), bytes), told::address_of(first)).has_value();
  if (what == "connect") is_done = own.connect(told::address_of(first)).has_value();
  if (what == "send") is_done = own.send_to(std::as_bytes(std::span(second)), told::address_of(first)).has_value();
  if (what == "options")
    is_done = own.set(strata::raw::option::dscp{static_cast<u8>(number(first))}).has_value() && own.set(strata::raw::option::hop_limit{static_cast<u8>(number(second))}).has_value();
  std::printf("%s %s\n", is_done ? "done" : "refused", line.c_str());
}

/// A line for each unread packet: from where, time to live, bytes; of ICMP type, code and number, else the text.
void tell(net_type::raw_socket s, bool is_icmp) {
  std::vector<std::byte> bytes(70'000);
  for (;;) {
    const auto view = s.peek();
    if (!view) return;
    const unsigned ttl = static_cast<unsigned>(view->header[8]);
    const auto got = s.receive(bytes);
    std::printf("heard %s ttl=%u bytes=%zu ", text_of(got->from).c_str(), ttl, got->bytes);
    if (is_icmp && got->bytes >= 8) {
      const bool is_ours = std::span(bytes).first(got->bytes).size() > 8 && std::equal(bytes.begin() + 8, bytes.begin() + static_cast<std::ptrdiff_t>(got->bytes), request(0, got->bytes - 8).begin() + 8);
      std::printf("type=%u code=%u number=%u data=%s\n", static_cast<unsigned>(bytes[0]), static_cast<unsigned>(bytes[1]), static_cast<unsigned>(bytes[6]) << 8 | static_cast<unsigned>(bytes[7]),
                  is_ours ? "same" : "other");
    } else {
      std::printf("text=%.*s\n", static_cast<int>(got->bytes), reinterpret_cast<const char*>(bytes.data()));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return example::fail("raw_peer", "wrong arguments", "options", 0, "see its source"), 2;
  (void)std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
  const std::string address = argv[2];
  const auto net = strata::parse_subnet(address.data(), address.size());
  auto device = strata::nic::tap::open({.interface = argv[1]});
  if (!device) return strata::posix::explain(device.error(), "raw_peer");
  const strata::region memory = strata::posix::huge_pages(std::size_t{config::limits.chunks} * config::limits.chunk_size);
  static net_type stack;
  const auto bad = stack.start({.nic = std::move(*device), .memory = memory, .entropy = strata::posix::random(), .mac = {{2, 0, 0, 0, 9, 2}}, .address = {net->address.v4(), net->prefix},
                                .now = strata::posix::now<config::tick>()});
  const auto pings = stack.open_raw({.protocol = 1}), own = stack.open_raw({.protocol = 253});
  if (bad != strata::bad_option::none || !pings || !own) return example::fail("raw_peer", "bad options", "options", 0, "see its source");
  std::printf("ready\n");
  const auto handler = strata::on{[&](net_type::raw_packet e) { tell(e.socket, e.socket == *pings); },
                                  [](net_type::raw_error e) { std::printf("error %u mtu=%u\n", static_cast<unsigned>(e.reason), e.mtu); }, strata::ignore_rest{}};
  told::run(stack, handler, [&](const std::string& line) { obey(*pings, *own, line); });
  const u32 left = stack.chunks_in_use();
  stack.shut_down();
  std::printf("done chunks_in_use=%u\n", left);
  return left == 0 ? 0 : 1;
}
