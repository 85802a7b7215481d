// SPDX-License-Identifier: MIT
#include <http/message.hpp>

#include <cstdio>
#include <ctime>

namespace example::http {
namespace {

bool is_token(char c) {  // RFC 9110 §5.6.2
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
bool same(std::string_view a, std::string_view b) {  // without regard to case
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}
std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}
bool lists(std::string_view value, std::string_view wanted) {  // a comma-separated list
  for (;;) {
    const std::size_t comma = value.find(',');
    if (same(trimmed(value.substr(0, comma)), wanted)) return true;
    if (comma == std::string_view::npos) return false;
    value.remove_prefix(comma + 1);
  }
}
std::optional<std::uint64_t> number(std::string_view s) {
  if (s.empty() || s.size() > 18) return {};
  std::uint64_t n = 0;
  for (const char c : s) {
    if (c < '0' || c > '9') return {};
    n = n * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return n;
}
std::string_view next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}
int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/// What both kinds of head say about their body and connection. Zero or a status.
struct fields {
  framing body{};
  bool closes = false, keeps_alive = false, expects_continue = false, has_other_coding = false;
  int hosts = 0;
  std::string_view location{};
};
int read_fields(std::string_view text, fields& f) {
  bool has_coding = false;
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    if (line.empty()) break;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return 400;
    const std::string_view name = line.substr(0, colon), value = trimmed(line.substr(colon + 1));
    for (const char c : name)
      if (!is_token(c)) return 400;  // also a space before the colon and a folded line: RFC 9112 §5.1, §5.2
    for (const char c : value)
      if (c == '\r' || c == 0) return 400;
    if (same(name, "host")) ++f.hosts;
    else if (same(name, "location")) f.location = value;
    else if (same(name, "content-length")) {
      const auto n = number(value);
      if (!n || (f.body.length && *f.body.length != *n)) return 400;  // RFC 9112 §6.3
      f.body.length = n;
    } else if (same(name, "transfer-encoding")) {
      if (has_coding || !same(value, "chunked")) f.has_other_coding = true;
      f.body.is_chunked = has_coding = true;
    } else if (same(name, "connection")) {
      f.closes |= lists(value, "close");
      f.keeps_alive |= lists(value, "keep-alive");
    } else if (same(name, "expect")) {
      if (!same(value, "100-continue")) return 417;
      f.expects_continue = true;
    }
  }
  if (f.has_other_coding) return 501;
  if (f.body.is_chunked && f.body.length) return 400;  // two lengths: somebody is lying (RFC 9112 §6.1)
  return 0;
}

}  // namespace

std::size_t head_end(std::string_view text, std::size_t from) {
  for (std::size_t i = text.find('\n', from); i != std::string_view::npos; i = text.find('\n', i + 1)) {
    if (i + 1 < text.size() && text[i + 1] == '\n') return i + 2;
    if (i + 2 < text.size() && text[i + 1] == '\r' && text[i + 2] == '\n') return i + 3;
  }
  return 0;
}

int parse(std::string_view head, request& r) {
  r = {};
  const std::string_view line = next_line(head);
  const std::size_t first = line.find(' '), second = line.find(' ', first == std::string_view::npos ? first : first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos || first == 0 || second == first + 1) return 400;
  const std::string_view name = line.substr(0, first), target = line.substr(first + 1, second - first - 1), version = line.substr(second + 1);
  if (name.size() > 32) return 400;
  for (const char c : name)
    if (!is_token(c)) return 400;
  for (const char c : target)
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return 400;
  if (version.size() != 8 || version.substr(0, 5) != "HTTP/" || version[6] != '.' || hex(version[5]) > 9 || hex(version[5]) < 0) return 400;
  if (version[5] != '1') return 505;
  const bool is_1_0 = version[7] == '0';
  r.method_name = name;
  r.target = target;
  r.method = name == "GET" ? method::get : name == "HEAD" ? method::head : name == "PUT" ? method::put : name == "POST" ? method::post : method::other;
  fields f;
  if (const int status = read_fields(head, f); status != 0) return status;
  if (f.hosts > 1 || (f.hosts == 0 && !is_1_0)) return 400;  // RFC 9112 §3.2
  if (is_1_0 && f.body.is_chunked) return 400;
  r.body = f.body;
  r.keeps_alive = is_1_0 ? f.keeps_alive && !f.closes : !f.closes;
  r.expects_continue = f.expects_continue && !is_1_0;
  return 0;
}

bool parse(std::string_view head, response& r) {
  r = {};
  const std::string_view line = next_line(head);
  if (line.size() < 12 || line.substr(0, 7) != "HTTP/1." || line[8] != ' ') return false;
  const auto status = number(line.substr(9, 3));
  if (!status || *status < 100 || *status > 599 || (line.size() > 12 && line[12] != ' ')) return false;
  r.status = static_cast<int>(*status);
  fields f;
  if (read_fields(head, f) != 0) return false;
  r.body = f.body;
  r.location = f.location;
  r.keeps_alive = line[7] == '0' ? f.keeps_alive : !f.closes;
  if (r.status / 100 == 1 || r.status == 204 || r.status == 304) r.body = {false, 0};  // RFC 9112 §6.3
  return true;
}

int path_of(std::string_view target, std::string& path) {
  path.clear();
  if (const std::string_view scheme = "http://"; target.size() > scheme.size() && same(target.substr(0, scheme.size()), scheme)) {  // RFC 9112 §3.2.2
    const std::size_t slash = target.find('/', scheme.size());
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  target = target.substr(0, target.find_first_of("?#"));
  if (target.empty() || target.front() != '/') return 400;
  std::string text;
  for (std::size_t i = 0; i < target.size(); ++i) {
    char c = target[i];
    if (c == '%') {
      if (i + 2 >= target.size() || hex(target[i + 1]) < 0 || hex(target[i + 2]) < 0) return 400;
      c = static_cast<char>(hex(target[i + 1]) * 16 + hex(target[i + 2]));
      i += 2;
    }
    if (c == 0) return 400;
    text += c;
  }
  for (std::string_view rest = text; !rest.empty();) {  // decoded first, so that %2e%2e and %2f are what they stand for
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") return 403;
    if (part.size() > 255) return 404;
    if (!path.empty()) path += '/';
    path += part;
  }
  if (text.back() == '/' || path.empty()) path += path.empty() ? "index.html" : "/index.html";
  return 0;
}

std::string upload_name(std::string_view path) {
  if (const std::size_t slash = path.rfind('/'); slash != std::string_view::npos) path.remove_prefix(slash + 1);
  std::string name;
  for (const char c : path.substr(0, 200)) {
    const bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || (c == '.' && !name.empty());
    name += is_plain ? c : '_';
  }
  return name.empty() ? "upload" : name;
}

const char* reason_of(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 417: return "Expectation Failed";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "Unknown";
  }
}

const char* type_of(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  const std::string_view ending = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
  if (same(ending, "html") || same(ending, "htm")) return "text/html; charset=utf-8";
  if (same(ending, "txt") || same(ending, "md")) return "text/plain; charset=utf-8";
  if (same(ending, "css")) return "text/css";
  if (same(ending, "js")) return "text/javascript";
  if (same(ending, "json")) return "application/json";
  if (same(ending, "png")) return "image/png";
  if (same(ending, "svg")) return "image/svg+xml";
  return "application/octet-stream";
}

std::string date_now() {
  static const char* const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static const char* const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = std::time(nullptr);
  std::tm t{};
  (void)::gmtime_r(&now, &t);
  char text[64];
  (void)std::snprintf(text, sizeof text, "%s, %02d %s %d %02d:%02d:%02d GMT", days[t.tm_wday], t.tm_mday, months[t.tm_mon], 1900 + t.tm_year, t.tm_hour, t.tm_min, t.tm_sec);
  return text;
}

chunk_reader::piece chunk_reader::next(std::string_view in) {
  std::size_t i = 0;
  for (; i < in.size(); ++i) {
    const char c = in[i];
    switch (at_) {
      case at::size:
        if (const int digit = hex(c); digit >= 0 && digits_ < 15) left_ = left_ * 16 + static_cast<std::uint64_t>(digit), ++digits_;
        else if (digits_ == 0 || digit >= 0) at_ = at::failed;
        else if (c == '\n') at_ = left_ == 0 ? at::trailer : at::data;
        else if (c == '\r') at_ = at::size_end;
        else if (c == ';' || c == ' ' || c == '\t') at_ = at::extension;
        else at_ = at::failed;
        break;
      case at::extension:
        if (++skipped_ > most_of_a_line) at_ = at::failed;
        else if (c == '\r') at_ = at::size_end;
        else if (c == '\n') at_ = at::failed;
        break;
      case at::size_end:
        at_ = c != '\n' ? at::failed : left_ == 0 ? at::trailer : at::data;
        break;
      case at::data: {
        const std::size_t here = in.size() - i < left_ ? in.size() - i : static_cast<std::size_t>(left_);
        left_ -= here;
        if (left_ == 0) at_ = at::data_cr;
        return {i + here, in.substr(i, here)};
      }
      case at::data_cr: at_ = c == '\r' ? at::data_lf : at::failed; break;
      case at::data_lf:
        at_ = c == '\n' ? at::size : at::failed;
        digits_ = 0;
        break;
      case at::trailer:
        if (c == '\r') at_ = at::trailer_end;
        else if (c == '\n') { at_ = at::end; return {i + 1, {}}; }
        else at_ = at::trailer_line;
        break;
      case at::trailer_line:
        if (++skipped_ > most_of_a_line) at_ = at::failed;
        else if (c == '\n') at_ = at::trailer;
        break;
      case at::trailer_end:
        if (c != '\n') { at_ = at::failed; break; }
        at_ = at::end;
        return {i + 1, {}};
      case at::end:
      case at::failed: return {i, {}};
    }
  }
  return {i, {}};
}

}  // namespace example::http
