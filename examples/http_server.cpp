// SPDX-License-Identifier: MIT
// An HTTP/1.1 server on strata: one thread, as many connections as the Config has control blocks; with --cores N a thread, a stack and a queue of the NIC for
// each core, all on one address and port.
//
//   http_server --nic tap --interface strata0 --address 10.9.0.2/24 --root . &  ip addr add 10.9.0.1/24 dev strata0;  ip link set strata0 up
//   curl http://10.9.0.2:8080/README.md
#include <http/server.hpp>
#include <nic/cores.hpp>

#include <cstdlib>

namespace {

constexpr const char* program = "http_server";

template <class Net> void print_ready(const example::http_server_options& o, Net& net) {
  std::printf("ready proto=http address=%s port=%u", example::text_of(o.address.address).c_str(), o.port);
  example::print_nic(o, net);
  if (o.cores > 1) std::printf(" cores=%u", o.cores);
  std::printf("\n");
}
/// `done`, but for its end. A reader who takes nothing for so long has gone; waiting for him to take it would be waiting for ever: false.
bool print_done(example::http::ledger& book, double seconds) {
  if (!book.flush(200)) {
    (void)example::fail(program, "nobody reads the records", "write", EAGAIN, "read its standard output");
    return false;
  }
  std::printf("done requests=%llu bytes=%llu connections=%llu seconds=%.3f", static_cast<unsigned long long>(book.requests()), static_cast<unsigned long long>(book.bytes()),
              static_cast<unsigned long long>(book.connections()), seconds);
  if (book.lost() != 0) std::printf(" unwritten_records=%llu", book.lost());
  return true;
}
int fail_to_listen() { return example::fail(program, "the port cannot be listened on", "listen", 0, "give another --port"); }

template <class C> int serve(const example::http_server_options& o, const example::http::site& site) {
  return example::on_stack<C>(program, o, [&](auto& running) {
    auto& net = running.net;
    example::http::ledger book;
    example::http::server web(net, site, book);
    if (!web.listen(o.port)) return fail_to_listen();
    print_ready(o, net);
    const auto start = strata::posix::monotonic_ns();
    auto handler = web.handler();
    running.run_until(handler, o.for_ns, [&] {
      (void)book.flush(0);
      return o.max_requests != 0 && book.requests() >= o.max_requests;
    });
    const double seconds = static_cast<double>(strata::posix::monotonic_ns() - start) / 1e9;
    web.stop();
    running.end_in_order(handler, [&] { return web.is_done(); }, [&] { web.abort(); });
    if (!print_done(book, seconds)) {
      net.shut_down();
      std::_Exit(1);
    }
    return example::finish_line(program, net, 0);
  });
}

template <class C> int serve_on_cores(const example::http_server_options& o, const example::http::site& site) {
  example::http::ledger book;
  std::atomic<strata::u64> handed_over{0};
  std::vector<strata::u64> accepted(o.cores);  // each core writes its own
  strata::u64 start = 0;
  double seconds = 0;
  const auto one = [&](auto& running, example::team& all, strata::u32 core) {
    auto& net = running.net;
    example::http::server web(net, site, book);
    const bool listens = web.listen(o.port).has_value();
    if (!all.meet(listens)) return listens ? 0 : fail_to_listen();
    if (core == 0) {
      print_ready(o, net);
      start = strata::posix::monotonic_ns();
    }
    (void)all.meet(true);
    auto handler = web.handler();
    running.run_until(handler, o.for_ns, [&] {
      (void)book.flush(0);
      return all.is_over() || (o.max_requests != 0 && book.requests() >= o.max_requests);
    });
    all.end();
    if (core == 0) seconds = static_cast<double>(strata::posix::monotonic_ns() - start) / 1e9;
    web.stop();
    running.end_in_order(handler, [&] { return web.is_done(); }, [&] { web.abort(); }, [&, told = false](bool is_finished) mutable { return all.all_finished(is_finished, told); });
    accepted[core] = web.accepted();
    handed_over += net.template at_interface<0>().nic->inner().spread_counted().handed_over;
    return 0;
  };
  return example::on_stacks<C>(program, o, o.cores, one, [&](const example::last_counts& counts) {
    if (!print_done(book, seconds)) std::_Exit(1);
    std::printf(" cores=%u handed_over=%llu connections_by_core=", o.cores, static_cast<unsigned long long>(handed_over.load()));
    for (strata::u32 core = 0; core < o.cores; ++core) std::printf("%s%llu", core == 0 ? "" : ",", static_cast<unsigned long long>(accepted[core]));
    return example::finish_line(program, counts, 0);
  });
}

}  // namespace

int main(int argc, char** argv) {
  example::http_server_options o;
  if (const auto code = example::read_options(argc, argv, o)) return *code;
  example::http::site site;
  site.max_upload = o.max_upload_mib << 20;
  if (!site.root.open(o.root.c_str())) return example::fail(program, "the folder to serve cannot be opened: " + o.root, "open", errno, "give another --root");
  if (!o.upload.empty() && !site.uploads.open(o.upload.c_str()))
    return example::fail(program, "the folder for uploads cannot be opened: " + o.upload, "open", errno, "give another --upload");
  if (o.cores > 1) return o.nic == example::nic_kind::af_xdp ? serve_on_cores<example::af_xdp_cores>(o, site) : serve_on_cores<example::tap_cores>(o, site);
  switch (o.config) {
    case example::config_kind::low_latency: return serve<example::tap_low_latency>(o, site);
    case example::config_kind::embedded: return serve<example::tap_embedded>(o, site);
    case example::config_kind::server: break;
  }
  return example::with_server(o, [&]<class C>() { return serve<C>(o, site); });
}
