// SPDX-License-Identifier: MIT
// Text in records and errors, each of which is one line that another program may read.
#pragma once
#include <cstdio>
#include <string>
#include <string_view>

namespace example {

/// A JSON string (RFC 8259 §7).
[[nodiscard]] inline std::string quoted(std::string_view s) {
  std::string text = "\"";
  for (const char c : s) {
    if (c == '"' || c == '\\') (text += '\\') += c;
    else if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) {
      char escape[8];
      (void)std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      text += escape;
    } else text += c;
  }
  return text + '"';
}
/// A value behind `key=`: as it is, or quoted if it would be taken for something else.
[[nodiscard]] inline std::string value(std::string_view s) {
  bool is_plain = !s.empty();
  for (const char c : s) is_plain = is_plain && static_cast<unsigned char>(c) > ' ' && c != '=' && c != '"' && c != '\'' && c != '\\' && c != 0x7f;
  return is_plain ? std::string(s) : quoted(s);
}
/// Without line ends and other control bytes: what a user gave may be repeated to him, but not on a second line.
[[nodiscard]] inline std::string one_line(std::string s) {
  for (char& c : s)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
  return s;
}

}  // namespace example
