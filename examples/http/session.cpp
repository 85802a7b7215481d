// SPDX-License-Identifier: MIT
#include <http/session.hpp>

#include <cerrno>
#include <unistd.h>

namespace example::http {

std::size_t session::take(std::span<const std::byte> in) {
  const std::string_view text(reinterpret_cast<const char*>(in.data()), in.size());
  std::size_t n = 0;
  if (phase_ == phase::head) n = take_head(text);
  else if (phase_ == phase::body) n = take_body(text);
  if (n != 0) has_progressed_ = true;
  return n;
}

std::size_t session::take_head(std::string_view in) {
  std::size_t skipped = 0;
  if (head_.empty())  // RFC 9112 §2.2: an empty line before a request is ignored
    while (skipped < in.size() && (in[skipped] == '\r' || in[skipped] == '\n')) ++skipped;
  in.remove_prefix(skipped);
  const std::size_t before = head_.size();
  head_ += in.substr(0, most_of_a_head - before);
  const std::size_t end = head_end(head_, before > 3 ? before - 3 : 0);
  if (end != 0) {
    begin(std::string_view(head_).substr(0, end));
    return skipped + end - before;
  }
  const std::size_t used = skipped + head_.size() - before;
  if (head_.size() == most_of_a_head) refuse(head_.find('\n') == std::string::npos ? 414 : 431);
  return used;
}

void session::begin(std::string_view head) {
  const int status = parse(head, request_);
  if (!request_.method_name.empty()) outcome_.method = request_.method_name;
  keeps_alive_ = keeps_alive_ && request_.keeps_alive;
  if (status != 0) return refuse(status);
  const bool has_body = request_.body.is_chunked || request_.body.length.value_or(0) != 0;
  switch (request_.method) {
    case method::get:
    case method::head:
      leaves_input_ = has_body;  // RFC 9110 §9.3.1: it means nothing here
      return begin_get();
    case method::put:
    case method::post: return begin_upload();
    case method::other:
      leaves_input_ = has_body;
      return refuse(405);
  }
}

void session::begin_get() {
  if (const int status = path_of(request_.target, path_); status != 0) return refuse(status);
  std::uint64_t size = 0;
  if (const int status = site_->root.open_file(path_, file_, size); status != 0) return refuse(status);
  phase_ = phase::answer;
  outcome_.status = 200;
  write_head(200, size, type_of(path_));
  file_at_ = 0;
  file_left_ = request_.method == method::get ? size : 0;
}

void session::begin_upload() {
  leaves_input_ = true;  // until the body is read
  if (const int status = path_of(request_.target, path_); status != 0) return refuse(status);
  if (!request_.body.is_chunked && !request_.body.length) return refuse(411);
  body_left_ = request_.body.length.value_or(0);
  if (body_left_ > site_->max_upload) return refuse(413);
  if (site_->uploads.is_open() && !upload_.open(site_->uploads, upload_name(path_))) return refuse(errno == ENOSPC || errno == EDQUOT ? 507 : 500);
  hash_.restart();
  chunks_ = {};
  phase_ = phase::body;
  if (request_.expects_continue) out_ = "HTTP/1.1 100 Continue\r\n\r\n", out_at_ = 0, head_in_out_ = out_.size();
  if (!request_.body.is_chunked && body_left_ == 0) end_upload();
}

std::size_t session::take_body(std::string_view in) {
  if (!request_.body.is_chunked) {
    const std::size_t n = in.size() < body_left_ ? in.size() : static_cast<std::size_t>(body_left_);
    body_left_ -= n;
    add(in.substr(0, n));
    if (body_left_ == 0 && phase_ == phase::body) end_upload();
    return n;
  }
  std::size_t used = 0;
  while (used < in.size() && phase_ == phase::body) {
    const chunk_reader::piece p = chunks_.next(in.substr(used));
    used += p.used;
    if (outcome_.bytes + p.data.size() > site_->max_upload) refuse(413);
    else if (chunks_.has_failed()) refuse(400);
    else add(p.data);
    if (chunks_.is_complete() && phase_ == phase::body) end_upload();
  }
  return used;
}

void session::add(std::string_view part) {
  const auto bytes = std::as_bytes(std::span(part));
  hash_.add(bytes);
  outcome_.bytes += part.size();
  if (site_->uploads.is_open() && !upload_.write(bytes)) refuse(errno == ENOSPC || errno == EDQUOT ? 507 : 500);
}

void session::end_upload() {
  leaves_input_ = false;
  outcome_.sha256 = hash_.finish();
  if (site_->uploads.is_open() && !upload_.keep()) return refuse(500);
  answer(site_->uploads.is_open() ? 201 : 200, outcome_.sha256 + "\n", "text/plain");
}

void session::refuse(int status) {
  upload_.drop();
  file_.close();
  file_left_ = 0;
  if (status != 404 && status != 403 && status != 405) leaves_input_ = true;  // where the next request begins is not known, or not worth the wait
  if (leaves_input_) keeps_alive_ = false;
  answer(status, std::string(reason_of(status)) + "\n", "text/plain");
  if (request_.method != method::put && request_.method != method::post) outcome_.bytes = request_.method == method::head ? 0 : out_.size() - head_in_out_;
}

void session::answer(int status, std::string_view body, std::string_view type) {
  phase_ = phase::answer;
  outcome_.status = status;
  write_head(status, body.size(), type);
  if (request_.method != method::head) out_ += body;
}

void session::write_head(int status, std::uint64_t length, std::string_view type) {
  if (leaves_input_) keeps_alive_ = false;
  out_.erase(0, out_at_);  // a 100 (Continue) may still be there
  out_at_ = 0;
  out_ += "HTTP/1.1 " + std::to_string(status) + ' ' + reason_of(status) + "\r\nDate: " + date_now() + "\r\nContent-Type: ";
  out_ += type;
  out_ += "\r\nContent-Length: " + std::to_string(length) + "\r\n";
  if (status == 405) out_ += "Allow: GET, HEAD, PUT, POST\r\n";
  out_ += keeps_alive_ ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  head_in_out_ = out_.size();
}

std::span<const std::byte> session::output(std::span<std::byte> block) {
  if (out_at_ < out_.size()) return std::as_bytes(std::span(out_)).subspan(out_at_);
  if (file_left_ == 0) return {};
  const std::size_t wanted = block.size() < file_left_ ? block.size() : static_cast<std::size_t>(file_left_);
  ssize_t n;
  do n = ::pread(file_.fd(), block.data(), wanted, static_cast<off_t>(file_at_));
  while (n < 0 && errno == EINTR);
  if (n <= 0) {  // it became shorter: only a reset tells the client that the length was wrong
    is_broken_ = true;
    return {};
  }
  return block.first(static_cast<std::size_t>(n));
}

void session::sent(std::size_t n) {
  if (n != 0) has_progressed_ = true;
  if (out_at_ < out_.size()) {
    out_at_ += n;
    if (out_at_ == out_.size()) out_.clear(), out_at_ = 0;
    return;
  }
  file_at_ += n;
  file_left_ -= n;
  outcome_.bytes += n;
  if (file_left_ == 0) file_.close();
}

void session::next_request() {
  const bool keeps = keeps_alive_;
  phase_ = phase::head;
  request_ = {};
  head_.clear();
  out_.clear();
  out_at_ = 0;
  file_.close();
  outcome_ = {};
  leaves_input_ = false;
  keeps_alive_ = keeps;
}

}  // namespace example::http
