// SPDX-License-Identifier: MIT
// strata on a TAP with a socket on port 5000 that joins what its input says, tells what it hears, and sends, until its input ends.
//
//   groups_peer INTERFACE ADDRESS/PREFIX      lines: join GROUP [SOURCE] · leave GROUP [SOURCE] · but GROUP SOURCE (all others) · send GROUP TEXT
#include "told_peer.hpp"

#include <strata/nic/linux/tap.hpp>

#include <sstream>
#include <string>

namespace {

struct config : strata::presets::server {
  using nic = strata::nic::tap;
  static constexpr strata::limits limits{.chunks = 256, .connections = 4, .syn_slots = 4, .time_wait = 4, .groups = 8};
};
using net_type = strata::stack<config>;

void obey(const net_type::datagram_socket& s, const std::string& line) {
  std::istringstream words(line);
  std::string what, group, more;
  words >> what >> group >> more;
  const strata::ipv4_address sources[] = {told::address_of(more)};
  bool is_done = false;
  if (what == "join") is_done = s.join({.group = told::address_of(group), .source = sources[0]}).has_value();
  if (what == "leave") is_done = s.leave({.group = told::address_of(group), .source = sources[0]}).has_value();
  if (what == "but") is_done = s.listen_to({.group = told::address_of(group), .mode = strata::multicast::filter_mode::exclude, .sources = sources}).has_value();
  if (what == "send") is_done = s.send_to(std::as_bytes(std::span(more)), net_type::endpoint{told::address_of(group), 5000}, {.now_please = true}).has_value();
  std::printf("%s %s\n", is_done ? "done" : "refused", line.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return example::fail("groups_peer", "wrong arguments", "options", 0, "see its source"), 2;
  (void)std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
  const std::string address = argv[2];
  const auto net = strata::parse_subnet(address.data(), address.size());
  auto device = strata::nic::tap::open({.interface = argv[1]});
  if (!device) return strata::posix::explain(device.error(), "groups_peer");
  const strata::region memory = strata::posix::huge_pages(std::size_t{config::limits.chunks} * config::limits.chunk_size);
  static net_type stack;
  const auto bad = stack.start({.nic = std::move(*device), .memory = memory, .entropy = strata::posix::random(), .mac = {{2, 0, 0, 0, 9, 2}}, .address = {net->address.v4(), net->prefix},
                                .now = strata::posix::now<config::tick>()});
  const auto socket = stack.bind({.port = 5000});
  if (bad != strata::bad_option::none || !socket) return example::fail("groups_peer", "bad options", "options", 0, "see its source");
  std::printf("ready\n");
  const auto handler = strata::on{[](net_type::datagram e) {
                                    std::byte text[256];
                                    if (const auto said = e.socket.fields()) std::printf("fields %u %u %u\n", said->dscp, said->ecn, said->hop_limit);
                                    const auto got = e.socket.receive(text);
                                    if (!got) return;
                                    const strata::u32 from = got->from.address.value;
                                    std::printf("heard %u.%u.%u.%u %.*s\n", from >> 24, from >> 16 & 255, from >> 8 & 255, from & 255, static_cast<int>(got->bytes), reinterpret_cast<const char*>(text));
                                  },
                                  strata::ignore_rest{}};
  told::run(stack, handler, [&](const std::string& line) { obey(*socket, line); });
  const auto& counted = stack.network().igmp_counted();
  std::printf("counted not_joined=%u filtered=%u queries=%u reports=%u leaves=%u\n", counted.in_not_joined, counted.in_filtered, counted.in_queries, counted.out_reports, counted.out_leaves);
  const strata::u32 left = stack.chunks_in_use();
  stack.shut_down();
  std::printf("done chunks_in_use=%u\n", left);
  return left == 0 ? 0 : 1;
}
