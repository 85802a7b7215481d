// SPDX-License-Identifier: MIT
// An HTTP server on any stack: one session per connection, in the slot that the connection has. Slow clients cost nothing but their connection: what
// does not fit in the send queue is read from the file when `writable` says so.
#pragma once
#include <http/ledger.hpp>
#include <http/session.hpp>
#include <strata/strata.hpp>

#include <vector>

namespace example::http {

/// `Net` is a strata::stack. Call run with handler(); stop() begins an orderly end, is_done() says when it is reached.
template <class Net> class server {
 public:
  static constexpr auto patience = Net::duration::seconds(60);  ///< a connection on which nothing moves for one to two of these is ended
  static constexpr auto last_patience = Net::duration::seconds(2);

  server(Net& net, const site& where, http::ledger& book) : net_(net), site_(where), ledger_(book), sessions_(Net::config::limits.connections), block_(32768) {}

  [[nodiscard]] auto listen(std::uint16_t port) {
    auto l = net_.listen({.port = port});
    if (l) listener_ = *l;
    return l;
  }

  [[nodiscard]] std::uint64_t accepted() const { return accepted_; }  ///< connections, by this server

  /// No new connections; idle ones close now, the others after their answer.
  void stop() {
    (void)listener_.close();
    is_stopping_ = true;
    for (slot& x : sessions_)
      if (x.is_open && x.session.is_between_requests()) end(x);
  }
  [[nodiscard]] bool is_done() const { return open_ == 0; }
  /// What is still there ends at once.
  void abort() {
    for (slot& x : sessions_)
      if (x.is_open) abort(x);
  }

  [[nodiscard]] auto handler() {
    return strata::on{[this](typename Net::accepted e) { accept(e.stream); },
                      [this](typename Net::readable e) { serve(at(e.stream)); },
                      [this](typename Net::writable e) { serve(at(e.stream)); },
                      [this](typename Net::peer_closed e) { on_half_closed(at(e.stream)); },
                      [this](typename Net::timer e) { on_timer(at(e.stream)); },
                      [this](typename Net::closed e) { on_closed(at(e.stream), e.why); },
                      strata::ignore_rest{}};
  }

 private:
  struct slot {
    http::session session{};
    typename Net::stream stream{};
    bool is_open = false, is_ending = false, is_swallowing = false, half_closed = false;
  };
  [[nodiscard]] slot& at(const typename Net::stream& s) { return sessions_[s.id().index]; }

  void accept(const typename Net::stream& s) {
    slot& x = at(s);
    x.session.start(site_);
    x.stream = s;
    x.is_open = true;
    x.is_ending = x.is_swallowing = x.half_closed = false;
    ++open_;
    ++accepted_;
    ledger_.connected();
    (void)s.set_timer(patience);
    if (is_stopping_) end(x);
  }

  /// Answers what can be answered, takes what can be taken; returns when the send queue is full or no input is left.
  void serve(slot& x) {
    if (!x.is_open) return;
    for (;;) {
      if (x.is_swallowing) {
        (void)x.stream.consume(x.stream.peek().size());
        return;
      }
      while (x.session.has_output()) {
        const auto part = x.session.output(block_);
        if (part.empty()) break;
        const bool more = part.data() == block_.data() ? x.session.more_follows() && part.size() == block_.size() : x.session.more_follows();
        const auto n = x.stream.send(part, {.more = more});
        if (!n) return;  // full: `writable` follows; or over: `closed` does
        x.session.sent(*n);
        if (*n < part.size()) return;
      }
      if (x.session.is_broken()) return abort(x);
      if (x.session.is_answered()) {
        record(x, nullptr);
        if (!x.session.keeps_alive() || is_stopping_) return end(x);
        x.session.next_request();
      }
      std::size_t taken = 0;
      for (const auto part : x.stream.peek()) {
        const std::size_t n = x.session.take(part);
        taken += n;
        if (n < part.size()) break;
      }
      if (taken != 0) (void)x.stream.consume(taken);
      if (!x.is_open) return;
      if (taken == 0 && !x.session.has_output()) break;
    }
    if (x.half_closed && !x.session.has_output()) end(x);
  }

  void on_half_closed(slot& x) {
    if (!x.is_open) return;
    x.half_closed = true;
    if (x.is_swallowing) (void)x.stream.close();
    else if (x.session.is_in_body()) abort(x);
    else if (x.session.is_in_head() && !x.session.has_output()) end(x);
    else x.session.end_after_this();
  }

  void on_timer(slot& x) {
    if (!x.is_open) return;
    if (x.is_ending) return abort(x);
    (void)x.stream.set_timer(patience);
    if (x.session.has_progressed()) return;
    if (x.session.is_between_requests()) return end(x);
    if (!x.session.is_in_head()) return abort(x);
    x.session.time_out();
    serve(x);
  }

  void on_closed(slot& x, strata::close_reason why) {
    if (!x.is_open) return;
    if (!x.is_ending && !x.session.is_between_requests()) record(x, name_of(why));
    x.session.start(site_);  // closes what it had open
    x.is_open = false;
    --open_;
  }

  /// Closes in order; first swallows what a client that was refused still sends, so that it reads the answer.
  void end(slot& x) {
    if (x.is_ending) return;
    x.is_ending = true;
    if (x.session.leaves_input() && !x.half_closed) {
      x.is_swallowing = true;
      (void)x.stream.consume(x.stream.peek().size());
      (void)x.stream.shutdown_send();
      (void)x.stream.set_timer(last_patience);
      return;
    }
    (void)x.stream.consume(x.stream.peek().size());
    (void)x.stream.close();
  }
  void abort(slot& x) { (void)x.stream.abort(); }

  [[nodiscard]] static const char* name_of(strata::close_reason why) {
    switch (why) {
      case strata::close_reason::orderly: return "closed";
      case strata::close_reason::refused: return "refused";
      case strata::close_reason::timed_out: return "timed_out";
      case strata::close_reason::unreachable: return "unreachable";
      case strata::close_reason::reset: return "reset";
      default: return "aborted";
    }
  }
  void record(slot& x, const char* incomplete) {
    const outcome& r = x.session.result();
    std::string line = " method=" + r.method + " status=" + std::to_string(r.status) + " bytes=" + std::to_string(r.bytes);
    if (!r.sha256.empty()) line += " sha256=" + r.sha256;
    if (incomplete != nullptr) (line += " incomplete=") += incomplete;
    ledger_.record(line, r.bytes);
  }

  Net& net_;
  const site& site_;
  http::ledger& ledger_;
  typename Net::listener listener_{};
  std::vector<slot> sessions_;
  std::vector<std::byte> block_;
  std::uint64_t accepted_ = 0;
  std::uint32_t open_ = 0;
  bool is_stopping_ = false;
};

}  // namespace example::http
