// SPDX-License-Identifier: MIT
// Receiving: RFC 9293 §3.8.6 (windows), §3.8.6.3 (delayed ACKs), §3.10.7.4 (seventh); windows are charged in chunks.
#include "steps.hpp"

#include <catch2/catch_test_macros.hpp>

namespace strata::script {

// RFC 9293 §3.8.6.3 (MUST-58, SHLD-18): within half a second; here 40 ms, as Linux (MUST-40, 5681-24, 5681-25).
TEST_CASE("A lone segment is acknowledged after 40 ms") {
  static constexpr step script[] = {
      established_active(), in("P. 1:101(100)"), at(39), at(40), out(". ack 101"), in("P. 101:201(100)"),
      at(80), out(". ack 201"), at(1000),
  };
  play(script);
}
// SHLD-19, 5681-24.
TEST_CASE("Every second full segment is acknowledged at once") {
  static constexpr step script[] = {
      established_active(), in("1:1461(1460)"), in("1461:2921(1460)"), out(". ack 2921"), in("2921:4381(1460)"),
      at(10), in("4381:5841(1460)"), out(". ack 5841"), at(1000),
  };
  play(script);
}
// MUST-58, MUST-59, 5681-26.
TEST_CASE("Segments that come together get one ACK") {
  static constexpr step script[] = {
      established_active(), together(6), in("1:1461(1460)"), in("1461:2921(1460)"), in("2921:4381(1460)"), in("4381:5841(1460)"),
      in("5841:7301(1460)"), in("7301:8761(1460)"), out(". ack 8761"),
  };
  play(script);
}
// RFC 5681 §4.2, RFC 9293 §3.8.6.3: segments that the path made smaller are full ones too (SHLD-19).
TEST_CASE("A peer with smaller segments is acknowledged as often") {
  static constexpr step script[] = {
      established_active(), in("1:1001(1000)"), in("1001:2001(1000)"), in("2001:3001(1000)"), out(". ack 3001"), in("3001:4001(1000)"),
      in("4001:5001(1000)"), in("5001:6001(1000)"), out(". ack 6001"), together(20), in("6001:7001(1000)"), in("7001:8001(1000)"),
      in("8001:9001(1000)"), in("9001:10001(1000)"), in("10001:11001(1000)"), in("11001:12001(1000)"), in("12001:13001(1000)"),
      in("13001:14001(1000)"), in("14001:15001(1000)"), in("15001:16001(1000)"), in("16001:17001(1000)"), in("17001:18001(1000)"),
      in("18001:19001(1000)"), in("19001:20001(1000)"), in("20001:21001(1000)"), in("21001:22001(1000)"), in("22001:23001(1000)"),
      in("23001:24001(1000)"), in("24001:25001(1000)"), in("25001:26001(1000)"), out(". ack 26001"), read(26000), in("26001:27001(1000)"),
      in("27001:28001(1000)"), out(". ack 28001"),
  };
  play(script, with::no_timestamps);
}
// MUST-58, SHLD-18.
TEST_CASE("Data of ours carries the ACK") {
  static constexpr step script[] = {established_active(), in("P. 1:101(100)"), write(10), out("P. 1:11(10) ack 101"), in(". ack 11"), at(1000)};
  play(script);
}
TEST_CASE("With immediate ACKs each poll is acknowledged") {
  static constexpr step script[] = {established_active(), in("P. 1:101(100)"), out(". ack 101"), in("P. 101:201(100)"), out(". ack 201")};
  play(script, with::either, policy::immediate);
}
TEST_CASE("A pure ACK is not acknowledged") {
  static constexpr step script[] = {established_active(), write(10), out("P. 1:11(10)"), in(". ack 11"), in(". ack 11"), at(1000)};
  play(script);
}

// RFC 9293 §3.10.7.4: what comes again is answered at once, since its sender lacks our ACK.
TEST_CASE("Data that comes again is acknowledged at once and delivered once") {
  static constexpr step script[] = {
      established_active(), in("P. 1:101(100)"), at(40), out(". ack 101"), in("P. 1:101(100)"), out(". ack 101"), is(field::unread, 100),
      counted(&tcp::counters::duplicate_data, 1), read(100),
  };
  play(script);
}
TEST_CASE("Of a segment that overlaps the front only what is new is delivered") {
  static constexpr step script[] = {
      established_active(), in("P. 1:1001(1000)"), in("P. 501:1501(1000)"), is(field::unread, 1500),
      at(40), out(". ack 1501"), read(1500),
  };
  play(script);
}

// RFC 9293 §3.10.7.4, seventh: out of order, with overlaps of each kind; every byte is delivered once (SHLD-31).
TEST_CASE("Overlaps out of order are cut") {
  static constexpr step script[] = {
      established_active(), in("2001:3001(1000)"), out(". ack 1"), in("2501:3501(1000)"), out(". ack 1"), in("1501:2501(1000)"), out(". ack 1"),
      in("1601:2901(1300)"), out(". ack 1"), in("1401:2701(1300)"), out(". ack 1"), in("1:1401(1400)"), out(". ack 3501"), read(3500),
      is(field::receive_chunks, 0),
  };
  play(script);
}
TEST_CASE("A segment that covers others takes their place") {
  static constexpr step script[] = {
      established_active(), in("601:901(300)"), out(". ack 1"), in("1001:1301(300)"), out(". ack 1"), is(field::receive_chunks, 2),
      in("501:1501(1000)"), out(". ack 1"), is(field::receive_chunks, 1), in("1:501(500)"), out(". ack 1501"), read(1500),
  };
  play(script);
}
TEST_CASE("A segment that is covered by others is dropped") {
  static constexpr step script[] = {
      established_active(), in("501:1501(1000)"), out(". ack 1"), in("601:901(300)"), out(". ack 1"), is(field::receive_chunks, 1), in("1:701(700)"),
      out(". ack 1501"), read(1500),
  };
  play(script);
}
TEST_CASE("A segment that reaches over the hole joins what is behind it") {
  static constexpr step script[] = {
      established_active(), in("1001:2001(1000)"), out(". ack 1"), in("1:1461(1460)"), out(". ack 2001"), read(2000), in("2001:2002(1)"),
      at(40), out(". ack 2002"),
  };
  play(script);
}
// SHLD-31.
TEST_CASE("Holes are filled in any order") {
  static constexpr step script[] = {
      established_active(), in("4001:5001(1000)"), out(". ack 1"), in("2001:3001(1000)"), out(". ack 1"), in("1001:2001(1000)"), out(". ack 1"),
      in("1:1001(1000)"), out(". ack 3001"), expect(bit::readable), in("3001:4001(1000)"), out(". ack 5001"), read(5000),
  };
  play(script);
}

// Small segments are copied to the chunk before them: a sender of single bytes holds few chunks.
TEST_CASE("Small segments share a chunk") {
  static constexpr step script[] = {
      established_active(), in("P. 1:1001(1000)"), in("P. 1001:1101(100)"), in("P. 1101:1201(100)"), in("P. 1201:1202(1)"),
      is(field::receive_chunks, 1), counted(&tcp::counters::copied_small, 3), at(40), out(". ack 1202"), read(1201),
  };
  play(script);
}
TEST_CASE("Small segments out of order share a chunk") {
  static constexpr step script[] = {
      established_active(), in("101:201(100)"), out(". ack 1"), in("201:301(100)"), out(". ack 1"), in("301:401(100)"), out(". ack 1"),
      is(field::receive_chunks, 1), in("1:101(100)"), out(". ack 401"), read(400),
  };
  play(script);
}
TEST_CASE("A chunk that the application took is left alone") {
  static constexpr step script[] = {
      established_active(), in("P. 1:101(100)"), take(100), in("P. 101:201(100)"), counted(&tcp::counters::copied_small, 0), read(100), drop_taken(),
      at(40), out(". ack 201"),
  };
  play(script);
}

// RFC 9293 §3.8.6: the window tells what the chunks hold (SHLD-14).
TEST_CASE("The window shrinks by what is unread and never moves left") {
  static constexpr step script[] = {
      established_active(), in("1:1461(1460)"), in("1461:2921(1460)"), out(". ack 2921 win 55480"), in("2921:4381(1460)"), in("4381:5841(1460)"),
      out(". ack 5841 win 52560"), is(field::receive_chunks, 4), is(field::receive_window, 52560),
  };
  play(script, with::no_timestamps);
}
#define THIRTY_NINE_SEGMENTS \
  in("1:1461(1460)"), in("1461:2921(1460)"), in("2921:4381(1460)"), in("4381:5841(1460)"), in("5841:7301(1460)"), \
  in("7301:8761(1460)"), in("8761:10221(1460)"), in("10221:11681(1460)"), in("11681:13141(1460)"), in("13141:14601(1460)"), \
  in("14601:16061(1460)"), in("16061:17521(1460)"), in("17521:18981(1460)"), in("18981:20441(1460)"), in("20441:21901(1460)"), \
  in("21901:23361(1460)"), in("23361:24821(1460)"), in("24821:26281(1460)"), in("26281:27741(1460)"), in("27741:29201(1460)"), \
  in("29201:30661(1460)"), in("30661:32121(1460)"), in("32121:33581(1460)"), in("33581:35041(1460)"), in("35041:36501(1460)"), \
  in("36501:37961(1460)"), in("37961:39421(1460)"), in("39421:40881(1460)"), in("40881:42341(1460)"), in("42341:43801(1460)"), \
  in("43801:45261(1460)"), in("45261:46721(1460)"), in("46721:48181(1460)"), in("48181:49641(1460)"), in("49641:51101(1460)"), \
  in("51101:52561(1460)"), in("52561:54021(1460)"), in("54021:55481(1460)"), in("55481:56941(1460)")
#define FORTY_SEGMENTS THIRTY_NINE_SEGMENTS, in("56941:58401(1460)")

// RFC 9293 §3.8.6.2.2 (MUST-39): the window opens by a segment or half the buffer, not by bytes.
TEST_CASE("A full buffer closes the window, and reading opens it by a segment at least") {
  static constexpr step script[] = {
      established_active(), together(40), FORTY_SEGMENTS, out(". ack 58401 win 0"), expect(bit::readable), is(field::receive_chunks, 40),
      // a probe of the peer: refused, answered, and its ACK taken (RFC 9293 §3.10.7.4)
      in("58401:58402(1)"), out(". ack 58401 win 0"), in(". 58401:58401(0) win 1234"), is(field::send_window, 1234), in(". 58400:58400(0)"), out(". ack 58401 win 0"),
      read(1459), read(1), out(". ack 58401 win 1460"), read(1460), read(1460), at(500), in("58401:58501(100)"), at(540), out(". ack 58501 win 4380"),
  };
  play(script, with::no_timestamps);
}
TEST_CASE("A window of less than a segment opens by a segment at least") {
  static constexpr step script[] = {
      established_active(), together(40), THIRTY_NINE_SEGMENTS, in("P. 56941:57941(1000)"), out(". ack 57941 win 460"), expect(bit::readable), read(1460), at(100), read(1460),
      out(". ack 57941 win 2690"),  // segments became shorter
  };
  play(script, with::no_timestamps);
}
// RFC 9293 §3.10.7.4, eighth: a FIN stands behind the data of its segment, and that was refused.
TEST_CASE("The FIN of a probe of a closed window is refused with its data") {
  static constexpr step script[] = {
      established_active(), together(40), FORTY_SEGMENTS, out(". ack 58401 win 0"), expect(bit::readable), in("FP. 58401:58402(1)"), out(". ack 58401 win 0"), is(tcp::state::established),
      read(1460), out(". ack 58401 win 1460"), in("F. 58401:58401(0)"), out(". ack 58402 win 1460"), is(tcp::state::close_wait),
  };
  play(script, with::no_timestamps);
}
// RFC 9293 §3.8.6.2.2, in any state in which the peer may send.
TEST_CASE("Reading opens the window in FIN-WAIT-1 too") {
  static constexpr step script[] = {
      established_active(), together(40), FORTY_SEGMENTS, out(". ack 58401 win 0"), shutdown(), out("F. 1:1(0)"), read(1459), read(1), out(". 2:2(0) ack 58401 win 1460"),
  };
  play(script, with::no_timestamps);
}
TEST_CASE("Half of the buffer that was read is told at once, a byte less is not") {
#define NINETEEN_MORE                                                                                                                                        \
  in("P. 1460:2920(1460)"), in("P. 2920:4380(1460)"), in("P. 4380:5840(1460)"), in("P. 5840:7300(1460)"), in("P. 7300:8760(1460)"), in("P. 8760:10220(1460)"),     \
      in("P. 10220:11680(1460)"), in("P. 11680:13140(1460)"), in("P. 13140:14600(1460)"), in("P. 14600:16060(1460)"), in("P. 16060:17520(1460)"),                   \
      in("P. 17520:18980(1460)"), in("P. 18980:20440(1460)"), in("P. 20440:21900(1460)"), in("P. 21900:23360(1460)"), in("P. 23360:24820(1460)"),                   \
      in("P. 24820:26280(1460)"), in("P. 26280:27740(1460)"), in("P. 27740:29200(1460)")
  static constexpr step less[] = {established_active(), together(20), in("P. 1:1460(1459)"), NINETEEN_MORE, out(". ack 29200"), read(29199), at(1000)};
  static constexpr step half[] = {
      established_active(), together(21), in("P. 1:1460(1459)"), NINETEEN_MORE, in("P. 29200:29201(1)"), out(". ack 29201"), read(29199), read(1), out(". ack 29201 win 58400"),
  };
#undef NINETEEN_MORE
  play(less, with::no_timestamps), play(half, with::no_timestamps);
}
TEST_CASE("Data ahead is kept while the chunks for receiving are left, and not one less") {
  static constexpr step script[] = {
      established_active(), chunks(1), in("1461:2921(1460)"), out(". ack 1"), is(field::receive_chunks, 1), counted(&tcp::counters::out_of_order_dropped, 0),
      in("4381:5841(1460)"), out(". ack 1"), is(field::receive_chunks, 1), counted(&tcp::counters::out_of_order_dropped, 1),
  };
  play(script);
}
TEST_CASE("The last chunk of the budget is kept for the segment that fills the hole") {
  static constexpr step script[] = {
      established_active(), together(39), THIRTY_NINE_SEGMENTS, out(". ack 56941"), in("56951:57251(300)"), out(". ack 56941"), counted(&tcp::counters::out_of_order_dropped, 1), is(field::receive_chunks, 39),
      read(1460), in("57000:57300(300)"), out(". ack 56941"), is(field::receive_chunks, 39), in("57400:57700(300)"), out(". ack 56941"), counted(&tcp::counters::out_of_order_dropped, 2),
  };
  play(script, with::no_timestamps);
}
// RFC 9293 §3.10.7.4: with a window of zero resets, ACKs and URG still count.
TEST_CASE("A segment is cut to the window, and FIN with it") {
  static constexpr step script[] = {established_active(), in("58301:58501(200)"), out(". ack 1"), is(field::unread, 0)};
  play(script, with::no_timestamps);
}

TEST_CASE("readable is told once for each poll in which bytes came") {
  static constexpr step script[] = {
      established_active(), in("P. 1:11(10)"), expect(bit::readable), write(1), out("P. 1:2(1)"), never(bit::readable), together(2),
      in("P. 11:21(10)"), in("P. 21:31(10)"), expect(bit::readable), read(30), never(bit::readable),
      at(40), out(". ack 31"),
  };
  play(script);
}

// RFC 9293 §3.10.7.4: what reaches beyond the window is cut, FIN first; the ACK says so at once.
TEST_CASE("A segment in order that reaches beyond the window is cut, and FIN goes with the cut") {
  static constexpr step script[] = {
      established_active(), together(39), THIRTY_NINE_SEGMENTS, out(". ack 56941 win 1460"), in("FP. 56941:58901(1960)"), out(". ack 58401 win 0"),
      is(field::unread, 58400), read(1460), out(". ack 58401 win 1460"), in("P. 58401:58901(500)"), at(40), out(". ack 58901"), is(tcp::state::established),
  };
  play(script, with::no_timestamps);
}

// RFC 9293 §3.8.6.2.2; MUST-39: what shares a chunk frees no other, but it would move the edge by its bytes.
TEST_CASE("Small segments that share a chunk do not open the window by their bytes") {
  static constexpr step script[] = {
      established_active(), in("1:1461(1460)"), in("P. 1461:1561(100)"), counted(&tcp::counters::copied_small, 1), at(40), out(". ack 1561 win 56840"), in("P. 1561:1661(100)"),
      at(80), out(". ack 1661 win 56740"),
  };
  play(script, with::no_timestamps);
}

}  // namespace strata::script
