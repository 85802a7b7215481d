// SPDX-License-Identifier: MIT
// A program with a stack on each of several cores: all share an interface, of which each has a queue, and one address. They start together, and end together,
// since one may have frames for another until the end.
#pragma once
#include <nic/program.hpp>
#include <strata/posix/cores.hpp>

#include <atomic>
#include <barrier>
#include <memory>
#include <vector>

namespace example {

/// The cores of a program, seen by one of them.
class team {
 public:
  team(crossing& between, u32 cores) : between_(between), cores_(cores), meeting_(static_cast<std::ptrdiff_t>(cores)) {}

  /// Until all are here; whether all are well.
  bool meet(bool is_well) {
    if (!is_well) is_ill_ = true;
    meeting_.arrive_and_wait();
    return !is_ill_;
  }
  /// The end has come for all.
  void end() {
    if (!is_over_.exchange(true)) wake_all();
  }
  [[nodiscard]] bool is_over() const { return is_over_.load(std::memory_order_relaxed); }
  /// Whether all have finished; `told`: whether the caller has said so. A core that has goes on until then.
  bool all_finished(bool is_finished, bool& told) {
    if (is_finished && !std::exchange(told, true) && ++finished_ == cores_) wake_all();
    return finished_ == cores_;
  }

 private:
  void wake_all() {
    for (u32 core = 0; core < cores_; ++core) between_.bell_of(core).wake();
  }

  crossing& between_;
  u32 cores_;
  std::barrier<> meeting_;
  std::atomic<bool> is_ill_{false}, is_over_{false};
  std::atomic<u32> finished_{0};
};

/// FILE, FILE.1, FILE.2, ...: what a core has for itself.
inline std::string of_core(const std::string& path, u32 core) { return path.empty() || core == 0 ? path : path + '.' + std::to_string(core); }

/// Opens a queue of the NIC for each core, starts a stack of Config `C` on it and calls `body(at_work, team, core)` in a thread of its own, which says whether all
/// went well; then `last(counts)`, whose result is the exit code.
template <class C, class Body, class Last> int on_stacks(const char* program, const nic_options& o, u32 cores, Body&& body, Last&& last) {
  using net_type = strata::stack<C>;
  using door = strata::posix::core_door<crossing>;
  (void)std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
  block_stop_signals();

  struct part {
    nic_options options;
    strata::posix::pcap_file capture{};
    std::unique_ptr<opened<C>> nic{};
    last_counts counts{};
    int code = 0;
  };
  std::vector<part> parts(cores);
  for (u32 core = 0; core < cores; ++core) {  // in turn: the first one attaches what the others join
    part& p = parts[core];
    p.options = o;
    p.options.pcap = of_core(o.pcap, core), p.options.stats_socket = of_core(o.stats_socket, core);
    if (const int code = open_capture(program, p.options.pcap, p.capture); code != 0) return code;
    p.nic = std::make_unique<opened<C>>(program, o, core, cores, parts[0].nic.get());
    if (p.nic->code != 0) return p.nic->code;
  }

  const auto between = std::make_unique<crossing>(strata::nic::owner_options{
      .cores = cores, .key = strata::posix::random().key, .first_local_port = C::limits.first_local_port, .last_local_port = C::limits.last_local_port});
  team all(*between, cores);
  strata::posix::on_cores(cores, [&](u32 core) {
    part& p = parts[core];
    const auto net = std::make_unique<net_type>();
    p.code = start<C>(program, p.options, *net, std::move(*p.nic->device), std::move(p.capture), p.nic->memory, *between, core);
    at_work<net_type, door> running{.net = *net, .program = program, .options = p.options, .door = {*between, core}};
    if (p.code == 0 && !p.options.stats_socket.empty())
      if (const auto no = running.stats.open(p.options.stats_socket); no.errno_value != 0)
        p.code = fail(program, std::string(no.what) + ": " + p.options.stats_socket, no.step, no.errno_value, no.remedy);
    if (all.meet(p.code == 0)) p.code = body(running, all, core);
    if (p.code == 0 || p.code == 1) p.counts = shut_down(*net);
  });
  last_counts counts;
  for (const part& p : parts) {
    if (p.code != 0) return p.code;
    counts.add(p.counts);
  }
  return last(counts);
}

}  // namespace example
