// SPDX-License-Identifier: MIT
// The judge is judged: an honest conversation passes, and each lie is reported under its name.
#include "court.hpp"

namespace {

using namespace court_of;

TEST_CASE("the judge lets an honest conversation pass, with loss, reordering and repetition") {
  court c;
  c.open();
  const frame first = tcp(0, {.seq = 1001, .ack = 5001, .data = "hello"}), second = tcp(0, {.seq = 1006, .ack = 5001, .data = "world"});
  c.lost(0, first);
  c.pass(0, second);
  c.pass(1, {.seq = 5001, .ack = 1001});
  c.pass(0, first);
  c.pass(1, {.seq = 5001, .ack = 1011, .window = 990, .data = "answer"});
  c.pass(0, {.seq = 1011, .ack = 5007, .window = 994});
  c.pass(0, {.flags = fin | ack, .seq = 1011, .ack = 5007, .window = 994});
  c.pass(1, {.seq = 5007, .ack = 1012, .window = 1});  // nothing can come any more
  c.pass(1, {.flags = fin | ack, .seq = 5007, .ack = 1012, .window = 0});
  c.pass(0, {.seq = 1012, .ack = 5008, .window = 0});
  c.pass(1, {.seq = 5006, .ack = 1012, .window = 0});  // a probe
  CHECK(c.nothing());
  CHECK(c.judge.frames() == 14);
}

TEST_CASE("the judge lets timestamps, scaled windows and resets pass") {
  court c;
  c.pass(0, {.flags = syn, .seq = 0xffff'fff0, .options = with(mss_scale, times(100, 0))});
  c.pass(1, {.flags = syn | ack, .seq = 0xffff'ff00, .ack = 0xffff'fff1, .window = 65535, .options = with(mss_scale, times(900, 100))});
  c.pass(0, {.seq = 0xffff'fff1, .ack = 0xffff'ff01, .window = 250, .options = times(100, 900)});
  c.pass(1, {.seq = 0xffff'ff01, .ack = 0xffff'fff1, .window = 20000, .data = std::string(988, 'x'), .options = times(900, 100)});
  c.pass(0, {.seq = 0xffff'fff1, .ack = 732 + 1, .window = 3, .data = "across the wrap of the numbers", .options = times(101, 900)});
  c.pass(1, {.flags = rst | ack, .seq = 733, .ack = 15});
  c.pass(0, {.flags = rst, .seq = 5});  // nothing that came said so
  CHECK(c.only("tcp.reset"));
}

TEST_CASE("the judge lets a SYN pass that is answered again after the first answer was given up") {
  court c;
  const frame opening = tcp(0, {.flags = syn, .seq = 1000, .options = with(mss_1000, times(100, 0))});
  c.pass(0, opening);
  c.lost(1, tcp(1, {.flags = syn | ack, .seq = 5000, .ack = 1001, .options = with(mss_1000, times(900, 100))}));
  c.pass(0, opening);
  c.pass(1, {.flags = syn | ack, .seq = 90'000, .ack = 1001, .options = with(mss_1000, times(950, 100))});
  c.pass(0, {.seq = 1001, .ack = 90'001, .options = times(101, 950)});
  CHECK(c.nothing());
}

TEST_CASE("the judge lets refusals pass: of a SYN, and of an ACK that belongs to nobody") {
  court c;
  c.pass(0, {.flags = syn, .seq = 1000, .options = mss_1000});
  c.pass(1, {.flags = rst | ack, .seq = 0, .ack = 1001, .window = 0});
  c.pass(0, {.flags = syn, .seq = 9000, .options = mss_1000});
  c.pass(1, {.flags = syn | ack, .seq = 5000, .ack = 9001, .options = mss_1000});
  c.pass(0, {.seq = 9001, .ack = 5001});
  c.pass(1, {.flags = rst, .seq = 5001, .window = 0});
  CHECK(c.nothing());
}

TEST_CASE("the judge reports frames that no Ethernet host sends") {
  const frame good = tcp(0, {.flags = syn, .seq = 1000, .options = mss_1000});
  const auto changed = [&](std::size_t at, unsigned value) {
    frame f = good;
    f[at] = static_cast<std::byte>(value);
    return f;
  };
  const struct { frame f; const char* rule; } lies[] = {
      {frame(13), "ethernet.length"},
      {changed(6, 4), "ethernet.source"},
      {changed(5, 9), "ethernet.destination"},
      {changed(0, 1), "ethernet.destination"},
      {changed(12, 9), "ethernet.type"},
      {frame(good.begin(), good.begin() + 30), "ip.length"},
      {summed(changed(14, 0x65), 0), "ip.version"},
      {summed(changed(14, 0x44), 0), "ip.ihl"},
      {summed(changed(17, 200), 0), "ip.total_length"},
      {summed(changed(17, 10), 0), "ip.total_length"},
      {changed(24, 1), "ip.checksum"},
      {summed(changed(15, 2), 0), "ip.ecn"},
      {summed(changed(20, 0xc0), 0), "ip.flags"},
      {summed(changed(20, 0x20), 0), "ip.fragment"},
      {summed(changed(22, 0), 0), "ip.ttl"},
      {summed(changed(23, 99), 0), "ip.protocol"},
      {summed(changed(29, 77), 6), "ip.source"},
      {summed(changed(30, 224), 6), "ip.destination"},
  };
  for (const auto& lie : lies) {
    court c;
    c.lost(0, lie.f);
    INFO(lie.rule);
    CHECK(c.judge.found(lie.rule));
  }
  court c;
  frame padded = good;
  padded.push_back({});
  c.lost(0, padded);
  CHECK(c.only("ip.trailer"));
}

TEST_CASE("the judge reports an identification that is used twice without DF") {
  court c;
  frame f = tcp(0, {.flags = syn, .seq = 1000, .options = mss_1000});
  f[20] = {};
  put16(f, 18, 7);
  f = summed(f, 6);
  c.lost(0, f);
  CHECK(c.nothing());
  c.lost(0, f);
  CHECK(c.only("ip.id"));
}

TEST_CASE("the judge reports ARP messages that tell lies") {
  frame good(42);
  std::fill_n(good.begin(), 6, std::byte{0xff});
  std::copy_n(hosts[0].mac, 6, good.begin() + 6);
  put16(good, 12, 0x0806), put16(good, 14, 1), put16(good, 16, 0x0800), put16(good, 18, 0x0604), put16(good, 20, 1);
  std::copy_n(hosts[0].mac, 6, good.begin() + 22);
  put32(good, 28, hosts[0].ip), put32(good, 38, hosts[1].ip);
  court honest;
  honest.pass(0, good);
  CHECK(honest.nothing());
  const struct { std::size_t at; unsigned value; const char* rule; } lies[] = {
      {15, 2, "arp.format"}, {21, 3, "arp.operation"}, {27, 9, "arp.sender"}, {31, 9, "arp.sender"}, {38, 224, "arp.target"}, {41, 1, "arp.target"}, {21, 2, "arp.reply"}};
  for (const auto& lie : lies) {
    court c;
    frame f = good;
    f[lie.at] = static_cast<std::byte>(lie.value);
    c.lost(0, f);
    INFO(lie.rule);
    CHECK(c.judge.found(lie.rule));
  }
  court c;
  good.push_back({});
  c.lost(0, good);
  CHECK(c.only("arp.length"));
}

TEST_CASE("the judge reports segments of a bad form") {
  const segment base{.flags = syn, .seq = 1000, .options = mss_1000};
  const auto lie = [](frame f, const char* rule) {
    court c;
    c.lost(0, f);
    INFO(rule);
    CHECK(c.judge.found(rule));
  };
  const auto changed = [&](std::size_t at, unsigned value) {
    frame f = tcp(0, base);
    f[at] = static_cast<std::byte>(value);
    return f;
  };
  lie(changed(40, 1), "tcp.checksum");
  lie(summed(changed(46, 0x40), 6), "tcp.data_offset");
  lie(summed(changed(46, 0x90), 6), "tcp.data_offset");
  lie(summed(changed(46, 0x61), 6), "tcp.reserved_bits");
  frame no_port = tcp(0, base);
  put16(no_port, 34, 0);
  lie(summed(no_port, 6), "tcp.port");
  lie(summed(changed(53, 5), 6), "tcp.urgent");
  lie(tcp(0, {.flags = syn | fin, .seq = 1000, .options = mss_1000}), "tcp.flags");
  lie(tcp(0, {.flags = syn | tcp_segment::ece, .seq = 1000, .options = mss_1000}), "tcp.ecn");
  lie(tcp(0, {.flags = syn, .seq = 1000}), "tcp.no_mss");
  lie(tcp(0, {.flags = syn, .seq = 1000, .options = options({2, 4, 0, 1})}), "tcp.mss");
  lie(tcp(0, {.flags = syn, .seq = 1000, .options = options({2, 3, 3, 232})}), "tcp.option_mss");
  lie(tcp(0, {.flags = syn, .seq = 1000, .options = options({2, 4, 3, 232, 2, 4, 3, 232})}), "tcp.option_mss");
  lie(tcp(0, {.flags = syn, .seq = 1000, .options = options({3, 0, 0, 0})}), "tcp.option_length");
  lie(tcp(0, {.flags = syn, .seq = 1000, .options = options({1, 1, 1, 8})}), "tcp.option_length");
  lie(tcp(0, {.flags = syn, .seq = 1000, .options = options({3, 4, 1, 1})}), "tcp.option_scale");
  lie(tcp(0, {.flags = syn, .seq = 1000, .options = with(mss_1000, options({1, 3, 3, 15}))}), "tcp.scale");
  lie(tcp(0, {.flags = syn, .seq = 1000, .options = options({4, 3, 1, 1})}), "tcp.option_sack_permitted");
  lie(tcp(0, {.flags = syn, .seq = 1000, .options = options({8, 4, 1, 1})}), "tcp.option_timestamps");
  lie(tcp(0, {.flags = syn, .seq = 1000, .options = options({77, 4, 1, 1})}), "tcp.option_unknown");
  lie(tcp(0, {.flags = syn, .seq = 1000, .options = options({0, 4, 1, 1})}), "tcp.option_padding");
  lie(tcp(0, {.flags = syn, .seq = 1000, .data = "early", .options = mss_1000}), "tcp.syn_data");
  lie(tcp(0, {.flags = syn, .seq = 1000, .options = with(mss_1000, times(5, 6))}), "tcp.echo");
  lie(tcp(0, {.seq = 1000}), "tcp.no_syn");
}

TEST_CASE("the judge reports a side that breaks the rules of an open connection") {
  const auto lie = [](const char* rule, auto&& tell) {
    court c;
    c.open();
    REQUIRE(c.nothing());
    tell(c);
    CHECK(c.only(rule));
  };
  lie("tcp.no_ack_bit", [](court& c) { c.pass(0, {.flags = 0, .seq = 1001, .data = "x"}); });
  lie("tcp.timestamps", [](court& c) { c.pass(0, {.seq = 1001, .ack = 5001, .options = times(1, 2)}); });
  lie("tcp.syn_option", [](court& c) { c.pass(0, {.seq = 1001, .ack = 5001, .options = mss_1000}); });
  lie("tcp.gap", [](court& c) { c.pass(0, {.seq = 1002, .ack = 5001, .data = "x"}); });
  lie("tcp.seq", [](court& c) { c.pass(0, {.seq = 1007, .ack = 5001}); });
  lie("tcp.seq", [](court& c) { c.pass(0, {.seq = 1000, .ack = 5001, .data = "xy"}); });
  lie("tcp.mss", [](court& c) { c.pass(0, {.seq = 1001, .ack = 5001, .data = std::string(997, 'x'), .options = options({1, 1, 1, 1})}); });
  lie("tcp.changed", [](court& c) {
    c.lost(0, tcp(0, {.seq = 1001, .ack = 5001, .data = "hello"}));
    c.pass(0, {.seq = 1001, .ack = 5001, .data = "hallo"});
  });
  lie("tcp.changed", [](court& c) {  // also where the repetition is cut otherwise
    c.lost(0, tcp(0, {.seq = 1001, .ack = 5001, .data = "hello"}));
    c.pass(0, {.seq = 1003, .ack = 5001, .data = "llu"});
    c.pass(0, {.seq = 1005, .ack = 5001, .data = "ou"});
    c.pass(0, {.seq = 1005, .ack = 5001, .data = "oux"});
  });
  lie("tcp.window", [](court& c) {
    c.pass(0, {.seq = 1001, .ack = 5001, .data = std::string(600, 'x')});
    c.pass(0, {.seq = 1601, .ack = 5001, .data = std::string(401, 'x')});
  });
  lie("tcp.window", [](court& c) {  // an update that was lost offers nothing
    c.lost(1, tcp(1, {.seq = 5001, .ack = 1001, .window = 2000}));
    c.pass(0, {.seq = 1001, .ack = 5001, .data = std::string(900, 'x')});
    c.pass(0, {.seq = 1901, .ack = 5001, .data = std::string(101, 'x')});
  });
  lie("tcp.ack_unseen", [](court& c) { c.pass(1, {.seq = 5001, .ack = 1002}); });
  lie("tcp.ack_unseen", [](court& c) {  // of data that was sent and lost
    c.lost(0, tcp(0, {.seq = 1001, .ack = 5001, .data = "hello"}));
    c.pass(1, {.seq = 5001, .ack = 1006});
  });
  lie("tcp.ack_unseen", [](court& c) {  // beyond a hole
    c.lost(0, tcp(0, {.seq = 1001, .ack = 5001, .data = "hello"}));
    c.pass(0, {.seq = 1006, .ack = 5001, .data = "world"});
    c.pass(1, {.seq = 5001, .ack = 1011});
  });
  lie("tcp.ack_back", [](court& c) {
    c.pass(0, {.seq = 1001, .ack = 5001, .data = "hello"});
    c.pass(1, {.seq = 5001, .ack = 1006});
    c.pass(1, {.seq = 5001, .ack = 1004, .window = 1002});
  });
  lie("tcp.window_shrinks", [](court& c) { c.pass(1, {.seq = 5001, .ack = 1001, .window = 999}); });
  lie("tcp.after_fin", [](court& c) {
    c.pass(0, {.flags = fin | ack, .seq = 1001, .ack = 5001});
    c.pass(0, {.seq = 1001, .ack = 5001, .data = "x"});
  });
  lie("tcp.after_fin", [](court& c) {
    c.pass(0, {.flags = fin | ack, .seq = 1001, .ack = 5001});
    c.pass(0, {.flags = fin | ack, .seq = 1002, .ack = 5001});
  });
  lie("tcp.fin", [](court& c) {
    c.lost(0, tcp(0, {.seq = 1001, .ack = 5001, .data = "hello"}));
    c.pass(0, {.flags = fin | ack, .seq = 1001, .ack = 5001, .data = "he"});
  });
  lie("tcp.reset", [](court& c) { c.pass(0, {.flags = rst | ack, .seq = 1000, .ack = 5001}); });
  lie("tcp.reset_data", [](court& c) { c.pass(0, {.flags = rst | ack, .seq = 1001, .ack = 5001, .data = "why"}); });
  lie("tcp.after_reset", [](court& c) {
    c.pass(0, {.flags = rst | ack, .seq = 1001, .ack = 5001});
    c.pass(0, {.seq = 1001, .ack = 5001});
  });
  lie("tcp.syn_changed", [](court& c) { c.pass(0, {.flags = syn, .seq = 1000, .options = mss_scale}); });
}

TEST_CASE("the judge reports a side that breaks the rules of the handshake and of timestamps") {
  court unasked;
  unasked.pass(0, {.flags = syn, .seq = 1000, .options = mss_1000});
  unasked.pass(1, {.flags = syn | ack, .seq = 5000, .ack = 1001, .options = mss_scale});
  CHECK(unasked.only("tcp.scale"));
  court times_unasked;
  times_unasked.pass(0, {.flags = syn, .seq = 1000, .options = mss_1000});
  times_unasked.pass(1, {.flags = syn | ack, .seq = 5000, .ack = 1001, .options = with(mss_1000, times(5, 0))});
  CHECK(times_unasked.judge.found("tcp.timestamps"));
  court wrong_ack;
  wrong_ack.pass(0, {.flags = syn, .seq = 1000, .options = mss_1000});
  wrong_ack.pass(1, {.flags = syn | ack, .seq = 5000, .ack = 1002, .options = mss_1000});
  CHECK(wrong_ack.only("tcp.ack"));
  court deaf;
  deaf.lost(0, tcp(0, {.flags = syn, .seq = 1000, .options = mss_1000}));
  deaf.pass(1, {.flags = syn | ack, .seq = 5000, .ack = 1001, .options = mss_1000});
  CHECK(deaf.only("tcp.ack_unseen"));
  court wide;  // a scaled window is no wider before both SYNs have said so
  wide.pass(0, {.flags = syn, .seq = 1000, .options = mss_scale});
  wide.pass(1, {.flags = syn | ack, .seq = 5000, .ack = 1001, .window = 100, .options = mss_scale});
  wide.pass(0, {.seq = 1001, .ack = 5001, .data = std::string(101, 'x')});
  CHECK(wide.only("tcp.window"));

  const auto lie = [](const char* rule, auto&& tell) {
    court c;
    c.open_with_times();
    REQUIRE(c.nothing());
    tell(c);
    CHECK(c.only(rule));
  };
  lie("tcp.timestamps", [](court& c) { c.pass(0, {.seq = 1001, .ack = 5001}); });
  lie("tcp.time", [](court& c) { c.pass(0, {.seq = 1001, .ack = 5001, .options = times(99, 900)}); });
  lie("tcp.echo", [](court& c) { c.pass(0, {.seq = 1001, .ack = 5001, .options = times(102, 901)}); });
  lie("tcp.echo", [](court& c) {
    c.pass(1, {.seq = 5001, .ack = 1001, .options = times(910, 101)});
    c.pass(0, {.seq = 1001, .ack = 5001, .options = times(102, 910)});
    c.pass(0, {.seq = 1001, .ack = 5001, .options = times(103, 900)});
  });
}

TEST_CASE("the judge reports datagrams with a wrong length or checksum") {
  frame body(12);
  put16(body, 0, 1111), put16(body, 2, 2222), put16(body, 4, 12);
  const frame good = datagram(0, 17, body);
  court honest;
  honest.pass(0, good);
  CHECK(honest.nothing());
  const auto lie = [&](std::size_t at, unsigned value, bool is_summed, const char* rule) {
    frame f = good;
    put16(f, at, value);
    court c;
    c.lost(0, is_summed ? summed(f, 17) : f);
    INFO(rule);
    CHECK(c.judge.found(rule));
  };
  lie(38, 11, true, "udp.length");
  lie(38, 13, true, "udp.length");
  lie(40, 0, false, "udp.checksum");
  lie(40, 0x1234, false, "udp.checksum");
  lie(34, 0, true, "udp.port");
}

TEST_CASE("the judge reports echo replies and errors about what never came") {
  const frame request = datagram(0, 1, options({8, 0, 0, 0, 0, 7, 0, 1, 'a', 'b', 'c'}));
  frame reply = datagram(1, 1, options({0, 0, 0, 0, 0, 7, 0, 1, 'a', 'b', 'c'}));
  court honest;
  honest.pass(0, request);
  honest.pass(1, reply);
  CHECK(honest.nothing());
  honest.pass(1, datagram(1, 1, options({0, 0, 0, 0, 0, 7, 0, 1, 'a', 'b', 'd'})));
  CHECK(honest.only("icmp.echo"));
  court sum;
  put16(reply, 36, 1);
  sum.pass(1, reply);
  CHECK(sum.only("icmp.checksum"));

  frame body(12);
  put16(body, 0, 1111), put16(body, 2, 2222), put16(body, 4, 12);
  const frame asked = datagram(0, 17, body);
  const auto error_about = [](const frame& f, std::size_t quoted) { return datagram(1, 1, with(options({3, 3, 0, 0, 0, 0, 0, 0}), frame(f.begin() + 14, f.begin() + 14 + static_cast<std::ptrdiff_t>(quoted)))); };
  court error;
  error.pass(0, asked);
  error.pass(1, error_about(asked, 28));
  CHECK(error.nothing());
  error.pass(1, error_about(asked, 27));
  CHECK(error.only("icmp.quote"));
  court unheard;
  unheard.lost(0, asked);
  unheard.pass(1, error_about(asked, 28));
  CHECK(unheard.only("icmp.quote"));
  court about;
  frame unreachable = datagram(0, 1, with(options({3, 1, 0, 0, 0, 0, 0, 0}), frame(28)));
  about.judge.arrived(1, unreachable);
  about.pass(1, error_about(unreachable, 28));
  CHECK(about.only("icmp.about_icmp"));
  court strange;
  strange.pass(0, datagram(0, 1, options({77, 0, 0, 0, 0, 0, 0, 0})));
  CHECK(strange.only("icmp.type"));
}

}  // namespace
