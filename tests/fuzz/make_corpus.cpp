// SPDX-License-Identifier: MIT
// Writes the seeds of the corpus that are made by hand: make_corpus DIRECTORY. They say by their names what they reach; the other files in a corpus
// are what libFuzzer found and kept (`scripts/fuzz --merge`). A seed of stack_structured is also written in plain steps, as frames, for stack_input.
#include "script.hpp"

#include <strata/wire/tcp_options.hpp>

#include <cstring>
#include <filesystem>

namespace {

using namespace strata;
using namespace strata::fuzz;

octets from_hex(const char* text) {
  octets out;
  unsigned n = 0, value = 0;
  for (; *text != 0; ++text) {
    if (*text == ' ') continue;
    value = value * 16 + static_cast<unsigned>(*text <= '9' ? *text - '0' : *text - 'a' + 10);
    if (++n % 2 == 0) out.push_back(static_cast<std::byte>(value)), value = 0;
  }
  return out;
}

class script {
 public:
  explicit script(unsigned setting = 0) { add({setting}); }

  script& pass(unsigned e) { return add({id(step::pass), e}); }
  script& turn(unsigned frames = 64) { return add({id(step::turn), frames}); }
  script& deadline(unsigned times = 1) { return add({id(step::deadline), times - 1}); }
  script& tell(call what, unsigned who = 0, unsigned n = 0) { return add({id(step::call), static_cast<unsigned>(what), who, n & 255, n >> 8}); }
  script& nic(unsigned bits) { return add({id(step::nic), bits}); }
  script& raw(const octets& frame) {
    add({id(step::raw), static_cast<unsigned>(frame.size()) & 255, static_cast<unsigned>(frame.size()) >> 8});
    out_.insert(out_.end(), frame.begin(), frame.end());
    return *this;
  }
  script& syn(unsigned flow, unsigned offer = offers_mss | offers_scale | offers_times, unsigned mss = 1460, unsigned window = 65535) {
    return add({id(step::syn), flow, offer, mss & 255, mss >> 8, window & 255, window >> 8});
  }
  /// `arguments` in the order of the bits of `changes`, low byte first.
  script& segment(unsigned flow, unsigned flags, unsigned length = 0, unsigned changes = 0, std::initializer_list<int> words = {}) {
    add({id(step::segment), flow, flags, length & 255, length >> 8, changes});
    for (const int w : words) add({static_cast<unsigned>(w) & 255, static_cast<unsigned>(w) >> 8 & 255});
    return *this;
  }
  script& bulk(unsigned flow, unsigned n, unsigned length) { return add({id(step::bulk), flow, n - 1, length & 255, length >> 8}); }
  script& open(unsigned flow, unsigned offer = offers_mss | offers_scale | offers_times) { return add({id(step::open), flow, offer}); }
  script& arp(unsigned peer, unsigned kind) { return add({id(step::arp), peer, kind}); }
  script& icmp(unsigned type, unsigned code, unsigned rest, unsigned quote) {
    return add({id(step::icmp), type, code, rest & 255, rest >> 8, quote});
  }
  script& datagram(unsigned who, unsigned port, unsigned length, unsigned changes = 0) {
    return add({id(step::datagram), who, port, length & 255, length >> 8, changes});
  }
  script& damage(unsigned what, unsigned value) { return add({id(step::damage), what, value}); }
  script& habits(unsigned bits) { return add({id(step::habits), bits}); }
  script& again(unsigned n = 0) { return add({id(step::again), n}); }
  script& late() { return add({id(step::late)}); }
  /// The next step is followed by no turn: what it delivers comes in one batch with the frame behind it.
  script& together() { return is_together_ = true, *this; }
  template <class F> script& times(unsigned n, F&& f) {
    for (unsigned i = 0; i < n; ++i) f(*this, i);
    return *this;
  }
  [[nodiscard]] const octets& input() const { return out_; }

 private:
  static unsigned id(step s) { return static_cast<unsigned>(s); }
  script& add(std::initializer_list<unsigned> values) {
    const std::size_t first = out_.size();
    for (const unsigned v : values) out_.push_back(static_cast<std::byte>(v));
    if (std::exchange(is_together_, false)) out_[first] |= std::byte{no_turn};
    return *this;
  }
  octets out_{};
  bool is_together_ = false;
};

constexpr unsigned ack = 16, psh = 8, rst = 4, syn = 2, fin = 1;
constexpr unsigned ethernet_v4 = 0, raw_v6 = 1, raw_v6_late = 3, abrupt = 4;
constexpr unsigned all_habits = answers_arp | acknowledges | answers_syn;

struct named_script {
  const char* name;
  script s;
};

std::vector<named_script> scripts() {
  std::vector<named_script> all;
  const auto add = [&](const char* name, script s) { all.push_back({name, std::move(s)}); };
  // Both stacks: a life from SYN to TIME-WAIT, either side first; filled to the brim; lost, late, doubled, overlapping.
  for (const unsigned how : {ethernet_v4, raw_v6, raw_v6_late}) {
    const auto name = [&](const char* what) {
      static std::vector<std::string> names(64);
      names.push_back((how == ethernet_v4 ? "v4-" : how == raw_v6 ? "v6-" : "late-") + std::string(what));
      all.push_back({strdup(names.back().c_str()), script(how)});
      return &all.back().s;
    };
    name("peer-closes-first")->habits(all_habits).open(0).segment(0, ack | psh, 300).segment(0, ack | fin, 200).deadline(4).segment(0, ack).turn();
    name("we-close-first")->habits(answers_arp).open(0).segment(0, ack).tell(call::close, 1).segment(0, ack).segment(0, ack | fin).deadline(6)
        .pass(26).turn();
    name("filled")->habits(answers_arp).tell(call::mode, 0, 0).open(1, offers_mss).bulk(1, 10, how == ethernet_v4 ? 524 : 1208).deadline(2)
        .tell(call::receive, 1, 700).tell(call::echo, 1)
        .tell(call::consume, 1, 2047).tell(call::consume, 1, 2047).turn().segment(1, ack | fin, 100).tell(call::take, 1).tell(call::close, 1)
        .deadline(3);
    name("full-windows-at-once")->habits(answers_arp).tell(call::mode, 0, 0).open(1, offers_mss | offers_scale).bulk(1, 8, 256).bulk(1, 8, 300)
        .tell(call::receive, 1, 2000).bulk(1, 4, 300);
    name("holes")->habits(answers_arp).open(0).segment(0, ack, 300, is_not_sent).segment(0, ack, 300).segment(0, ack, 300)
        .segment(0, ack, 300, moves_seq, {400}).segment(0, ack, 300, moves_seq, {800})
        .segment(0, ack, 300, moves_seq, {1200}).segment(0, ack, 900, moves_seq, {-600}).segment(0, ack | fin, 100, moves_seq, {200})
        .segment(0, ack, 600, moves_seq, {-900}).segment(0, ack, 500);
    name("doubled-and-late")->habits(all_habits).open(2).late().segment(2, ack, 200).segment(2, ack, 200).again(0).again(1).again(2)
        .segment(2, ack | fin).again(0);
    name("small-and-many")->habits(answers_arp).tell(call::mode, 0, 0).open(0).bulk(0, 16, 100).bulk(0, 16, 30).segment(0, ack, 50, moves_seq, {60})
        .segment(0, ack, 50, moves_seq, {110}).tell(call::take, 1).tell(call::take, 1);
    name("lost-data")->habits(answers_arp).open(0).tell(call::send, 1, 2000).segment(0, ack, 0, moves_ack, {-900})
        .segment(0, ack, 0, moves_ack, {-900}).segment(0, ack, 0, moves_ack, {-900})
        .segment(0, ack, 0, moves_ack, {-900}).segment(0, ack, 0, moves_ack, {-500}).deadline(3).segment(0, ack).deadline(2);
    name("nobody-answers")->habits(0).syn(0).deadline(16).open(1).tell(call::user_timeout, 1, 300).tell(call::send, 1, 1500).deadline(16)
        .deadline(16);
    name("closed-window")->habits(answers_arp).open(0).segment(0, ack, 0, says_window, {0}).tell(call::send, 1, 900).deadline(5)
        .segment(0, ack, 0, says_window, {100}).deadline(2)
        .segment(0, ack, 0, says_window, {40}).tell(call::shutdown_send, 1).deadline(3).segment(0, ack, 0, says_window, {8000}).deadline(2);
    name("our-connection")->habits(all_habits).deadline(1).tell(call::connect, 1, 1).tell(call::send, 1, 300).segment(6, ack, 300)
        .segment(6, ack | fin).deadline(4);
    name("both-open")->habits(answers_arp).deadline(1).tell(call::mode, 0, mode::greets | mode::reads).segment(5, syn, 0).segment(5, ack).again(1)
        .segment(5, syn | ack).segment(5, ack, 200);
    name("resets")->habits(answers_arp).open(0).segment(0, rst, 0, moves_seq, {5}).segment(0, rst).open(2).segment(2, syn).segment(2, syn)
        .segment(5, rst | ack).open(4).segment(4, ack, 0, moves_seq, {20000})
        .segment(4, rst, 0, moves_seq, {20000}).segment(4, ack, 0, moves_ack, {20000}).segment(4, ack, 0, moves_ack, {-32000})
        .segment(4, ack, 0, moves_times, {-5000}).segment(4, ack, 0, moves_times, {0x7fff})
        .segment(4, ack, 10, is_corrupt).segment(4, ack, 10, is_urgent).segment(4, 0, 10).segment(4, fin | syn | rst);
    name("odd-openings")->habits(answers_arp).syn(0, offers_data | offers_fin).segment(0, ack, 0, moves_ack, {7})
        .segment(0, ack, 0, moves_seq, {30000}).segment(0, syn, 0, moves_seq, {5}).syn(0, offers_the_same)
        .segment(0, rst, 0, moves_seq, {1}).segment(0, rst).syn(2, offers_mss | offers_much_scale, 1, 1).segment(2, ack).segment(2, ack, 100)
        .syn(4, offers_times).segment(4, ack, 0, moves_times, {-500})
        .segment(4, ack, 50).syn(1, 0, 0, 0).segment(1, ack, 30).segment(3, fin | ack).segment(3, 0);
    name("too-many-half-open")->habits(answers_arp).syn(0).syn(2).syn(4).syn(6).syn(1).syn(3).syn(7).deadline(3).syn(7).syn(5).tell(call::close_listener, 0).syn(0).pass(35)
        .turn();
    name("too-many-connections")->habits(answers_arp).open(0).open(2).open(4).open(1).open(3).open(6).open(7).segment(6, ack, 10)
        .tell(call::abort, 2).turn().segment(6, ack, 10);
    name("time-waits")->habits(all_habits).times(4, [](script& s, unsigned i) { s.open(i).segment(i, ack).tell(call::close, i + 1).segment(i, ack)
        .segment(i, ack | fin).turn(); })
        .segment(3, ack | fin, 0, moves_seq, {-1}).segment(3, ack, 5).segment(3, rst).syn(3).syn(2).segment(2, ack, 0, moves_times, {-900}).pass(26)
        .turn();
    name("pressure")->habits(answers_arp).tell(call::mode, 0, 0).open(0).open(2).open(4).open(1).open(3)
        .times(5, [how](script& s, unsigned i) { s.bulk(i, 4, how == ethernet_v4 ? 500 : 1200); })
        .times(6, [](script& s, unsigned i) { s.tell(call::send, i, 2000).tell(call::send, i, 2000); })
        .times(6, [](script& s, unsigned i) { s.datagram(i & 1 ? 9 : 0, i & 1, 20); })
        .tell(call::send_to, 0, 100 + 1024).tell(call::commit_datagram, 0, 100).tell(call::send, 1, 100).tell(call::commit, 1, 100)
        .datagram(0, 4, 20).times(3, [](script& s, unsigned) { s.together().arp(1, request); }).arp(1, request).icmp(8, 0, 1, 30).deadline(8);
    name("nic-is-full")->habits(answers_arp).open(0).nic(1).tell(call::send, 1, 2000).tell(call::send, 0, 300)
        .times(6, [](script& s, unsigned i) { s.tell(call::send_to, 0, 50 + 1024 * (i & 1)); })
        .segment(0, ack, 300).tell(call::shutdown_send, 1).deadline(4).segment(0, ack | fin).tell(call::connect, 2, 1).nic(0).turn().deadline(6);
    name("completions-are-late")->habits(answers_arp).open(0).nic(2).tell(call::send, 1, 2000).deadline(5).segment(0, ack).tell(call::send, 1, 2000)
        .deadline(2).nic(0).turn().deadline(3);
    name("doorbell-fails")->habits(answers_arp).open(0).nic(4).tell(call::send, 1, 600).turn().deadline(6).nic(0).deadline(2).nic(8)
        .tell(call::send_to, 0, 20 + 1024).turn().nic(0).deadline(3);
    name("handlers")->habits(all_habits)
        .tell(call::mode, 0, mode::greets | mode::echoes | mode::half_closes | mode::polls_inside | mode::takes | mode::reconnects).open(0)
        .segment(0, ack, 300).segment(0, ack | fin)
        .tell(call::mode, 0, mode::aborts_on_data | mode::reads_datagrams).open(1).segment(1, ack, 30).datagram(0, 0, 10).tell(call::time_back)
        .turn();
    name("calls")->habits(all_habits).open(0).tell(call::commit, 1, 200).tell(call::commit, 1, 200 + 1024).tell(call::commit, 1, 200 + 2048)
        .tell(call::no_delay, 1, 1).tell(call::send_more, 1, 50).tell(call::send, 1, 50)
        .tell(call::timer, 1, 50).deadline(3).tell(call::timer, 1, 90).tell(call::cancel_timer, 1).tell(call::listen, 2).tell(call::listen, 2)
        .tell(call::listen, 3).tell(call::connect, 15, 0)
        .tell(call::connect, 0, 2).tell(call::connect, 0, 4).tell(call::commit, 1, 100 + 3072).deadline(2);
    name("idle-and-shut")->habits(answers_arp).tell(call::mode, 0, 0).open(0).tell(call::keep_alive, 1, 1 | 2 << 1 | 1 << 5 | 2 << 9).deadline(1)
        .segment(0, ack, 30).tell(call::shutdown_receive, 1).segment(0, ack, 200).tell(call::cork, 1, 1).tell(call::send, 1, 100).tell(call::cork, 1, 0)
        .tell(call::ip_fields, 1, 46).segment(0, ack).deadline(8).segment(0, ack | fin).tell(call::close, 1).deadline(2);
    name("datagrams")->habits(all_habits).datagram(0, 0, 100).datagram(9, 1, 40).datagram(0, 0, 33, 4).datagram(0, 0, 33).datagram(0, 0, 33, 8)
        .datagram(0, 0, 33, 1).datagram(0, 0, 33, 2).datagram(0, 3, 50)
        .datagram(1, 1, 50).tell(call::receive_datagram, 0, 20).tell(call::consume_datagram, 0).tell(call::consume_datagram, 1)
        .tell(call::send_datagram, 1, 100).tell(call::send_datagram, 1, 2000)
        .tell(call::send_to, 0, 30 + 1024).tell(call::commit_datagram, 0, 80 + 2048).tell(call::bind_any).tell(call::bind, 2, 1)
        .tell(call::send_to, 0, 10 + 15 * 1024).tell(call::send_to, 0, 10 + 7 * 1024)
        .tell(call::close_socket, 0).datagram(0, 0, 10).turn();
    name("closed-unread")->habits(answers_arp).tell(call::mode, 0, 0).open(0).segment(0, ack, 100).tell(call::close, 1).open(2).tell(call::close, 2)
        .segment(2, ack, 100);
    name("restart")->habits(all_habits).open(0).segment(0, ack, 200).tell(call::take, 1).datagram(0, 0, 20).tell(call::restart).open(1)
        .segment(1, ack, 100).tell(call::connect, 1, 1);
    // The network layer: every header field wrong once.
    script& ip = *name("headers");
    ip.habits(answers_arp).open(0);
    const auto odd = [&](unsigned what, std::initializer_list<unsigned> values) {
      for (const unsigned v : values) ip.damage(what, v).segment(0, ack, 40, is_not_sent).damage(what, v).segment(0, ack, 20);
    };
    odd(version, {0x55, 0x00, 0x60, 0x45, 0x44});
    odd(header_length, {4, 7, 15});
    odd(total_length, {10, 30, 90, 250});
    odd(ttl, {0, 1});
    odd(protocol, {99, 58, 0, 44, 1});
    odd(header_checksum, {0});
    odd(source, {0, 1, 2, 3, 4, 5, 6, 7});
    odd(destination, {0, 1, 2, 3, 4, 5, 6, 7});
    odd(cut, {0, 10, 13, 19, 30, 60});
    odd(padding, {7, 40});
    if (how == ethernet_v4) {
      odd(fragment, {1, 2, 200});
      odd(options, {0, 1, 2, 3, 4, 5, 6, 7});
      odd(link_destination, {0, 1, 2, 3});
      odd(ether_type, {0, 1, 2, 3});
    } else {
      ip.raw({});
      ip.damage(version, 0x45).segment(0, ack, 30);
    }
  }
  // What only IPv4 over Ethernet has.
  add("v4-arp", [] {
    script s;
    s.habits(0);
    for (unsigned kind = request; kind <= stranger; ++kind) s.arp(kind % 4, kind);
    return s.tell(call::send_to, 0, 20 + 1024)
        .arp(1, reply)
        .arp(1, announcement)
        .arp(2, request)
        .tell(call::send_to, 0, 20 + 2048)
        .pass(23)
        .turn()
        .deadline(8)
        .pass(25)
        .turn()
        .deadline(8);
  }());
  add("v4-arp-two-answers", script().habits(0).tell(call::send_to, 0, 20 + 1024).arp(1, reply)
      .raw(from_hex("ffffffffffff 020000000109 0806 0001 0800 0604 0002 020000000109 0a000003 000000000000 0a000001")).tell(call::send_to, 0, 20 + 1024));
  add("v4-arp-table-is-full", script().habits(0).times(4, [](script& s, unsigned i) { s.tell(call::send_to, 0, 20 + 1024 * (i + 1)); })
      .arp(5, request).tell(call::send_to, 0, 20 + 1024 * 5).deadline(2).arp(5, request));
  add("v4-arp-nobody", script().habits(0).times(12, [](script& s, unsigned i) { s.tell(call::send_to, 0, 20 + 1024 * (i % 3 + 1)); })
      .tell(call::send_datagram, 1, 20).deadline(12).tell(call::send_datagram, 1, 20).tell(call::connect, 3, 0).deadline(9));
  add("v4-arp-probes", script().habits(answers_arp).open(0).segment(0, ack).pass(25).turn().pass(25).turn().habits(0).tell(call::send, 1, 50)
      .deadline(12));
  add("v4-echo", script().habits(answers_arp).icmp(8, 0, 0, 0).icmp(8, 0, 7, 14).icmp(8, 0, 7, 150).icmp(8, 1, 7, 5).damage(destination, 1)
      .icmp(8, 0, 7, 5).icmp(0, 0, 7, 5).icmp(13, 0, 0, 3).icmp(4, 0, 0, 0)
      .icmp(5, 1, 0, 0).damage(total_length, 25).icmp(8, 0, 0, 0).icmp(8, 0, 9, 175));
  add("v4-icmp-errors", script().habits(answers_arp).open(0).tell(call::send, 1, 1200).icmp(3, 4, 296, 0).icmp(3, 4, 0, 0).icmp(3, 4, 68, 0)
      .deadline(2).icmp(3, 1, 0, 0).icmp(11, 0, 0, 0).icmp(12, 0, 0, 0).icmp(3, 0, 0, 16)
      .icmp(3, 3, 0, 8).icmp(3, 3, 0, 4).icmp(3, 3, 0, 32).icmp(3, 3, 0, 64).icmp(3, 20, 0, 0).tell(call::send_datagram, 1, 30).icmp(3, 3, 0, 128)
      .icmp(3, 4, 100, 0).tell(call::send_datagram, 1, 300));
  add("v4-refused", script().habits(0).deadline(1).icmp(3, 3, 0, 0).tell(call::connect, 1, 1).arp(1, reply).icmp(3, 13, 0, 0)
      .tell(call::connect, 1, 1).segment(6, rst | ack));
  add("v4-too-many-errors", script().habits(answers_arp).times(56, [](script& s, unsigned i) { s.datagram(i, 4, 1); }));
  add("v4-path-shrinks", script().habits(answers_arp).open(0).tell(call::send, 1, 2000).icmp(3, 4, 200, 0).segment(0, ack, 0, moves_ack, {-600})
      .deadline(2).segment(0, ack, 0, moves_ack, {-100}).deadline(3).segment(0, ack).deadline(2));
  add("v4-abrupt", script(ethernet_v4 | abrupt).habits(all_habits).open(0).segment(0, ack, 300).datagram(0, 0, 10).nic(2).tell(call::send, 1, 600)
      .tell(call::send_to, 0, 20 + 3072));
  add("v6-abrupt", script(raw_v6 | abrupt).habits(all_habits).open(0).segment(0, ack, 300).nic(1).tell(call::send, 1, 600)
      .tell(call::send_to, 0, 20 + 1024).turn());
  // IGMP: a query of each version, other hosts, and what is wrong; 239.1.2.1 is group 1.
  const auto igmp = [](const char* text, const char* to = "e0000001", unsigned ttl = 1, unsigned spoilt = 0, unsigned protocol = 2) {
    octets p = from_hex((std::string("460000000000400000020000 0a000002") + to + "94040000" + text).c_str());
    p[2] = static_cast<std::byte>(p.size() >> 8), p[3] = static_cast<std::byte>(p.size()), p[8] = static_cast<std::byte>(ttl), p[9] = static_cast<std::byte>(protocol);
    const auto sum = [&](std::size_t from, std::size_t end, std::size_t at) {
      unsigned s = 0;
      for (std::size_t i = from; i < end; ++i) s += static_cast<unsigned>(p[i]) << (i % 2 == 0 ? 8 : 0);
      s = (s & 0xffff) + (s >> 16), s = ~(s + (s >> 16)) & 0xffff;
      p[at] = static_cast<std::byte>(s >> 8), p[at + 1] = static_cast<std::byte>(s);
    };
    sum(0, 24, 10);
    if (p.size() >= 28) sum(24, p.size(), 26), p[27] ^= static_cast<std::byte>(spoilt);
    octets f = from_hex((std::string("01005e") + (std::string(to) + "000000").substr(2, 6) + "020000000102 0800").c_str());
    f.insert(f.end(), p.begin(), p.end());
    return f;
  };
  constexpr unsigned join = 0, leave = 1, include = 2, exclude = 3, own = 128;
  const auto group = [](unsigned what, unsigned g, unsigned source = 0) { return what | g << 2 | source << 5; };
  add("v4-groups-of-sources", script().tell(call::group, 0, group(join, 1)).tell(call::group, 1, group(join, 1, 1)).tell(call::group, 0, own | group(exclude, 2, 1))
      .raw(igmp("1164000000000000027d0000")).deadline(3).raw(igmp("110a0000ef01020102 7d0000", "ef010201")).raw(igmp("110a0000ef010201027d000200000a0000020a000003", "ef010201"))
      .raw(igmp("110a0000ef010201027d00020a0000020a000003", "ef010201")).raw(igmp("110a0000ef010202027d00030a0000020a0000030a000004", "ef010202")).deadline(6)
      .tell(call::group, 0, group(exclude, 1, 2)).tell(call::group, 1, group(leave, 1, 1)).tell(call::group, 0, own | group(include, 2, 2)).deadline(4)
      .tell(call::group, 0, group(leave, 1)).tell(call::close_socket, 1).tell(call::group, 0, own | group(include, 2)).deadline(4));
  add("v4-groups-of-old-queriers", script().tell(call::group, 0, group(join, 1)).raw(igmp("1164000000000000")).deadline(4).tell(call::group, 0, group(join, 2)).deadline(2)
      .raw(igmp("110a0000ef010201", "ef010201")).raw(igmp("16000000ef010201", "ef010201")).tell(call::group, 0, group(leave, 1)).tell(call::group, 0, group(leave, 2))
      .raw(igmp("1100000000000000")).tell(call::group, 0, group(join, 1)).deadline(3).tell(call::group, 0, group(leave, 1)).pass(28).turn().deadline(3));
  add("v4-groups-and-noise", script().tell(call::group, 0, group(join, 0)).tell(call::group, 0, group(join, 7)).tell(call::group, 0, group(join, 1, 2))
      .raw(igmp("11640000")).raw(igmp("1164000000000000027d", "e0000001")).raw(igmp("1164000000000000027d0000", "e0000001", 2)).raw(igmp("1164000000000000027d0000", "e0000001", 1, 1))
      .raw(igmp("13000000 00000000")).raw(igmp("22000000 00000000", "e0000016")).raw(igmp("220000000000000016", "ef010201"))
      .raw(igmp("12340bb8 000c0000 41424344", "ef010201", 5, 0, 17)).raw(igmp("12340bb8 000c0000 41424344", "ef010205", 5, 0, 17))
      .nic(1).tell(call::group, 0, group(join, 2)).nic(2).tell(call::group, 0, group(join, 3)).deadline(3));
  constexpr unsigned say = 256, here_only = 2 << 9, elsewhere = 1 << 9, long_one = 31 << 11;
  add("v4-groups-heard-here", script().tell(call::bind, 0).tell(call::bind, 1).tell(call::group, 0, group(join, 1)).times(4, [&](script& s, unsigned) { s.tell(call::group, 1, say | group(0, 1)); }).deadline(2)
      .tell(call::group, 1, say | here_only | long_one | group(0, 1)).tell(call::group, 1, say | elsewhere | group(0, 1)).turn().tell(call::group, 0, group(exclude, 1)).tell(call::group, 0, say | group(0, 0))
      .tell(call::group, 1, say | group(1, 1)).turn().tell(call::raw, 0, 2 << 3).tell(call::raw, 1, 3 << 3).tell(call::group, 1, say | group(0, 1)).turn().tell(call::group, 1, say | group(0, 1)).tell(call::restart));
  add("v6-groups", script(raw_v6).tell(call::group, 0, group(join, 1)).tell(call::group, 0, group(include, 2, 1)).deadline(3).tell(call::group, 0, say | group(0, 1)).tell(call::group, 0, group(leave, 1)).deadline(3));
  // Raw sockets: `what` they do, and of which protocol (0: ICMP, 1: TCP, 2: UDP, 3: one that the stack has not).
  constexpr unsigned open = 0, shut = 1, connect = 2, send_to = 3, receive = 4, consume = 5, options = 6, send = 7;
  const auto raw = [](unsigned what, unsigned more = 0) { return what | more << 3; };
  add("v4-raw", script().habits(answers_arp).tell(call::raw, 0, raw(open, 0)).times(3, [](script& s, unsigned i) { s.icmp(8, 0, i, 5); }).tell(call::raw, 0, raw(receive, 20))
      .tell(call::raw, 0, raw(consume)).icmp(3, 3, 0, 0).tell(call::raw, 0, raw(open, 3)).tell(call::raw, 1, raw(send_to, 1 | 40 << 3)).tell(call::raw, 1, raw(send)).tell(call::raw, 1, raw(connect, 1))
      .tell(call::raw, 1, raw(options, 46)).tell(call::raw, 1, raw(send, 100)).icmp(3, 2, 0, 0).damage(protocol, 253).datagram(1, 0, 30).tell(call::raw, 0, raw(open, 2)).tell(call::raw, 0, raw(shut))
      .tell(call::raw, 0, raw(open, 1 | 4)).open(0).segment(0, ack, 100).tell(call::mode, 0, mode::reads | mode::reads_datagrams).segment(0, ack, 50).tell(call::raw, 1, raw(send, 900))
      .tell(call::raw, 1, raw(send_to, 7 | 8 << 3)).nic(1).tell(call::raw, 1, raw(send, 10)).nic(0).turn());
  add("v4-raw-written", script().habits(answers_arp).tell(call::raw, 0, raw(open, 3)).tell(call::raw, 0, raw(options, 1 << 10)).times(3, [&](script& s, unsigned i) { s.tell(call::raw, 0, raw(send_to, 1 | (40 + i) << 3)); })
      .tell(call::raw, 0, raw(send_to, 1 | 7 << 3)).tell(call::raw, 0, raw(send_to, 1 | 64 << 3)).tell(call::raw, 0, raw(send_to, 7 | 40 << 3)).tell(call::raw, 1, raw(open, 0)).tell(call::raw, 1, raw(options, 1 << 8))
      .icmp(8, 0, 0, 5).icmp(0, 0, 0, 5).turn());
  add("v4-raw-pressure", script().habits(answers_arp).tell(call::raw, 0, raw(open, 0)).tell(call::raw, 0, raw(open, 3)).tell(call::raw, 1, raw(send_to, 1 | 40 << 3)).tell(call::mode, 0, 0)
      .open(0).open(2).open(4).open(1).open(3).times(5, [](script& s, unsigned i) { s.bulk(i, 4, 500); })
      .times(6, [](script& s, unsigned i) { s.tell(call::send, i, 2000).tell(call::send, i, 2000); }).times(3, [](script& s, unsigned i) { s.icmp(8, 0, i, 5); })
      .tell(call::raw, 1, raw(send_to, 1 | 40 << 3)).tell(call::raw, 0, raw(receive, 20)).deadline(4));
  add("v6-raw", script(raw_v6).tell(call::raw, 0, raw(open, 3)).tell(call::raw, 0, raw(send_to, 1 | 40 << 3)).damage(protocol, 253).datagram(1, 0, 30).tell(call::raw, 0, raw(connect, 7))
      .tell(call::raw, 0, raw(consume)).tell(call::raw, 0, raw(open, 2)).datagram(0, 0, 30).tell(call::restart).tell(call::raw, 0, raw(open, 3)).damage(protocol, 253).datagram(1, 0, 30));
  add("v4-garbage", script().raw({}).raw(octets(10)).raw(octets(60, std::byte{0xff})).raw(octets(1500, std::byte{0x45})));
  return all;
}

octets mended_packet(const char* text) {
  octets p = from_hex(text);
  mend(p, 0);
  return p;
}
bytes text_of(const char* t) { return {reinterpret_cast<const std::byte*>(t), std::strlen(t)}; }

bool write(const std::filesystem::path& folder, const char* name, bytes content) {
  std::filesystem::create_directories(folder);
  std::FILE* file = std::fopen((folder / (std::string("seed-") + name)).c_str(), "wb");
  if (file == nullptr) return false;
  const bool is_whole = std::fwrite(content.data(), 1, content.size(), file) == content.size();
  return std::fclose(file) == 0 && is_whole;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_corpus DIRECTORY\n");
    return 2;
  }
  const std::filesystem::path to = argv[1];
  bool is_done = true;
  const auto seed = [&](const char* target, const char* name, bytes content) { is_done = write(to / target, name, content) && is_done; };

  seed("ethernet", "ipv4", from_hex("020000000001 020000000102 0800"));
  seed("ethernet", "short", from_hex("020000000001 0200000001"));
  seed("arp", "request", from_hex("0001 0800 06 04 0001 020000000102 0a000003 000000000000 0a000001"));
  seed("arp", "probe", from_hex("0001 0800 06 04 0001 020000000102 00000000 000000000000 0a000001"));
  seed("arp", "token-ring", from_hex("0006 0800 06 04 0002 020000000102 0a000003 000000000000 0a000001"));
  const octets plain = mended_packet("45000000 00014000 40060000 0a000002 0a000001 13881388 00000001 00000002 50100400 00000000");
  seed("ipv4", "plain", plain);
  seed("ipv4", "options", mended_packet("47000000 00014000 40110000 0a000002 0a000001 01830704 0a000001 00010002 00080000"));
  seed("ipv4", "fragment", mended_packet("45000000 00012001 40110000 0a000002 0a000001 0102030405060708"));
  seed("ipv4", "truncated", bytes(plain).first(30));
  seed("ipv4", "whole-header-missing", from_hex("4f000028 00014000 40060000 0a000002 0a000001"));
  seed("ipv6", "plain", mended_packet("60000000 0000 06 40 fd000000000000000000000000000002 fd000000000000000000000000000001 00010002"));
  seed("ipv6", "jumbo", from_hex("60000000 ffff 06 40 fd000000000000000000000000000002 fd000000000000000000000000000001"));
  seed("icmpv4", "echo", from_hex("0800f7fe 00010000 0102"));
  seed("icmpv4", "port-unreachable", from_hex("03030000 00000000 45000024 00014000 40110000 0a000001 0a000002 0bb80035 00100000"));
  seed("icmpv4", "too-big", from_hex("03040000 00000128 45000024 00014000 40060000 0a000001 0a000002 03e81388 00000001"));
  seed("icmpv4", "quotes-a-fragment", from_hex("0b000000 00000000 45000024 00010010 40110000 0a000001 0a000002 0bb80035 00100000"));
  seed("udp", "plain", from_hex("0035 0bb8 000a 1234 0102"));
  seed("udp", "no-checksum", from_hex("0035 0bb8 000a 0000 0102 00"));
  seed("udp", "too-long", from_hex("0035 0bb8 00ff 0000 0102"));
  seed("tcp", "syn", from_hex("1388 03e8 00000001 00000000 a002 ffff 0000 0000 020405b4 0402080a 00000001 00000000 01030307"));
  seed("tcp", "timestamps", from_hex("1388 03e8 00000001 00000002 8010 0400 0000 0000 0101080a 00000001 00000002 4142"));
  seed("tcp", "offset-beyond-the-end", from_hex("1388 03e8 00000001 00000002 f010 0400 0000 0000"));
  seed("tcp_options", "syn", from_hex("020405b4 0402080a 00000001 00000000 01030307"));
  seed("tcp_options", "timestamps", from_hex("0101080a 00000001 00000002"));
  seed("tcp_options", "sack", from_hex("0101 0522 00000001 00000002 00000003 00000004 00000005 00000006 00000007 00000008"));
  seed("tcp_options", "wrong-lengths", from_hex("0203ff 0302 0801 fe04abcd 0500"));
  seed("tcp_options", "twice", from_hex("020405b4 02040100 0303ff 01 0303 02 00ffff"));
  for (const char* text : {"10.9.0.2/24", "fd00::2/64", "::ffff:10.0.0.1", "02:00:5e:10:00:01", "1:2:3:4:5:6:7:8", "1::", "::", "256.1.1.1",
                           "010.0.0.1", "1:2:3:4:5:6:7::", "::12345", "1.2.3.4/33", "::1.2.3"}) {
    std::string name = text;
    for (char& c : name)
      if (c == '/' || c == ':') c = '_';
    seed("address_text", name.c_str(), text_of(text));
  }
  for (const auto& [name, s] : scripts()) {
    octets in_plain_steps;
    fuzz::running = std::string("in seed ") + name;
    structured(s.input(), &in_plain_steps);
    seed("stack_structured", name, s.input());
    if (in_plain_steps.size() <= 2600) seed("stack_input", name, in_plain_steps);
  }
  return is_done ? 0 : 1;
}
