// SPDX-License-Identifier: MIT
// An HTTP/1.1 server on strata: one thread, as many connections as the Config has control blocks.
//
//   http_server --nic tap --interface strata0 --address 10.9.0.2/24 --root . &  ip addr add 10.9.0.1/24 dev strata0;  ip link set strata0 up
//   curl http://10.9.0.2:8080/README.md
#include <http/server.hpp>
#include <nic/program.hpp>

#include <cstdlib>

namespace {

constexpr const char* program = "http_server";

template <class C> int serve(const example::http_server_options& o, const example::http::site& site) {
  return example::on_stack<C>(program, o, [&](auto& running) {
    auto& net = running.net;
    example::http::server web(net, site);
    if (!web.listen(o.port)) return example::fail(program, "the port cannot be listened on", "listen", 0, "give another --port");
    std::printf("ready proto=http address=%s port=%u", example::text_of(o.address.address).c_str(), o.port);
    example::print_nic(o, net);
    std::printf("\n");
    const auto start = strata::posix::monotonic_ns();
    auto handler = web.handler();
    running.run_until(handler, o.for_ns, [&] {
      (void)web.journal().flush(0);
      return o.max_requests != 0 && web.requests() >= o.max_requests;
    });
    const double seconds = static_cast<double>(strata::posix::monotonic_ns() - start) / 1e9;
    web.stop();
    running.end_in_order(handler, [&] { return web.is_done(); }, [&] { web.abort(); });
    // A reader who takes nothing for so long has gone; waiting for him to take `done` would be waiting for ever.
    if (!web.journal().flush(200)) {
      (void)example::fail(program, "nobody reads the records", "write", EAGAIN, "read its standard output");
      net.shut_down();
      std::_Exit(1);
    }
    std::printf("done requests=%llu bytes=%llu connections=%llu seconds=%.3f", static_cast<unsigned long long>(web.requests()),
                static_cast<unsigned long long>(web.bytes()), static_cast<unsigned long long>(web.connections()), seconds);
    if (web.journal().lost() != 0) std::printf(" unwritten_records=%llu", web.journal().lost());
    return example::finish_line(program, net, 0);
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
  switch (o.config) {
    case example::config_kind::low_latency: return serve<example::tap_low_latency>(o, site);
    case example::config_kind::embedded: return serve<example::tap_embedded>(o, site);
    case example::config_kind::server: break;
  }
  return example::with_server(o, [&]<class C>() { return serve<C>(o, site); });
}
