// SPDX-License-Identifier: MIT
// A bridge between two interfaces that delays, loses, reorders, doubles and corrupts on purpose, both ways alike and from a seed: the bad path between
// strata on the one and the kernel on the other.
//
//   http_server --interface strata0 --address 10.9.0.2/24 --root . &  ip link set strata0 up arp off
//   relay strata0 kernel0 --delay 20 --loss 1 &  ip addr add 10.9.0.1/24 dev kernel0;  ip link set kernel0 up
//   curl http://10.9.0.2:8080/README.md
#include <nic/program.hpp>
#include <relay/bridge.hpp>

#include <sys/prctl.h>

namespace {

constexpr const char* program = "relay";

void print_causes(const example::relay_counts& n) {
  const std::pair<const char*, strata::u64> causes[] = {{"loss", n.loss},           {"script", n.script},     {"queue", n.queue},        {"interface", n.interface},
                                                        {"overflow", n.overflow}, {"oversized", n.oversized}, {"end", n.end}};
  const char* before = "";
  for (const auto& [name, count] : causes)
    if (count != 0) {
      std::printf("%s%s:%llu", before, name, static_cast<unsigned long long>(count));
      before = ",";
    }
  if (*before == 0) std::printf("none");
}

}  // namespace

int main(int argc, char** argv) {
  example::relay_options o;
  if (const auto code = example::read_options(argc, argv, o)) return *code;
  (void)std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
  sigset_t stop;
  (void)::sigemptyset(&stop);
  (void)::sigaddset(&stop, SIGINT);
  (void)::sigaddset(&stop, SIGTERM);
  (void)::pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  (void)::prctl(PR_SET_TIMERSLACK, 1);  // a delay is met to the microsecond, not to 50 of them

  auto a = example::side::open(o.a, o.a_kind);
  if (!a) return strata::posix::explain(a.error(), program);
  auto b = example::side::open(o.b, o.b_kind);
  if (!b) return strata::posix::explain(b.error(), program);
  std::printf("ready a=%s a_by=%s b=%s b_by=%s\n", example::value(o.a).c_str(), a->is_tap() ? "tap" : "packet", example::value(o.b).c_str(), b->is_tap() ? "tap" : "packet");

  static example::bridge bridge(std::move(*a), std::move(*b), o);
  int no_handler = 0;
  (void)strata::posix::run(bridge, no_handler, {.for_ns = o.for_ns});

  const example::relay_counts n = bridge.finish();
  using number = unsigned long long;
  std::printf("done forwarded=%llu dropped=%llu by=", number{n.forwarded}, number{n.dropped()});
  print_causes(n);
  std::printf(" received=%llu duplicated=%llu reordered=%llu corrupted=%llu retransmitted=0 drops=%llu chunks_in_use=%u\n", number{n.received}, number{n.duplicated},
              number{n.overtaken}, number{n.corrupted}, number{n.dropped()}, bridge.chunks_in_use());
  if (std::fflush(stdout) != 0) return example::fail(program, "the records could not be written", "write", errno, "is there room? is the reader still there?");
  return bridge.chunks_in_use() == 0 ? 0 : 1;
}
