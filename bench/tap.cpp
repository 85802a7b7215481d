// SPDX-License-Identifier: MIT
// A stream to and from the kernel's TCP over a TAP, frame by frame and, with a virtio header, in trains of up to 64 KB; in one run, in turns, one thread for both
// ends. Needs root; touches no interface but its own. Each row is printed as key=value at the end.
#include "xdp/contender.hpp"

#include <strata/nic/linux/tap.hpp>
#include <strata/posix.hpp>
#include <strata/strata.hpp>

#include <benchmark/benchmark.h>

#include <arpa/inet.h>
#include <cstring>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>

namespace {
using namespace bench;
using strata::u8, strata::u16;

constexpr std::size_t segment = 1460, segments_a_turn = 128;
bool is_quick = false;

[[noreturn]] void give_up(const strata::nic::open_error& e) { std::exit(strata::posix::explain(e, "tap")); }
void check(bool is_good, const char* what, const char* step) {
  if (!is_good) give_up({what, step, "run as root", errno, errno == EPERM || errno == ENOSYS});
}

/// No Nagle, ACKs at once, no timestamps, as the other rows have it. TCP hands down trains in any case: the driver takes them whole, or the link makes frames.
struct over_tap : strata::presets::low_latency {
  using nic = strata::nic::tap;
  using entropy = strata::entropy::seeded;
  static constexpr bool allows_weak_entropy = true;
  static constexpr bool timestamps = false;
  static constexpr u32 gso_max_size = 65000;
  static constexpr strata::limits limits{.chunks = 4096, .connections = 4, .send_chunks = 512, .receive_chunks = 512};
};
using net = strata::stack<over_tap>;

/// A TAP with strata on one side, 10.7.N.1, and the kernel on the other, 10.7.N.2, and a connection of the two.
class ends {
 public:
  ends(u8 number, bool vnet) {
    const std::string name = "bench" + std::to_string(number);
    auto tap = strata::nic::tap::open({.interface = name.c_str(), .vnet = vnet});
    if (!tap) give_up(tap.error());
    const u32 here = 0x0a070001u | u32{number} << 8;
    start_interface(name.c_str(), here + 1);
    stack_ = std::make_unique<net>(net::options{.nic = std::move(*tap), .memory = memory_, .entropy = {number}, .address = strata::subnet<strata::ipv4_address>{{here}, 24}});
    stack_->advance({the_clock().ns()});
    const sockaddr_in at = place(here + 1);
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(listener >= 0 && ::bind(listener, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 && ::listen(listener, 1) == 0, "the kernel does not listen", "listen");
    const auto c = stack_->connect({.remote = {strata::ipv4_address{here + 1}, 7}});
    check(c.has_value(), "the connection does not open", "connect");
    client = *c;
    for (bool is_open = false; !is_open;) stack_->poll({the_clock().ns()}, {64}, strata::on{[&](net::connected) { is_open = true; }, strata::ignore_rest{}});
    fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    (void)::close(listener);
    const int yes = 1, bytes = 4 << 20;
    (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    for (const int what : {SO_RCVBUFFORCE, SO_SNDBUFFORCE}) (void)::setsockopt(fd, SOL_SOCKET, what, &bytes, sizeof bytes);
  }
  ends(const ends&) = delete;
  ends& operator=(const ends&) = delete;
  ~ends() { (void)::close(fd); }
  net* operator->() { return stack_.get(); }

  net::stream client{};
  int fd = -1;

 private:
  static sockaddr_in place(u32 address) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(7);
    at.sin_addr.s_addr = htonl(address);
    return at;
  }
  static void start_interface(const char* name, u32 address) {
    const int s = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq r{};
    std::strncpy(r.ifr_name, name, sizeof r.ifr_name - 1);
    const auto set = [&](unsigned long what, u32 value) {
      sockaddr_in at = place(value);
      std::memcpy(&r.ifr_addr, &at, sizeof at);
      check(::ioctl(s, what, &r) == 0, "the kernel's side of the TAP cannot be set", "ioctl SIOCSIFADDR");
    };
    set(SIOCSIFADDR, address);
    set(SIOCSIFNETMASK, 0xffffff00);
    r.ifr_flags = IFF_UP | IFF_RUNNING;
    check(::ioctl(s, SIOCSIFFLAGS, &r) == 0, "the kernel's side of the TAP does not come up", "ioctl SIOCSIFFLAGS");
    (void)::close(s);
  }

  strata::posix::mapping memory_ = strata::posix::mapping::of(std::size_t{over_tap::limits.chunks} * over_tap::limits.chunk_size);
  std::unique_ptr<net> stack_;
};

enum class way : u8 { to_the_kernel, from_the_kernel };

/// A sample is the time of one turn, per segment of 1460 bytes that arrived.
class stream : public contender {
 public:
  stream(std::string what, u8 number, way direction, bool vnet) : contender(std::move(what)), ends_(number, vnet), way_(direction) {}

  void exchange(u32 turns) override {
    for (int i = 0; i < 16; ++i) (void)turn(the_clock().ns());
    for (u32 i = 0; i < turns; ++i) {
      const u64 start = the_clock().ns();
      const std::size_t bytes = turn(start);
      const u64 ns = the_clock().ns() - start;
      if (bytes >= segment) times.add(static_cast<double>(ns) * segment / static_cast<double>(bytes));
    }
  }
  [[nodiscard]] setting how() const override { return {.nic = "tap", .mode = "none", .copy = "yes"}; }

 private:
  std::size_t turn(u64 now) {
    std::size_t arrived = 0;
    if (way_ == way::to_the_kernel) {
      ends_->advance({now});
      (void)ends_.client.send(bytes_, {.now_please = true});
      for (ssize_t n; (n = ::recv(ends_.fd, sink_.data(), sink_.size(), MSG_DONTWAIT)) > 0;) arrived += static_cast<std::size_t>(n);
      ends_->poll({now}, {256}, strata::ignore_rest{});
      return arrived;
    }
    (void)!::send(ends_.fd, bytes_.data(), bytes_.size(), MSG_DONTWAIT);
    ends_->poll({now}, {256}, strata::on{[&](net::readable e) {
                                           for (;;) {
                                             const auto n = e.stream.receive(sink_);
                                             if (!n || *n == 0) return;
                                             arrived += *n;
                                           }
                                         },
                                         strata::ignore_rest{}});
    return arrived;
  }

  ends ends_;
  way way_;
  std::vector<std::byte> bytes_ = std::vector<std::byte>(segments_a_turn * segment, std::byte{7});
  std::vector<std::byte> sink_ = std::vector<std::byte>(std::size_t{1} << 16);
};

struct group {
  const char* name;
  way direction;
  contenders all{};

  void measure() {
    static u8 number = 0;
    for (const bool vnet : {false, true}) all.push_back(std::make_unique<stream>(vnet ? "vnet" : "frames", ++number, direction, vnet));
    take_turns(all, is_quick ? 4 : 30, 64);
  }
};
group groups[] = {{"tap/bulk_to_the_kernel", way::to_the_kernel}, {"tap/bulk_from_the_kernel", way::from_the_kernel}};

void report(benchmark::State& state, group& g, std::size_t row) {
  if (g.all.empty()) g.measure();
  const samples& t = g.all[row]->times;
  for (auto _ : state) state.SetIterationTime(t.at(0.5) / 1e9);
  state.counters["ns_per_segment"] = t.at(0.5);
  state.counters["gbit_per_s"] = static_cast<double>(segment) * 8 / t.at(0.5);
  state.counters["p99_ns"] = t.at(0.99);
  if (row != 0) state.counters["times"] = t.times(g.all[0]->times);
}
void print(const group& g) {
  for (const auto& c : g.all) {
    const setting how = c->how();
    std::printf("row=%s/%s nic=%s copy=%s p50_ns=%.0f p99_ns=%.0f gbit_per_s=%.1f", g.name, c->name.c_str(), how.nic, how.copy, c->times.at(0.5), c->times.at(0.99),
                static_cast<double>(segment) * 8 / c->times.at(0.5));
    if (c != g.all.front()) std::printf(" times=%.3f beside=%s", c->times.times(g.all.front()->times), g.all.front()->name.c_str());
    std::printf("\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) is_quick |= std::strncmp(argv[i], "--benchmark_min_time", 20) == 0;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  check(::unshare(CLONE_NEWNET) == 0, "no network namespace of its own", "unshare CLONE_NEWNET");
  for (group& g : groups)
    for (const std::size_t i : {0u, 1u})
      benchmark::RegisterBenchmark((std::string(g.name) + (i == 0 ? "/frames" : "/vnet")).c_str(), [&g, i](benchmark::State& s) { report(s, g, i); })->UseManualTime()->Iterations(1);
  benchmark::RunSpecifiedBenchmarks();
  for (const group& g : groups) print(g);
}
