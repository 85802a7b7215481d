// SPDX-License-Identifier: MIT
// One connection of an HTTP server, without the connection: bytes go in, bytes come out, and what became of each request. The stack is server.hpp's.
#pragma once
#include <http/files.hpp>
#include <http/message.hpp>
#include <http/sha256.hpp>

namespace example::http {

/// What a server serves.
struct site {
  folder root;
  folder uploads;                          ///< not open: uploads are hashed only
  std::uint64_t max_upload = 0;            ///< bytes
};
/// What became of a request.
struct outcome {
  std::string method = "none";
  int status = 0;
  std::uint64_t bytes = 0;                 ///< of the body: sent, or received with PUT and POST
  std::string sha256{};                    ///< of a body that was received to its end
};

class session {
 public:
  void start(const site& where) {
    *this = session{};
    site_ = &where;
  }

  /// Takes input; how many bytes it wanted. Wants none while an answer has not left: what a client sends ahead stays in the receive window.
  [[nodiscard]] std::size_t take(std::span<const std::byte> in);
  /// The next bytes to send, read to `block` if they are of a file. Empty: nothing to send now, or the file has become shorter (is_broken()).
  [[nodiscard]] std::span<const std::byte> output(std::span<std::byte> block);
  void sent(std::size_t n);

  [[nodiscard]] bool has_output() const { return out_at_ < out_.size() || file_left_ > 0; }
  /// Whether what output() gave is followed by more that is there already.
  [[nodiscard]] bool more_follows() const { return file_left_ > 0; }
  /// The answer has left: what became of the request. The next one may come, if the connection is to stay.
  [[nodiscard]] bool is_answered() const { return phase_ == phase::answer && !has_output(); }
  [[nodiscard]] const outcome& result() const { return outcome_; }
  void next_request();

  [[nodiscard]] bool is_between_requests() const { return phase_ == phase::head && head_.empty(); }
  [[nodiscard]] bool is_in_head() const { return phase_ == phase::head; }
  [[nodiscard]] bool is_in_body() const { return phase_ == phase::body; }
  [[nodiscard]] bool keeps_alive() const { return keeps_alive_; }
  void end_after_this() { keeps_alive_ = false; }
  /// Part of the request was never read: whatever still comes must be swallowed, or closing would reset the connection and the answer with it.
  [[nodiscard]] bool leaves_input() const { return leaves_input_; }
  [[nodiscard]] bool is_broken() const { return is_broken_; }
  /// Gives up on a request that does not come.
  void time_out() { refuse(408); }
  /// Something moved since the last time this was asked.
  [[nodiscard]] bool has_progressed() { return std::exchange(has_progressed_, false); }

 private:
  enum class phase { head, body, answer };
  static constexpr std::size_t most_of_a_head = 16384;

  [[nodiscard]] std::size_t take_head(std::string_view in);
  [[nodiscard]] std::size_t take_body(std::string_view in);
  void begin(std::string_view head);
  void begin_get();
  void begin_upload();
  void add(std::string_view part);
  void end_upload();
  void refuse(int status);
  void answer(int status, std::string_view body, std::string_view type);
  void write_head(int status, std::uint64_t length, std::string_view type);

  const site* site_ = nullptr;
  phase phase_ = phase::head;
  request request_{};
  std::string head_{}, out_{}, path_{};
  std::size_t out_at_ = 0, head_in_out_ = 0;
  handle file_{};
  std::uint64_t file_at_ = 0, file_left_ = 0;
  std::uint64_t body_left_ = 0;
  chunk_reader chunks_{};
  sha256 hash_{};
  new_file upload_{};
  outcome outcome_{};
  bool keeps_alive_ = true, leaves_input_ = false, is_broken_ = false, has_progressed_ = false;
};

}  // namespace example::http
