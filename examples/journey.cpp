// SPDX-License-Identifier: MIT
// A write on its way down through every layer and up again on the other side, step by step, with the Linux kernel's name for each.
#include <cli/options.hpp>
#include <cli/text.hpp>
#include <journey/journey.hpp>

#include <cerrno>
#include <cstdio>
#include <string_view>

namespace {

int fail(int code, const std::string& what, const char* step, int errno_value, const char* remedy) {
  const char* const symbol = errno_value == 0 ? nullptr : strata::posix::errno_name(errno_value);
  const std::string number = errno_value == 0 ? "" : ", errno " + (symbol != nullptr ? std::string(symbol) : std::to_string(errno_value));
  (void)std::fprintf(stderr, "journey: error: %s (%s%s); %s\n", example::one_line(what).c_str(), step, number.c_str(), remedy);
  return code;
}

using strata::trace::names;
using strata::trace::step;
constexpr std::size_t step_count = static_cast<std::size_t>(step::count);

/// What a sender or a receiver only meets when something is in its way, or is more than one segment.
const char* when(step s) {
  switch (s) {
    case step::split: return "when a chunk is longer than a segment may be";
    case step::queue_wait: return "while the next hop's address is not known";
    case step::retransmit: return "when a segment is lost";
    case step::backlog: return "while another thread copies the bytes of this connection";
    case step::validate: return "when several segments leave behind one header";
    default: return "";
  }
}

std::size_t find_step(std::string_view name) {
  for (std::size_t i = 0; i < step_count; ++i)
    if (name == names[i].function || name == names[i].linux_name) return i;
  return step_count;
}

void print_list(example::format format) {
  for (std::size_t i = 0; i < step_count; ++i) {
    const auto& n = names[i];
    const char* const why = when(static_cast<step>(i));
    if (format == example::format::jsonl)
      std::printf("{\"n\":%zu,\"way\":\"%s\",\"layer\":\"%s\",\"function\":\"%s\",\"linux\":\"%s\",\"when\":%s}\n", i + 1, n.is_down ? "down" : "up", n.layer, n.function, n.linux_name,
                  example::quoted(why).c_str());
    else std::printf("%3zu %-4s %-9s %-15s %-24s %s\n", i + 1, n.is_down ? "down" : "up", n.layer, n.function, n.linux_name, why);
  }
}

void print_row(std::size_t n, strata::u64 start, const example::journey::row& r, example::format format) {
  const auto& name = names[static_cast<std::size_t>(r.step.what)];
  const char* const way = name.is_down ? "down" : "up";
  const auto ns = static_cast<unsigned long long>(r.ns - start);
  if (format == example::format::jsonl) {
    std::printf("{\"n\":%zu,\"ns\":%llu,\"way\":\"%s\",\"layer\":\"%s\",\"function\":\"%s\",\"linux\":\"%s\",\"bytes\":%u,\"seq\":%u,\"ack\":%u,\"chunk\":%u,\"connection\":%u,\"stack\":\"%c\"}\n", n,
                ns, way, name.layer, name.function, name.linux_name, r.step.bytes, r.step.seq, r.step.ack, r.step.chunk, r.step.connection, r.stack);
    return;
  }
  std::string detail = std::string("stack=") + r.stack;
  const auto add = [&](const char* key, strata::u32 value) {
    if (value != 0) detail += std::string(" ") + key + '=' + std::to_string(value);
  };
  add(r.step.what == step::autobind ? "port" : "bytes", r.step.bytes);
  add("seq", r.step.seq);
  add("ack", r.step.ack);
  add("chunk", r.step.chunk);
  add("connection", r.step.connection);
  std::printf("%3zu %8llu %-4s %-9s %-15s %-24s %s\n", n, ns, way, name.layer, name.function, name.linux_name, detail.c_str());
}

example::journey::result travel_without(const example::journey_options& o, std::size_t without, strata::posix::pcap_file capture) {
  using namespace example::journey;
  switch (static_cast<step>(without)) {  // the steps that are a choice of the Config are really not there
    case step::permission: return travel<no_permission>(o.text, o.seed, std::move(capture));
    case step::enqueue: return travel<no_queue>(o.text, o.seed, std::move(capture));
    case step::neighbour:
    case step::queue_wait: return travel<no_neighbour>(o.text, o.seed, std::move(capture));
    default: return travel<everything>(o.text, o.seed, std::move(capture));
  }
}

}  // namespace

int main(int argc, char** argv) {
  example::journey_options o;
  if (const auto code = example::read_options(argc, argv, o)) return *code;
  if (o.list) {
    print_list(o.format);
    return 0;
  }
  const std::size_t without = o.without.empty() ? step_count : find_step(o.without);
  if (!o.without.empty() && without == step_count) return fail(2, "there is no step " + o.without, "options", 0, "see --list");
  strata::posix::pcap_file capture;
  if (!o.pcap.empty()) {
    capture = strata::posix::pcap_file(o.pcap.c_str());
    if (!capture.is_open()) return fail(1, "the capture file cannot be written: " + o.pcap, "open", errno, "give another --pcap");
  }
  const auto r = travel_without(o, without, std::move(capture));
  std::size_t n = 0;
  strata::u64 start = 0;
  for (const auto& row : r.rows) {
    const bool is_down = names[static_cast<std::size_t>(row.step.what)].is_down;
    if ((o.way == example::way::down && !is_down) || (o.way == example::way::up && is_down) || static_cast<std::size_t>(row.step.what) == without) continue;
    if (n++ == 0) start = row.ns;
    print_row(n, start, row, o.format);
  }
  std::printf("journey delivered=%zu of=%zu equal=%s steps=%zu\n", r.delivered, o.text.size(), r.is_equal ? "yes" : "no", n);
  int code = r.is_equal ? 0 : 1;
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) code = fail(1, "the records could not be written", "write", errno, "is there room?");
  if (!r.is_recorded) code = fail(1, "the capture file could not be written to its end", "write", 0, "is there room? give another --pcap");
  if (r.leaked != 0) code = fail(1, std::to_string(r.leaked) + " chunks were not given back", "shut_down", 0, "report it");
  if (!r.is_ok) code = fail(1, "the connection did not open or did not end", "poll", 0, "report it");
  return code;
}
