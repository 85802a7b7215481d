// SPDX-License-Identifier: MIT
// The judge is judged: sizes that a link or a router forbids, ICMP errors; and no rule is without a test.
#include "court.hpp"

#include <fstream>
#include <iterator>
#include <regex>

namespace {

using namespace court_of;

/// What a router says of a segment that side 0 sent: quoted whole header and eight bytes.
frame too_big(const frame& about, unsigned mtu) {
  frame body = options({3, 4, 0, 0, 0, 0, 0, 0});
  put16(body, 6, mtu);
  body.insert(body.end(), about.begin() + 14, about.begin() + 14 + 28);
  frame f = datagram(1, 1, body);
  put32(f, 26, 0x0a0000fe);
  return summed(f, 1);
}

TEST_CASE("the judge reports a packet that the link does not carry") {
  court c;
  c.judge = frame_checker(hosts[0], hosts[1], 44);
  c.lost(0, tcp(0, {.flags = syn, .seq = 1000, .options = mss_1000}));
  CHECK(c.nothing());
  c.lost(0, tcp(0, {.flags = syn, .seq = 1000, .options = mss_scale}));
  CHECK(c.judge.found("ip.mtu"));
}

TEST_CASE("where datagrams may be cut the judge lets whole eights of UDP pass, and nothing else") {
  const auto fragment = [](unsigned protocol, unsigned flags_and_offset, std::size_t bytes) {
    frame f = datagram(0, protocol, frame(bytes));
    put16(f, 20, flags_and_offset);
    return summed(f, 0);
  };
  court c;
  c.judge.may_fragment = true;
  for (const frame& f : {fragment(17, 0x2000, 24), fragment(17, 0x2003, 16), fragment(17, 0x0005, 11)}) c.lost(0, f);
  CHECK(c.nothing());
  for (const frame& f : {fragment(17, 0x2000, 25), fragment(6, 0x2000, 24), fragment(17, 0x6000, 24)}) {
    court liar;
    liar.judge.may_fragment = true;
    liar.lost(0, f);
    CHECK(liar.judge.found("ip.fragment"));
  }
  court stranger;
  stranger.judge.may_fragment = true;
  frame f = fragment(17, 0x2000, 24);
  put32(f, 26, 0x0a000009);
  stranger.lost(0, summed(f, 0));
  CHECK(stranger.judge.found("ip.source"));
  court narrow;
  narrow.judge = frame_checker(hosts[0], hosts[1], 1500, 44);
  narrow.lost(0, tcp(0, {.flags = syn, .seq = 1000, .options = mss_scale}));
  CHECK(narrow.nothing());
  narrow.lost(1, tcp(1, {.flags = syn, .seq = 1000, .options = mss_scale}));
  CHECK(narrow.judge.found("ip.mtu"));
}

TEST_CASE("the judge reports a segment larger than a router said that it carries, once its sender has heard that") {
  const frame large = tcp(0, {.seq = 1001, .ack = 5001, .data = std::string(700, 'x')}), small = tcp(0, {.seq = 1001, .ack = 5001, .data = std::string(600, 'x')});
  const auto told = [&](const frame& message) {
    court c;
    c.open();
    c.lost(0, large);
    c.judge.arrived(0, message);
    c.lost(0, large);  // in the same turn
    c.judge.end_of_turn();
    REQUIRE(c.nothing());
    return c;
  };
  court obeys = told(too_big(large, 640));
  obeys.lost(0, small);
  CHECK(obeys.nothing());
  court goes_on = told(too_big(large, 640));
  goes_on.lost(0, large);
  CHECK(goes_on.only("tcp.path_mtu"));
  // Not so if the message is about nothing that is outstanding, says less than every host takes, is damaged, or is about something else.
  frame old = large, damaged = too_big(large, 640);
  put32(old, 38, 900);
  damaged[41] = std::byte{1};
  frame unreachable = too_big(large, 640);
  unreachable[35] = std::byte{1};
  for (const frame& message : {too_big(old, 640), too_big(large, 575), damaged, summed(unreachable, 1)}) {
    court free = told(message);
    free.lost(0, large);
    CHECK(free.nothing());
  }
}

TEST_CASE("the judge reports segments and ICMP messages that are too short, and errors of an unknown kind or to the wrong host") {
  court short_segment;
  short_segment.lost(0, datagram(0, 6, frame(19)));
  CHECK(short_segment.only("tcp.length"));
  court short_message;
  short_message.lost(0, datagram(0, 1, frame(7)));
  CHECK(short_message.only("icmp.length"));

  frame body(12);
  put16(body, 0, 1111), put16(body, 2, 2222), put16(body, 4, 12);
  const frame asked = datagram(0, 17, body);
  const auto error_about = [](frame f, unsigned code) {
    return datagram(1, 1, with(options({3, code, 0, 0, 0, 0, 0, 0}), frame(f.begin() + 14, f.begin() + 42)));
  };
  court code;
  code.pass(0, asked);
  code.pass(1, error_about(asked, 16));
  CHECK(code.only("icmp.code"));
  court destination;
  frame of_another = asked;
  put32(of_another, 26, 0x0a000009);
  of_another = summed(of_another, 17);
  destination.judge.arrived(1, of_another);
  destination.pass(1, error_about(of_another, 3));
  CHECK(destination.only("icmp.destination"));
}

TEST_CASE("the judge follows a side whose peer has begun the next life while segments of the last one are on their way") {
  court c;
  c.open_with_times();
  const frame last = tcp(0, {.seq = 1001, .ack = 5001, .data = "last words", .options = times(150, 900)});
  c.lost(0, last);
  c.lost(0, tcp(0, {.flags = rst | ack, .seq = 1011, .ack = 5001, .options = times(150, 900)}));
  c.lost(0, tcp(0, {.flags = syn, .seq = 90000, .options = with(mss_1000, times(151, 0))}));
  c.judge.arrived(1, last);
  c.lost(1, tcp(1, {.seq = 5001, .ack = 1011, .options = times(950, 150)}));
  CHECK(c.nothing());
}

std::string text_of(const char* name) {
  std::ifstream file(std::string(STRATA_TESTS_DIR "/sim/") + name);
  return {std::istreambuf_iterator<char>(file), {}};
}
TEST_CASE("each rule of the judge is broken by a test") {
  const std::string judge = text_of("frame_checker.hpp") + text_of("flow_checker.hpp"), tests = text_of("frame_checker_test.cpp") + text_of("frame_checker_rules_test.cpp");
  const std::regex rule("\"(ethernet|arp|ip|icmp|udp|tcp)\\.[a-z_]+\"");
  std::set<std::string> rules;
  for (std::sregex_iterator i(judge.begin(), judge.end(), rule), end; i != end; ++i) rules.insert(i->str());
  CHECK(rules.size() > 70);
  for (const std::string& name : rules) {
    INFO(name);
    CHECK(tests.find(name) != std::string::npos);
  }
}

}  // namespace
