// SPDX-License-Identifier: MIT
#include <strata/nic/pcap.hpp>
#include <strata/nic/wire_pair.hpp>
#include <strata/posix/pcap_file.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <cstring>
#include <unistd.h>
#include <vector>

#include "nic_test_pool.hpp"

namespace {
using namespace strata;
using nic_test::pool_of;

struct memory_sink {
  std::vector<std::byte>* bytes = nullptr;
  void write(std::span<const std::byte> b) { bytes->insert(bytes->end(), b.begin(), b.end()); }
};
using captured_end = nic::pcap<nic::wire_pair, memory_sink>;
static_assert(nic::driver<captured_end> && nic::can_be_closed<captured_end> && nic::wants_the_time<captured_end> && !nic::can_be_waited_for<captured_end>);
static_assert(nic::driver<nic::pcap<captured_end, posix::pcap_file>>);

struct file {
  char path[40] = P_tmpdir "/strata_pcap_XXXXXX";
  file() {
    const int fd = ::mkstemp(path);
    REQUIRE(fd >= 0);
    (void)::close(fd);
  }
  file(const file&) = delete;
  ~file() { (void)::unlink(path); }
};

/// What a command printed.
std::vector<char> output_of(const char* command) {
  std::vector<char> text;
  std::FILE* const f = ::popen(command, "r");
  REQUIRE(f != nullptr);
  for (int c; (c = std::fgetc(f)) != EOF;) text.push_back(static_cast<char>(c));
  text.push_back(0);
  (void)::pclose(f);
  return text;
}
}  // namespace

TEST_CASE("a capture holds each frame that came or was taken, with its time, and no other") {
  nic::wire_of<2> line;
  pool_of<8> left, right;
  using end = nic::wire_end<nic::wire_mode::copying, 2>;
  std::vector<std::byte> bytes;
  nic::pcap<end, memory_sink> a{end{line, 0}, memory_sink{&bytes}, {.start_ns = 1'000'000'000'000'000'000}};
  end b{line, 1};
  REQUIRE(bytes.size() == 24);
  CHECK(load_be<u32>(bytes.data()) == 0xa1b23c4d);
  CHECK(load_be<u32>(bytes.data() + 20) == 1);

  a.at(1'500'000'007);
  packet batch[3] = {left.frame(1, 60), left.frame(2, 61), left.frame(3, 62)};
  REQUIRE(a.transmit(batch) == 2);
  REQUIRE(batch[2]);
  CHECK(batch[2]->owners == packet::bit(buffer::owner::nic));
  packet reply = right.frame(4, 100);
  REQUIRE(b.transmit({&reply, 1}) == 1);
  packet got[4], done[4];
  a.at(2'000'000'000);
  REQUIRE(a.receive(left.chunks, got) == 1);
  nic_test::drop(got);

  REQUIRE(bytes.size() == 24 + 3 * 16 + 60 + 61 + 100);
  const std::byte* r = bytes.data() + 24;
  CHECK(load_be<u32>(r) == 1'000'000'001);
  CHECK(load_be<u32>(r + 4) == 500'000'007);
  CHECK(load_be<u32>(r + 8) == 60);
  CHECK(load_be<u32>(r + 12) == 60);
  CHECK(r[16 + 5] == nic_test::pattern(1, 5));
  r += 16 + 60 + 16 + 61;
  CHECK(load_be<u32>(r) == 1'000'000'002);
  CHECK(load_be<u32>(r + 12) == 100);
  CHECK(r[16 + 99] == nic_test::pattern(4, 99));

  nic_test::drop(batch);
  a.close();
  b.close();
  CHECK(left.chunks.in_use() + right.chunks.in_use() == 0);
}

TEST_CASE("a capture keeps the beginning of a long frame and its true length") {
  nic::wire line;
  pool_of<4> pool;
  std::vector<std::byte> bytes;
  captured_end a{nic::wire_pair{line, 0}, memory_sink{&bytes}, {.snap = 96}};
  packet p = pool.frame(1, 1000);
  REQUIRE(a.transmit({&p, 1}) == 1);
  CHECK(bytes.size() == 24 + 16 + 96);
  CHECK(load_be<u32>(bytes.data() + 24 + 8) == 96);
  CHECK(load_be<u32>(bytes.data() + 24 + 12) == 1000);
  a.close();
  CHECK(pool.chunks.in_use() == 0);
}

TEST_CASE("tshark reads a capture, Ethernet and raw IP") {
  if (std::system("command -v tshark >/dev/null 2>&1") != 0) SKIP("tshark is not installed");
  // An IPv4 header, and UDP from port 4660 to 7 without checksum.
  const u8 ip[] = {0x45, 0, 0, 32, 0, 0, 0x40, 0, 64, 17, 0x26, 0xb4, 10, 0, 0, 1, 10, 0, 0, 23, 0x12, 0x34, 0, 7, 0, 12, 0, 0, 'a', 'b', 'c', 'd'};
  const u8 mac[] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0};
  nic::wire line;
  pool_of<4> pool;
  const auto frame = [&](bool has_link_header) {
    packet p = pool.chunks.take(64);
    REQUIRE(p);
    std::memcpy(p.room().data(), ip, sizeof ip);
    p.extend(sizeof ip);
    if (has_link_header) std::memcpy(p.push(sizeof mac), mac, sizeof mac);
    p.become(buffer::owner::nic);
    return p;
  };
  const auto dissect = [](const char* path) {
    char command[160];
    (void)std::snprintf(command, sizeof command, "tshark -n -r %s -T fields -e frame.time_epoch -e ip.dst -e udp.dstport -e udp.length 2>/dev/null", path);
    return output_of(command);
  };
  const char* const wanted = "5.000000042\t10.0.0.23\t7\t12\n";
  file ethernet, raw;
  {
    nic::pcap<nic::wire_pair, posix::pcap_file> a{nic::wire_pair{line, 0}, posix::pcap_file{ethernet.path}};
    a.at(5'000'000'042);
    packet p = frame(true);
    REQUIRE(a.transmit({&p, 1}) == 1);
    a.close();
  }
  {
    nic::pcap<nic::wire_pair, posix::pcap_file, nic::pcap_link::raw_ip> a{nic::wire_pair{line, 0}, posix::pcap_file{raw.path}};
    a.at(5'000'000'042);
    packet p = frame(false);
    REQUIRE(a.transmit({&p, 1}) == 1);
    a.close();
  }
  CHECK(std::strcmp(dissect(ethernet.path).data(), wanted) == 0);
  CHECK(std::strcmp(dissect(raw.path).data(), wanted) == 0);
  CHECK(pool.chunks.in_use() == 0);
}
