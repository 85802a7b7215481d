// SPDX-License-Identifier: MIT
// Membership in groups: what is said of it to routers, and when. RFC 3376, RFC 2236; virtual time.
#include "igmp_world.hpp"

#include <algorithm>

namespace {

using namespace strata;
using namespace strata::igmp_test;
using multicast::call_error;
using multicast::filter_mode;
using lines = std::vector<std::string>;
constexpr ipv4_address group = "239.1.2.3"_ip, other = "239.129.2.3"_ip;  // the same address of the link
constexpr ipv4_address s1 = "10.0.0.5"_ip, s2 = "10.0.0.6"_ip, s3 = "10.0.0.7"_ip, s4 = "10.0.0.8"_ip;

auto made() { return std::make_unique<host<>>(); }

TEST_CASE("a group that is joined is reported at once and once more within a second, and so is its end") {  // RFC 3376 §5.1, §8.1, §8.11
  auto h = made();
  auto s = h->a.bind({.port = 5000});
  REQUIRE(s);
  CHECK(s->join({.group = group}));
  CHECK(h->said() == lines{"to 224.0.0.22: to_ex 239.1.2.3 {}"});
  const auto again = h->within(10'000);
  REQUIRE(again.size() == 1);
  CHECK(again[0].line == "to 224.0.0.22: to_ex 239.1.2.3 {}");
  CHECK(again[0].ms <= 1010);
  CHECK_FALSE(h->a.next_deadline());
  CHECK(s->leave({.group = group}));
  CHECK(h->said() == lines{"to 224.0.0.22: to_in 239.1.2.3 {}"});
  const auto gone = h->within(10'000);
  REQUIRE(gone.size() == 1);
  CHECK((gone[0].line == "to 224.0.0.22: to_in 239.1.2.3 {}" && gone[0].ms <= 1010));
  CHECK_FALSE(h->a.next_deadline());
  CHECK(h->count().out_reports == 4);
}

TEST_CASE("closing a socket ends its memberships, and shutting down ends them in silence") {
  auto h = made();
  auto s = h->a.bind({.port = 5000});
  REQUIRE(s->join({.group = group}));
  REQUIRE(s->join({.group = other, .source = s1}));
  (void)h->within(2000);
  REQUIRE(s->close());
  CHECK(h->said() == lines{"to 224.0.0.22: to_in 239.1.2.3 {}", "to 224.0.0.22: block 239.129.2.3 {10.0.0.5}"});
  CHECK(s->join({.group = group}).error() == call_error::stale);
  CHECK(s->leave({.group = group}).error() == call_error::stale);
  CHECK(s->listen_to({.group = group}).error() == call_error::stale);
  CHECK(h->a.join({.group = group}));
  (void)h->said();
  h->a.shut_down();
  CHECK(h->said().empty());
  CHECK(h->a.join({.group = group}).error() == call_error::bad_options);
}

TEST_CASE("changes of sources are told as sources, each robustness times, merged with what is still to be said") {  // RFC 3376 §5.1
  auto h = made();
  auto s = h->a.bind({.port = 5000});
  REQUIRE(s->join({.group = group, .source = s1}));
  CHECK(h->said() == lines{"to 224.0.0.22: allow 239.1.2.3 {10.0.0.5}"});
  REQUIRE(s->join({.group = group, .source = s2}));
  CHECK(h->said() == lines{"to 224.0.0.22: allow 239.1.2.3 {10.0.0.5 10.0.0.6}"});  // s1 for the second time
  REQUIRE(s->leave({.group = group, .source = s1}));
  CHECK(h->said() == lines{"to 224.0.0.22: allow 239.1.2.3 {10.0.0.6} block 239.1.2.3 {10.0.0.5}"});
  const auto rest = h->within(5000);
  REQUIRE(rest.size() == 1);
  CHECK(rest[0].line == "to 224.0.0.22: block 239.1.2.3 {10.0.0.5}");
  // To everybody but one: the mode changes, and what is said of the group is the whole state.
  const ipv4_address but[] = {s3};
  REQUIRE(s->listen_to({.group = group, .mode = filter_mode::exclude, .sources = but}));
  CHECK(h->said() == lines{"to 224.0.0.22: to_ex 239.1.2.3 {10.0.0.7}"});
  const ipv4_address others[] = {s2, s3};
  REQUIRE(s->listen_to({.group = group, .mode = filter_mode::exclude, .sources = others}));
  CHECK(h->said() == lines{"to 224.0.0.22: to_ex 239.1.2.3 {10.0.0.6 10.0.0.7}"});  // the mode is to be said once more, and says the source, too
  const auto then = h->within(5000);
  REQUIRE(then.size() == 1);
  CHECK(then[0].line == "to 224.0.0.22: block 239.1.2.3 {10.0.0.6}");  // the second time of the source
  REQUIRE(s->listen_to({.group = group, .mode = filter_mode::exclude}));
  CHECK(h->said() == lines{"to 224.0.0.22: allow 239.1.2.3 {10.0.0.6 10.0.0.7}"});
  (void)h->within(5000);
  REQUIRE(s->listen_to({.group = group}));  // of none: it ends
  CHECK(h->said() == lines{"to 224.0.0.22: to_in 239.1.2.3 {}"});
}

TEST_CASE("a source that changes again while it is told is told once, as it is now") {  // RFC 3376 §5.1
  auto h = made();
  auto s = h->a.bind({.port = 5000});
  REQUIRE(s->join({.group = group, .source = s2}));
  (void)h->within(5000);
  REQUIRE(s->join({.group = group, .source = s1}));
  CHECK(h->said() == lines{"to 224.0.0.22: allow 239.1.2.3 {10.0.0.5}"});
  REQUIRE(s->leave({.group = group, .source = s1}));
  CHECK(h->said() == lines{"to 224.0.0.22: block 239.1.2.3 {10.0.0.5}"});
  const auto rest = h->within(5000);
  REQUIRE(rest.size() == 1);
  CHECK(rest[0].line == "to 224.0.0.22: block 239.1.2.3 {10.0.0.5}");
}

TEST_CASE("more changes than there is room for are told as the whole state") {
  auto h = made();
  const ipv4_address first[] = {s1, s2, s3}, second[] = {s4, "10.0.0.9"_ip, "10.0.0.10"_ip};
  REQUIRE(h->a.listen_to({.group = group, .sources = first}));
  (void)h->within(3000);
  REQUIRE(h->a.listen_to({.group = group, .sources = second}));
  CHECK(h->said() == lines{"to 224.0.0.22: to_in 239.1.2.3 {10.0.0.8 10.0.0.9 10.0.0.10}"});
  const auto again = h->within(3000);
  REQUIRE(again.size() == 1);
  CHECK(again[0].line == "to 224.0.0.22: to_in 239.1.2.3 {10.0.0.8 10.0.0.9 10.0.0.10}");
  REQUIRE(h->a.listen_to({.group = other, .mode = filter_mode::exclude, .sources = first}));
  CHECK(h->a.leave({.group = other, .source = s1}).error() == call_error::not_joined);  // that one is not wanted
}

TEST_CASE("several members make one state of the interface") {  // RFC 3376 §3.2, its examples
  auto h = made();
  auto a = h->a.bind({.port = 1}), b = h->a.bind({.port = 2}), c = h->a.bind({.port = 3});
  const auto listen = [&](auto& s, filter_mode mode, std::vector<ipv4_address> sources) {
    REQUIRE(s->listen_to({.group = group, .mode = mode, .sources = sources}));
    const auto said = h->said();
    (void)h->within(3000);
    REQUIRE(said.size() < 2);
    return said.empty() ? std::string("silence") : said[0].substr(15);
  };
  CHECK(listen(a, filter_mode::exclude, {s1, s2, s3}) == "to_ex 239.1.2.3 {10.0.0.5 10.0.0.6 10.0.0.7}");
  CHECK(listen(b, filter_mode::exclude, {s2, s3, s4}) == "allow 239.1.2.3 {10.0.0.5}");  // the intersection
  CHECK(listen(c, filter_mode::include, {s3}) == "allow 239.1.2.3 {10.0.0.7}");          // without what somebody wants
  CHECK(listen(c, filter_mode::include, {s4}) == "block 239.1.2.3 {10.0.0.7}");          // s4 was wanted already
  CHECK(listen(b, filter_mode::include, {s1}) == "silence");                             // s2 and s3 are what nobody wants, as before
  CHECK(listen(a, filter_mode::include, {s2}) == "to_in 239.1.2.3 {10.0.0.6 10.0.0.5 10.0.0.8}");  // the union
  CHECK(listen(b, filter_mode::include, {}) == "block 239.1.2.3 {10.0.0.5}");
  h->query();
  const auto answer = h->within(10'100);
  REQUIRE(answer.size() == 1);
  CHECK(answer[0].line == "to 224.0.0.22: is_in 239.1.2.3 {10.0.0.6 10.0.0.8}");
}

TEST_CASE("a General Query is answered once, in the time it allows, for all groups together") {  // RFC 3376 §5.2
  auto h = made();
  REQUIRE(h->a.join({.group = group}));
  const ipv4_address but[] = {s1};
  REQUIRE(h->a.listen_to({.group = other, .mode = filter_mode::exclude, .sources = but}));
  REQUIRE(h->a.join({.group = "224.0.0.1"_ip}));  // nobody speaks of that one
  (void)h->within(3000);
  h->query();
  CHECK(h->said().empty());
  h->query();  // of two answers the earlier is enough, or the later takes its place: one in any case
  const auto answer = h->within(11'000);
  REQUIRE(answer.size() == 1);
  CHECK(answer[0].line == "to 224.0.0.22: is_ex 239.1.2.3 {} is_ex 239.129.2.3 {10.0.0.5}");
  CHECK(answer[0].ms <= 10'010);
  h->query({}, {}, 0);
  CHECK(h->within(20).size() == 1);  // at once
  h->query({}, {}, 0x88);            // (8 | 16) << 3 tenths: 19.2 s
  bool is_late = false;
  for (u32 i = 0; i < 20 && !is_late; ++i) {
    const auto late = h->within(19'300, 100);
    REQUIRE(late.size() == 1);
    is_late = late[0].ms > 12'800;
    h->query({}, {}, 0x88);
  }
  CHECK(is_late);
  (void)h->within(19'300, 100);
}

TEST_CASE("a query of one group is answered for it, one of sources for those that are wanted") {  // RFC 3376 §5.2
  auto h = made();
  const ipv4_address wanted[] = {s1, s2};
  REQUIRE(h->a.listen_to({.group = group, .mode = filter_mode::include, .sources = wanted}));
  const ipv4_address but[] = {s1};
  REQUIRE(h->a.listen_to({.group = other, .mode = filter_mode::exclude, .sources = but}));
  (void)h->within(3000);
  const auto one = [&] {
    const auto all = h->within(1100);
    REQUIRE(all.size() < 2);
    return all.empty() ? std::string("silence") : all[0].line.substr(15);
  };
  h->query(group, {}, 10);
  CHECK(one() == "is_in 239.1.2.3 {10.0.0.5 10.0.0.6}");
  h->query(group, {s2, s3}, 10);
  CHECK(one() == "is_in 239.1.2.3 {10.0.0.6}");
  h->query(other, {s1, s2}, 10);
  CHECK(one() == "is_in 239.129.2.3 {10.0.0.6}");  // B - A
  h->query(group, {s3, s4}, 10);
  CHECK(one() == "silence");
  h->query(group, {s1}, 10), h->query(group, {s2, s1}, 10);
  CHECK(one() == "is_in 239.1.2.3 {10.0.0.5 10.0.0.6}");  // one answer for both
  h->query(group, {s1}, 10), h->query(group, {}, 10);
  CHECK(one() == "is_in 239.1.2.3 {10.0.0.5 10.0.0.6}");
  h->query(other, {}, 10), h->query(other, {s2}, 10);
  CHECK(one() == "is_ex 239.129.2.3 {10.0.0.5}");         // the group as a whole stays
  h->query(other, {s1, s2, s3, s4}, 10);
  CHECK(one() == "is_ex 239.129.2.3 {10.0.0.5}");         // more than there is room for
  h->query("239.9.9.9"_ip, {}, 10);
  CHECK(one() == "silence");
  h->query({}, {}, 1);
  h->query(group, {}, 127);  // what the general answer says sooner needs no other
  CHECK(one() == "is_in 239.1.2.3 {10.0.0.5 10.0.0.6} is_ex 239.129.2.3 {10.0.0.5}");
  CHECK(h->within(60'000, 100).empty());
}

TEST_CASE("as long as a querier of version 2 is heard, its version is spoken") {  // RFC 3376 §7.2.1, RFC 2236 §3
  auto h = made();
  REQUIRE(h->a.join({.group = group}));
  (void)h->said();
  h->old(0x11, 100, {});
  CHECK(h->a.network().igmp_version_on(0) == 2);
  auto all = h->within(10'100);  // and what was to be said in version 3 is not
  REQUIRE(all.size() == 1);
  CHECK((all[0].line == "to 239.1.2.3: v2 report 239.1.2.3" && all[0].ms <= 10'010));
  REQUIRE(h->a.join({.group = other, .source = s1}));
  CHECK(h->said() == lines{"to 239.129.2.3: v2 report 239.129.2.3"});
  all = h->within(10'100);
  REQUIRE(all.size() == 1);
  CHECK(all[0].line == "to 239.129.2.3: v2 report 239.129.2.3");
  REQUIRE(h->a.join({.group = other, .source = s2}));  // sources are not spoken of
  CHECK(h->within(10'100).empty());
  h->query(group, {}, 10);  // of version 3
  CHECK(h->within(1100).size() == 1);
  // Another host's report answers for us, and then it is not we who say that the group is left.
  h->old(0x11, 10, group, {.to = group});
  h->old(0x16, 0, group, {.from = s1, .to = group});
  CHECK(h->within(1100).empty());
  REQUIRE(h->a.leave({.group = group}));
  CHECK(h->said().empty());
  REQUIRE(h->a.leave({.group = other}));
  CHECK(h->said() == lines{"to 224.0.0.2: leave 239.129.2.3"});
  CHECK(h->count().out_leaves == 1);
  // 2 x 125 s + 10 s after the last General Query (RFC 3376 §8.12) it is version 3 again. So far 32.5 s passed.
  REQUIRE(h->a.join({.group = group}));
  (void)h->within(226'000, 100);
  CHECK(h->a.network().igmp_version_on(0) == 2);
  (void)h->within(2'000, 100);
  CHECK(h->a.network().igmp_version_on(0) == 3);
  REQUIRE(h->a.leave({.group = group}));
  CHECK(h->said() == lines{"to 224.0.0.22: to_in 239.1.2.3 {}"});
}

TEST_CASE("a querier of version 1 hears its own reports, and no leave") {  // RFC 2236 §4
  auto h = made();
  REQUIRE(h->a.join({.group = group}));
  (void)h->within(2000);
  h->old(0x11, 0, {}, {.has_alert = false});
  CHECK(h->a.network().igmp_version_on(0) == 1);
  auto all = h->within(10'100);
  REQUIRE(all.size() == 1);
  CHECK(all[0].line == "to 239.1.2.3: v1 report 239.1.2.3");
  h->old(0x11, 100, {});
  CHECK(h->a.network().igmp_version_on(0) == 1);  // the older of two
  REQUIRE(h->a.leave({.group = group}));
  CHECK(h->within(10'100).empty());
}

TEST_CASE("robustness and interval are those of the querier") {  // RFC 3376 §4.1.6, §4.1.7
  auto h = made();
  h->query({}, {}, 1, 4, 10);
  CHECK(h->within(200).empty());  // nobody is in a group
  REQUIRE(h->a.join({.group = group}));
  CHECK(h->within(5000).size() == 4);
  h->query({}, {}, 1, 0, 0);  // not said
  REQUIRE(h->a.join({.group = other}));
  CHECK(h->within(5000).size() == 5);  // and the answer
  h->old(0x11, 100, {});
  (void)h->within(49'900, 100);
  CHECK(h->a.network().igmp_version_on(0) == 2);
  (void)h->within(200, 100);
  CHECK(h->a.network().igmp_version_on(0) == 3);  // 4 x 10 s + 10 s
}

TEST_CASE("messages that are not what they should be are counted and do nothing") {
  auto h = made();
  REQUIRE(h->a.join({.group = group}));
  (void)h->within(2000);
  const u32 before = h->count().in_msgs;
  h->igmp({0x11, 1, 0, 0});                                             // short
  h->igmp({0x11, 1, 0, 0, 0, 0, 0, 0, 2, 125});                         // between versions
  h->igmp({0x11, 1, 0, 0, 239, 1, 2, 3, 2, 125, 0, 1});                 // a source less than it says
  h->igmp({0x11, 1, 0, 0, 10, 0, 0, 1, 2, 125, 0, 0});                  // of no group
  h->igmp({0x11, 1, 0, 0, 0, 0, 0, 0, 2, 125, 0, 1, 10, 0, 0, 5});      // a source of all groups
  h->old(0x16, 0, "10.0.0.1"_ip);
  CHECK(h->count().in_errors == 6);
  h->igmp({0x11, 1, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0}, {.is_sound = false});
  CHECK(h->count().in_csum_errors == 1);
  h->igmp({0x11, 1, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0}, {.ttl = 2});
  CHECK(h->count().in_ttl_errors == 1);
  h->igmp({0x11, 1, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0}, {.has_alert = false});  // RFC 3376 §9.1
  h->old(0x11, 1, {}, {.has_alert = false});
  h->old(0x13, 0, {});                                                  // DVMRP
  h->old(0x11, 1, "224.0.0.1"_ip);
  h->old(0x16, 0, group, {.from = "192.0.2.1"_ip, .to = group});        // RFC 2236 §10: not of our subnet
  CHECK(h->count().in_ignored == 5);
  CHECK(h->count().in_queries == 0);
  CHECK(h->within(3000).empty());
  CHECK(h->a.network().igmp_version_on(0) == 3);
  h->old(0x16, 0, group, {.from = s1, .to = group});
  h->igmp({0x22, 0, 0, 0, 0, 0, 0, 0});
  CHECK(h->count().in_reports == 2);
  h->igmp({0x11, 1, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0}, {.from = {}});     // a querier without an address
  CHECK(h->within(200).size() == 1);
  CHECK(h->count().in_queries == 1);
  CHECK(h->count().in_msgs - before == 16);
}

TEST_CASE("only what was joined comes up, and of sources only those that are wanted") {  // RFC 1112 §7.2, RFC 3376 §3
  auto h = made();
  auto s = h->a.bind({.port = 5000});
  h->datagram(s1, group, "before");
  h->datagram(s1, "224.0.0.1"_ip, "all systems");
  h->datagram(s1, "255.255.255.255"_ip, "broadcast");
  CHECK(h->count().in_not_joined == 1);
  REQUIRE(s->join({.group = group, .source = s1}));
  h->datagram(s1, group, "one");
  h->datagram(s2, group, "other source");
  h->datagram(s1, other, "other group");
  CHECK((h->count().in_filtered == 1 && h->count().in_not_joined == 2));
  // Another member wants s2, on another port: the interface lets it in, and the socket does not take it.
  auto t = h->a.bind({.port = 6000});
  REQUIRE(t->join({.group = group, .source = s2}));
  h->datagram(s2, group, "not for this one");
  CHECK(h->count().in_filtered == 2);
  // A socket that did not say anything of a group hears what the host hears of it.
  REQUIRE(t->join({.group = other}));
  h->datagram(s2, other, "as the host");
  const ipv4_address but[] = {s2};
  REQUIRE(s->listen_to({.group = group, .mode = filter_mode::exclude, .sources = but}));
  h->datagram(s3, group, "two");
  h->datagram(s2, group, "three");
  CHECK(h->heard == lines{"10.0.0.5 all systems", "10.0.0.5 broadcast", "10.0.0.5 one", "10.0.0.6 as the host", "10.0.0.7 two"});
  REQUIRE(s->leave({.group = group}));
  h->datagram(s1, group, "after");
  CHECK(h->heard.size() == 5);
}

TEST_CASE("a group of 232.0.0.0/8 has one source: who asks for any is refused, and who asks for any elsewhere silences nobody") {  // RFC 4604
  auto h = made();
  using m = multicast::membership<ipv4_address>;
  const ipv4_address of_one = "232.1.2.3"_ip, last_of_them = "232.255.255.255"_ip, before = "231.255.255.255"_ip, behind = "233.0.0.0"_ip, but[] = {s2};
  CHECK(h->a.join(m{.group = of_one}).error() == call_error::bad_source);
  CHECK(h->a.join(m{.group = last_of_them}).error() == call_error::bad_source);
  CHECK(h->a.listen_to({.group = of_one, .mode = filter_mode::exclude, .sources = but}).error() == call_error::bad_source);
  CHECK(h->said().empty());
  CHECK(h->a.listen_to({.group = of_one, .sources = but}));
  CHECK(h->a.join(m{.group = of_one, .source = s1}));
  CHECK(h->a.join(m{.group = before}));
  CHECK(h->a.join(m{.group = behind}));
  (void)h->within(3000);
  h->old(0x11, 100, {});  // of version 2
  (void)h->within(11'000);
  h->old(0x11, 100, {});
  h->old(0x16, 0, of_one, {.from = "10.0.0.9"_ip, .to = of_one});
  h->old(0x16, 0, before, {.from = "10.0.0.9"_ip, .to = before});
  lines reports;
  for (const auto& l : h->within(11'000)) reports.push_back(l.line);
  std::sort(reports.begin(), reports.end());
  CHECK(reports == lines{"to 232.1.2.3: v2 report 232.1.2.3", "to 233.0.0.0: v2 report 233.0.0.0"});
}

TEST_CASE("what cannot be joined says why") {
  auto h = made();
  using m = multicast::membership<ipv4_address>;
  CHECK(h->a.join(m{.group = s1}).error() == call_error::bad_group);
  CHECK(h->a.join(m{.group = "255.255.255.255"_ip}).error() == call_error::bad_group);
  CHECK(h->a.join(m{.group = group, .source = other}).error() == call_error::bad_source);
  CHECK(h->a.join(m{.group = group, .link = 1}).error() == call_error::bad_link);
  CHECK(h->a.leave(m{.group = group}).error() == call_error::not_joined);
  const ipv4_address bad[] = {group}, four[] = {s1, s2, s3, s4}, twice[] = {s1, s1, s2, s2};
  CHECK(h->a.listen_to({.group = group, .sources = bad}).error() == call_error::bad_source);
  CHECK(h->a.listen_to({.group = group, .sources = four}).error() == call_error::full);
  CHECK(h->a.listen_to({.group = group}).error() == call_error::not_joined);
  CHECK(h->a.listen_to({.group = group, .sources = twice}));
  CHECK(h->a.join(m{.group = group}).error() == call_error::already_joined);
  CHECK(h->a.join(m{.group = group, .source = s1}).error() == call_error::already_joined);
  CHECK(h->a.join(m{.group = group, .source = s3}));
  CHECK(h->a.join(m{.group = group, .source = s4}).error() == call_error::full);
  CHECK(h->a.leave(m{.group = group, .source = s4}).error() == call_error::not_joined);
  for (u32 i = 0; i < 3; ++i) CHECK(h->a.join(m{.group = {0xef090000 + i}}));
  CHECK(h->a.join(m{.group = other}).error() == call_error::full);
  CHECK(h->a.join(m{.group = {0xef090000}, .source = s1}).error() == call_error::already_joined);
  // A group that was left just now gives up its place to one that is joined.
  CHECK(h->a.leave(m{.group = group}));
  CHECK(h->a.join(m{.group = other}));
  (void)h->within(3000);
  h->query({}, {}, 0);
  const auto answer = h->within(10);
  REQUIRE(answer.size() == 1);
  CHECK(answer[0].line == "to 224.0.0.22: is_ex 239.129.2.3 {} is_ex 239.9.0.0 {} is_ex 239.9.0.1 {} is_ex 239.9.0.2 {}");
}

TEST_CASE("what is sent to a group stays on the link, unless the socket says otherwise") {  // RFC 1112 §6.1
  auto h = made();
  auto s = h->a.bind({.port = 7});
  const auto ttl = [&] {
    h->turn();
    const auto all = h->peer.receive();
    REQUIRE(all.size() == 1);
    CHECK((static_cast<u8>(all[0][0]) == 0x01 && static_cast<u8>(all[0][2]) == 0x5e && static_cast<u8>(all[0][3]) == 1));
    return static_cast<u32>(all[0][22]);
  };
  REQUIRE(s->send_to(bytes_of("near"), endpoint<ipv4_address>{group, 7}));
  CHECK(ttl() == 1);
  REQUIRE(s->set(udp::option::hop_limit{9}));
  REQUIRE(s->send_to(bytes_of("far"), endpoint<ipv4_address>{group, 7}));
  CHECK(ttl() == 9);
}

struct many_sources : member {
  static constexpr strata::limits limits = [] {
    auto l = member::limits;
    l.group_sources = 20;
    return l;
  }();
};
TEST_CASE("what does not fit in one report goes on in the next, but exceptions are cut") {  // RFC 3376 §4.2.16
  auto h = std::make_unique<host<many_sources>>(u16{68});  // 36 bytes of records: seven sources in one
  std::vector<ipv4_address> sources;
  for (u32 i = 0; i < 10; ++i) sources.push_back({0x0a000010 + i});
  REQUIRE(h->a.listen_to({.group = group, .mode = filter_mode::include, .sources = sources}));
  CHECK(h->said() == lines{"to 224.0.0.22: allow 239.1.2.3 {10.0.0.16 10.0.0.17 10.0.0.18 10.0.0.19 10.0.0.20 10.0.0.21 10.0.0.22}",
                           "to 224.0.0.22: allow 239.1.2.3 {10.0.0.23 10.0.0.24 10.0.0.25}"});
  REQUIRE(h->a.listen_to({.group = group, .mode = filter_mode::exclude, .sources = sources}));
  CHECK(h->said() == lines{"to 224.0.0.22: to_ex 239.1.2.3 {10.0.0.16 10.0.0.17 10.0.0.18 10.0.0.19 10.0.0.20 10.0.0.21 10.0.0.22}"});
  REQUIRE(h->a.join({.group = other}));
  REQUIRE(h->a.join({.group = "239.9.9.9"_ip, .source = s1}));
  (void)h->within(5000);
  h->query({}, {}, 0);
  std::vector<std::string> said;
  for (const auto& l : h->within(10)) said.push_back(l.line.substr(15));
  CHECK(said == lines{"is_ex 239.1.2.3 {10.0.0.16 10.0.0.17 10.0.0.18 10.0.0.19 10.0.0.20 10.0.0.21 10.0.0.22}", "is_ex 239.129.2.3 {} is_in 239.9.9.9 {10.0.0.5}"});
}

TEST_CASE("without a chunk a report is lost and counted, and the next one is not") {
  auto h = made();
  std::vector<packet> all;
  for (packet p; (p = h->a.chunks().take(64));) all.push_back(std::move(p));
  REQUIRE(h->a.join({.group = group}));
  CHECK(h->count().out_errors == 1);
  CHECK(h->said().empty());
  all.clear();
  CHECK(h->within(1100).size() == 1);
}

}  // namespace
