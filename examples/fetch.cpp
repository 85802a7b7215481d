// SPDX-License-Identifier: MIT
// An HTTP/1.1 client on strata: fetches a URL, or stores a file there, and says what the bytes hash to.
//
//   ip tuntap add dev strata0 mode tap;  ip addr add 10.9.0.1/24 dev strata0;  ip link set strata0 up
//   fetch --interface strata0 --address 10.9.0.2/24 http://10.9.0.1:8000/file --output file
#include <http/files.hpp>
#include <http/message.hpp>
#include <http/sha256.hpp>
#include <nic/program.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr const char* program = "fetch";

struct failure {
  std::string what{};
  const char* step = "";
  int errno_value = 0;
  std::string remedy{};
};

/// One connection's request and what came of it. Bytes in, bytes out; the stack is client's.
class transfer {
 public:
  void start(const example::fetch_options& o, std::string head, int upload, std::uint64_t upload_size, int output) {
    options_ = &o;
    head_ = std::move(head);
    upload_ = upload;
    upload_left_ = upload_size;
    output_ = output;
    began_ = strata::posix::monotonic_ns();
  }

  /// What to send next, read to `block` if it is of the file.
  [[nodiscard]] std::span<const std::byte> output(std::span<std::byte> block) {
    if (sent_ < head_.size()) return std::as_bytes(std::span(head_)).subspan(sent_);
    if (upload_left_ == 0) return {};
    const std::size_t wanted = block.size() < upload_left_ ? block.size() : static_cast<std::size_t>(upload_left_);
    const ssize_t n = ::pread(upload_, block.data(), wanted, static_cast<off_t>(upload_at_));
    if (n <= 0) {
      fail({"the file to upload has become shorter", "pread", n < 0 ? errno : 0, "try again"});
      return {};
    }
    return block.first(static_cast<std::size_t>(n));
  }
  void sent(std::span<const std::byte> part) {
    if (sent_ < head_.size()) {
      sent_ += part.size();
      return;
    }
    hash_.add(part);
    upload_at_ += part.size();
    upload_left_ -= part.size();
  }
  void take(std::span<const std::byte> in) {
    std::string_view text(reinterpret_cast<const char*>(in.data()), in.size());
    while (!text.empty() && !is_over()) {
      if (is_complete()) return;  // what follows an answer is nobody's
      if (!has_head_) {
        const std::size_t before = received_.size();
        received_ += text.substr(0, 65536 - before);
        const std::size_t end = example::http::head_end(received_, before > 3 ? before - 3 : 0);
        if (end == 0) {
          if (received_.size() == 65536) fail({"the server's answer has no end of its head", "receive", EPROTO, "is it an HTTP server?"});
          return;
        }
        text.remove_prefix(end - before);
        if (!example::http::parse(std::string_view(received_).substr(0, end), response_))
          return fail({"the server's answer is no HTTP/1.1", "receive", EPROTO, "is it an HTTP server?"});
        received_.clear();
        if (response_.status / 100 == 1) continue;
        has_head_ = true;
        left_ = response_.body.length.value_or(0);
      } else if (response_.body.is_chunked) {
        const auto p = chunks_.next(text);
        add(p.data);
        text.remove_prefix(p.used);
        if (chunks_.has_failed()) fail({"the server's chunks cannot be read", "receive", EPROTO, "is it an HTTP server?"});
        if (p.used == 0) break;
      } else {
        const std::size_t n = response_.body.length && left_ < text.size() ? static_cast<std::size_t>(left_) : text.size();
        add(text.substr(0, n));
        left_ -= response_.body.length ? n : 0;
        text.remove_prefix(n);
      }
      if (is_complete()) ended_ = strata::posix::monotonic_ns();
    }
  }
  /// The server has sent its FIN.
  void on_end() {
    if (is_over() || is_complete()) return;
    if (has_head_ && !response_.body.is_chunked && !response_.body.length) is_closed_ = true, ended_ = strata::posix::monotonic_ns();
    else fail({"the server closed before its answer was complete", "receive", ECONNRESET, "try again"});
  }
  void fail(const failure& f) {
    if (failure_.what.empty()) failure_ = f;
  }

  /// Whether the answer is here to its last byte.
  [[nodiscard]] bool is_complete() const {
    return has_head_ && (is_closed_ || (response_.body.is_chunked ? chunks_.is_complete() : response_.body.length && left_ == 0));
  }
  [[nodiscard]] bool is_over() const { return !failure_.what.empty(); }
  [[nodiscard]] bool has_upload_left() const { return upload_left_ != 0; }
  [[nodiscard]] std::uint64_t bytes() const { return options_->upload.empty() ? bytes_ : upload_at_; }

  /// Prints what came of it; the exit code.
  [[nodiscard]] int report(strata::u32 number, std::FILE* where) {
    const bool is_upload = !options_->upload.empty();
    if (!is_over() && is_complete()) {
      const double seconds = static_cast<double>(ended_ - began_) / 1e9;
      const std::string sum = hash_.finish();
      std::fprintf(where, "fetched status=%d bytes=%llu seconds=%.3f sha256=%s connection=%u gbit_per_s=%.2f\n", response_.status,
                   static_cast<unsigned long long>(bytes()), seconds, sum.c_str(), number, static_cast<double>(bytes()) * 8e-9 / (seconds > 0 ? seconds : 1e-9));
      const std::string status = std::to_string(response_.status);
      if (response_.status / 100 == 3 && !response_.location.empty())
        return example::fail(program, "the server redirects with status " + status, "receive", 0, "fetch what it names: " + response_.location);
      if (response_.status >= 300) return example::fail(program, "the server answers with status " + status, "receive", 0, "see the server's log");
      if (is_upload && answer_.size() == 65 && answer_.substr(0, 64) != sum)
        return example::fail(program, "the server has other bytes than were sent", "sha256", 0, "try again");
      return 0;
    }
    if (!is_over()) fail({"interrupted", "receive", EINTR, "try again"});
    return example::fail(program, failure_.what, failure_.step, failure_.errno_value, failure_.remedy);
  }

 private:
  void add(std::string_view part) {
    const auto bytes = std::as_bytes(std::span(part));
    if (options_->upload.empty()) {
      bytes_ += part.size();
      hash_.add(bytes);
    } else if (answer_.size() + part.size() <= 4096) {
      answer_ += part;
    }
    if (output_ < 0 || response_.status >= 300) return;
    for (std::size_t at = 0; at < bytes.size();) {
      const ssize_t n = ::write(output_, bytes.data() + at, bytes.size() - at);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return fail({"the output cannot be written", "write", errno, "give another --output"});
      at += static_cast<std::size_t>(n);
    }
  }

  const example::fetch_options* options_ = nullptr;
  std::string head_{}, received_{}, answer_{};
  std::size_t sent_ = 0;
  int upload_ = -1, output_ = -1;
  std::uint64_t upload_at_ = 0, upload_left_ = 0, left_ = 0, bytes_ = 0, began_ = 0, ended_ = 0;
  bool has_head_ = false, is_closed_ = false;
  example::http::response response_{};
  example::http::chunk_reader chunks_{};
  example::sha256 hash_{};
  failure failure_{};
};

template <class Net> class client {
  using u32 = strata::u32;

 public:
  client(Net& net, const example::fetch_options& o)
      : net_(net), options_(o), patience_(Net::duration::from_ms(static_cast<u32>(o.timeout * 1000))), transfers_(o.connections), streams_(o.connections),
        of_slot_(Net::config::limits.connections), block_(32768) {}

  void start(const std::string& head, int upload, std::uint64_t upload_size, int output) {
    for (u32 i = 0; i < transfers_.size(); ++i) {
      transfers_[i].start(options_, head, upload, upload_size, output);
      const auto s = net_.connect({.remote = options_.server});
      if (!s) {
        transfers_[i].fail(why(s.error()));
        continue;
      }
      streams_[i] = *s;
      of_slot_[s->id().index] = i;
      (void)s->set_timer(patience_);
      ++open_;
    }
  }
  [[nodiscard]] auto handler() {
    return strata::on{[this](typename Net::connected e) { write(e.stream); },
                      [this](typename Net::writable e) { write(e.stream); },
                      [this](typename Net::readable e) { read(e.stream); },
                      [this](typename Net::peer_closed e) {
                        at(e.stream).on_end();
                        (void)e.stream.close();
                      },
                      [this](typename Net::timer e) {
                        at(e.stream).fail({"timed out", has_begun(e.stream) ? "receive" : "connect", ETIMEDOUT, "is the server there?"});
                        (void)e.stream.abort();
                      },
                      [this](typename Net::closed e) {
                        --open_;
                        if (!at(e.stream).is_complete()) at(e.stream).fail(why(e.why));
                      },
                      strata::ignore_rest{}};
  }
  [[nodiscard]] bool is_done() const { return open_ == 0; }
  /// Whether every answer is complete or has failed; connections may still be closing.
  [[nodiscard]] bool has_all() const {
    for (const transfer& t : transfers_)
      if (!t.is_complete() && !t.is_over()) return false;
    return true;
  }
  void abort() {
    for (const auto& s : streams_) (void)s.abort();
  }
  /// The time that the user gave is over.
  void time_out() {
    for (u32 i = 0; i < transfers_.size(); ++i) {
      if (transfers_[i].is_complete() || transfers_[i].is_over()) continue;
      transfers_[i].fail({"the time of --for was too short", "receive", ETIMEDOUT, "give more, or none"});
      (void)streams_[i].abort();
    }
  }
  [[nodiscard]] std::vector<transfer>& transfers() { return transfers_; }

 private:
  [[nodiscard]] transfer& at(const typename Net::stream& s) { return transfers_[of_slot_[s.id().index]]; }
  [[nodiscard]] static bool has_begun(const typename Net::stream& s) {
    const auto info = s.info();
    return info && info->state != strata::tcp::state::syn_sent;
  }

  void write(const typename Net::stream& s) {
    transfer& t = at(s);
    (void)s.set_timer(patience_);
    while (!t.is_over()) {
      const auto part = t.output(block_);
      if (part.empty()) break;
      const auto n = s.send(part, {.more = t.has_upload_left() && part.data() != block_.data()});
      if (!n) return;
      t.sent(part.first(*n));
      if (*n < part.size()) return;
    }
    end_if_over(s, t);
  }
  void read(const typename Net::stream& s) {
    transfer& t = at(s);
    (void)s.set_timer(patience_);
    for (const auto part : s.peek()) t.take(part);
    (void)s.consume(s.peek().size());
    end_if_over(s, t);
  }
  void end_if_over(const typename Net::stream& s, transfer& t) {
    if (t.is_over() || (t.is_complete() && t.has_upload_left())) (void)s.abort();  // an answer before the upload's end: nobody wants the rest
    else if (t.is_complete()) (void)s.close();
  }

  [[nodiscard]] static failure why(strata::tcp::connect_error e) {
    switch (e) {
      case strata::tcp::connect_error::no_route: return {"no route to the server", "connect", ENETUNREACH, "give a --gateway, or an address of its network"};
      case strata::tcp::connect_error::no_slot: return {"no free connection", "connect", ENOBUFS, "use fewer --connections"};
      case strata::tcp::connect_error::no_port: return {"no free port", "connect", EADDRNOTAVAIL, "use fewer --connections"};
      default: return {"the server's address cannot be connected to", "connect", EINVAL, "give a host's address"};
    }
  }
  [[nodiscard]] static failure why(strata::close_reason e) {
    switch (e) {
      case strata::close_reason::refused: return {"connection refused", "connect", ECONNREFUSED, "start a server on that port"};
      case strata::close_reason::timed_out: return {"timed out", "connection", ETIMEDOUT, "is the server there?"};
      case strata::close_reason::unreachable: return {"the server cannot be reached", "connect", EHOSTUNREACH, "is it there, and the interface up?"};
      case strata::close_reason::reset: return {"connection reset by the server", "receive", ECONNRESET, "see the server's log"};
      case strata::close_reason::aborted: return {"interrupted", "receive", EINTR, "try again"};
      default: return {"the server closed before its answer was complete", "receive", ECONNRESET, "see the server's log"};
    }
  }

  Net& net_;
  const example::fetch_options& options_;
  typename Net::duration patience_;
  std::vector<transfer> transfers_;
  std::vector<typename Net::stream> streams_;
  std::vector<u32> of_slot_;  // which transfer a connection's slot serves
  std::vector<std::byte> block_;
  u32 open_ = 0;
};

template <class C> int fetch(const example::fetch_options& o, const std::string& head, int upload, std::uint64_t upload_size, int output) {
  return example::on_stack<C>(program, o, [&](auto& running) {
    auto& net = running.net;
    client fetching(net, o);
    auto handler = fetching.handler();
    fetching.start(head, upload, upload_size, output);
    const strata::u64 start = strata::posix::monotonic_ns();
    running.run_until(handler, o.for_ns, [&] { return fetching.has_all(); });
    std::FILE* const records = o.output == "-" ? stderr : stdout;
    if (o.for_ns != 0 && strata::posix::monotonic_ns() - start >= o.for_ns) fetching.time_out();
    const bool is_interrupted = !fetching.has_all();
    int code = 0;
    strata::u64 bytes = 0;
    strata::u32 n = 0, complete = 0;
    for (auto& t : fetching.transfers()) {
      ++n;
      bytes += t.bytes();
      complete += t.is_complete() ? 1u : 0u;
      if (is_interrupted && !t.is_complete() && !t.is_over()) continue;
      if (t.report(n, records) != 0) code = 1;
    }
    if (is_interrupted) fetching.abort();
    running.end_in_order(handler, [&] { return fetching.is_done(); }, [&] { fetching.abort(); });
    std::fprintf(records, "done requests=%u bytes=%llu", complete, static_cast<unsigned long long>(bytes));
    return example::finish_line(program, net, code, records);
  });
}

}  // namespace

int main(int argc, char** argv) {
  example::fetch_options o;
  if (const auto code = example::read_options(argc, argv, o)) return *code;
  example::http::handle upload, output;
  std::uint64_t size = 0;
  if (!o.upload.empty()) {
    upload = example::http::handle(::open(o.upload.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a FIFO would wait, and is refused
    struct stat s{};
    if (!upload || ::fstat(upload.fd(), &s) != 0 || !S_ISREG(s.st_mode))
      return example::fail(program, "the file to upload cannot be read: " + o.upload, "open", upload ? EINVAL : errno, "give another --upload");
    size = static_cast<std::uint64_t>(s.st_size);
  }
  if (!o.output.empty() && o.output != "-") {
    output = example::http::handle(::open(o.output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!output) return example::fail(program, "the output cannot be written: " + o.output, "open", errno, "give another --output");
  }
  std::string head = o.upload.empty() ? "GET " : "PUT ";
  head += o.path + " HTTP/1.1\r\nHost: " + example::text_of(o.server.address) + ':' + std::to_string(o.server.port) +
          "\r\nUser-Agent: strata-fetch\r\nAccept: */*\r\nConnection: close\r\n";
  if (!o.upload.empty()) head += "Content-Length: " + std::to_string(size) + "\r\n";
  head += "\r\n";
  const int to = o.output == "-" ? STDOUT_FILENO : output.fd();
  return example::with_server(o, [&]<class C>() { return fetch<C>(o, head, upload.fd(), size, to); });
}
