// SPDX-License-Identifier: MIT
// Sends back what comes, TCP and UDP (RFC 862).
//
//   echo --interface strata0 --address 10.9.0.2/24 &  ip addr add 10.9.0.1/24 dev strata0;  ip link set strata0 up
//   socat - TCP:10.9.0.2:7        socat - UDP:10.9.0.2:7
#include <nic/program.hpp>

#include <algorithm>
#include <vector>

namespace {

constexpr const char* program = "echo";

template <class Net> class echo_server {
  using u64 = strata::u64;

 public:
  explicit echo_server(Net& net) : net_(net), streams_(Net::config::limits.connections) {}

  [[nodiscard]] bool listen(strata::u16 port) {
    const auto l = net_.listen({.port = port});
    if (l) listener_ = *l;
    return static_cast<bool>(l);
  }
  [[nodiscard]] bool bind(strata::u16 port, bool gro) {
    const auto s = net_.bind({.port = port});
    if (s) socket_ = *s;
    if constexpr (requires { s->set(strata::udp::option::gro{true}); })
      if (s && gro) (void)s->set(strata::udp::option::gro{true});
    return static_cast<bool>(s);
  }
  [[nodiscard]] auto handler() {
    return strata::on{[this](typename Net::accepted e) { accept(e.stream); }, [this](typename Net::readable e) { answer(e.stream); },
                      [this](typename Net::writable e) { answer(e.stream); }, [](typename Net::peer_closed e) { (void)e.stream.close(); },
                      [this](typename Net::closed) { --open_; },
                      [this](typename Net::datagram e) { answer(e.socket); }, strata::ignore_rest{}};
  }
  void stop() {
    is_stopping_ = true;
    (void)listener_.close();
    (void)socket_.close();
    for (const auto& s : streams_) {
      (void)s.consume(s.peek().size());  // what nobody reads would make the end a reset
      (void)s.close();
    }
  }
  void abort() {
    for (const auto& s : streams_) (void)s.abort();
  }
  [[nodiscard]] bool is_done() const { return open_ == 0; }
  [[nodiscard]] u64 tcp_bytes() const { return tcp_bytes_; }
  [[nodiscard]] u64 datagrams() const { return datagrams_; }
  [[nodiscard]] u64 too_big() const { return too_big_; }
  [[nodiscard]] u64 views() const { return views_; }

 private:
  void accept(const typename Net::stream& s) {
    ++open_;
    streams_[s.id().index] = s;
    if (is_stopping_) (void)s.close();
  }
  /// What was not sent stays unread, and the peer's window closes: backpressure.
  void answer(const typename Net::stream& s) {
    const std::size_t n = s.send(s.peek()).value_or(0);
    tcp_bytes_ += n;
    (void)s.consume(n);
  }
  void answer(const typename Net::datagram_socket& s) {
    while (const auto in = s.peek()) {
      if constexpr (requires { in->segment_size; }) {
        if (in->segment_size != 0) {
          answer_all(s, *in);
          (void)s.consume();
          continue;
        }
      }
      const auto sent = s.send_to(in->bytes, in->from);
      if (sent) ++datagrams_;
      else ++too_big_;
      (void)s.consume();
    }
  }

  /// A datagram in several pieces, or several datagrams: by one call again where there is one for them.
  void answer_all(const typename Net::datagram_socket& s, const auto& in) {
    ++views_;
    all_.clear();
    for (auto part = in.spans.begin(); part != in.spans.end(); ++part) all_.insert(all_.end(), (*part).begin(), (*part).end());
    const auto datagrams_in = [&](std::size_t bytes) { return (bytes + in.segment_size - 1) / in.segment_size; };
    std::size_t sent = 0;
    if constexpr (Net::config::gso_max_size != 0) {
      sent = s.send_to(all_, in.from, strata::udp::segment_size{in.segment_size}).value_or(0);
    } else {
      while (sent < all_.size()) {
        const auto n = s.send_to(std::span(all_).subspan(sent, std::min<std::size_t>(in.segment_size, all_.size() - sent)), in.from);
        if (!n) break;
        sent += *n;
      }
    }
    datagrams_ += datagrams_in(sent), too_big_ += datagrams_in(all_.size()) - datagrams_in(sent);
  }

  Net& net_;
  typename Net::listener listener_{};
  typename Net::datagram_socket socket_{};
  std::vector<std::byte> all_;               // what one view held
  std::vector<typename Net::stream> streams_;  // by the slot of the connection
  u64 tcp_bytes_ = 0, datagrams_ = 0, too_big_ = 0, views_ = 0;
  strata::u32 open_ = 0;
  bool is_stopping_ = false;
};

template <class C> int serve(const example::echo_options& o) {
  return example::on_stack<C>(program, o, [&](auto& running) {
    auto& net = running.net;
    echo_server echo(net);
    if (o.tcp && !echo.listen(o.port)) return example::fail(program, "the TCP port cannot be listened on", "listen", 0, "give another --port");
    if (o.udp && !echo.bind(o.port, o.gro)) return example::fail(program, "the UDP port cannot be bound", "bind", 0, "give another --port");
    std::printf("ready proto=%s address=%s port=%u", o.tcp && o.udp ? "tcp,udp" : o.tcp ? "tcp" : "udp", example::text_of(o.address.address).c_str(), o.port);
    example::print_nic(o, net);
    std::printf("\n");
    auto handler = echo.handler();
    running.run_until(handler, o.for_ns, strata::posix::never{});
    echo.stop();
    running.end_in_order(handler, [&] { return echo.is_done(); }, [&] { echo.abort(); });
    std::printf("done tcp_bytes=%llu udp_datagrams=%llu unsent_datagrams=%llu", static_cast<unsigned long long>(echo.tcp_bytes()),
                static_cast<unsigned long long>(echo.datagrams()), static_cast<unsigned long long>(echo.too_big()));
    if (o.gro) std::printf(" udp_views=%llu", static_cast<unsigned long long>(echo.views()));
    return example::finish_line(program, net, 0);
  });
}

}  // namespace

int main(int argc, char** argv) {
  example::echo_options o;
  if (const auto code = example::read_options(argc, argv, o)) return *code;
  return example::with_server(o, [&]<class C>() { return serve<C>(o); });
}
