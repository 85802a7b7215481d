// SPDX-License-Identifier: MIT
// HTTP/1.1 as text: heads of requests and responses (RFC 9112 §3, §4, §5), chunked bodies (§7.1), paths of targets. No I/O.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace example::http {

enum class method { get, head, put, post, other };

/// How long a body is (RFC 9112 §6.3).
struct framing {
  bool is_chunked = false;
  std::optional<std::uint64_t> length{};
};
struct request {
  http::method method = method::other;
  std::string method_name{};
  std::string target{};
  framing body{};
  bool keeps_alive = true;
  bool expects_continue = false;
};
struct response {
  int status = 0;
  framing body{};
  std::string location{};
  bool keeps_alive = true;
};

/// Where the head at the start of `text` ends, its empty line included; zero if that has not come yet. Looks from `from` on.
[[nodiscard]] std::size_t head_end(std::string_view text, std::size_t from);
/// Reads a whole head. Zero, or the status to refuse it with.
[[nodiscard]] int parse(std::string_view head, request& r);
/// Reads a whole head; false if it is none.
[[nodiscard]] bool parse(std::string_view head, response& r);
/// The path of a target below the root, without a slash at its start: percent-decoded, no `.` and no empty part. Zero, or the status to refuse it with:
/// 403 for a part `..`, which is not even looked at, 400 for what is no path.
[[nodiscard]] int path_of(std::string_view target, std::string& path);
/// The last part of a path as a file's name: letters, digits and `._-`, at most 200 of them, no dot first.
[[nodiscard]] std::string upload_name(std::string_view path);
[[nodiscard]] const char* reason_of(int status);
[[nodiscard]] const char* type_of(std::string_view path);
/// `Sun, 06 Nov 1994 08:49:37 GMT`: RFC 9110 §5.6.7.
[[nodiscard]] std::string date_now();

/// Takes a chunked body apart.
class chunk_reader {
 public:
  struct piece {
    std::size_t used = 0;         ///< bytes of the input that are done with
    std::string_view data{};      ///< of the body, inside the input
  };
  /// The next piece of `in`. Ask again with the rest while it uses something.
  [[nodiscard]] piece next(std::string_view in);
  [[nodiscard]] bool is_complete() const { return at_ == at::end; }
  [[nodiscard]] bool has_failed() const { return at_ == at::failed; }

 private:
  enum class at { size, extension, size_end, data, data_cr, data_lf, trailer, trailer_line, trailer_end, end, failed };
  static constexpr std::uint32_t most_of_a_line = 8192;  // extensions and trailers are skipped, but not for ever

  at at_ = at::size;
  std::uint32_t digits_ = 0, skipped_ = 0;
  std::uint64_t left_ = 0;
};

}  // namespace example::http
