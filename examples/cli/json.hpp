// SPDX-License-Identifier: MIT
// JSON text (RFC 8259), written front to back: `json j; j.begin("tcp").numbers({{"in", 1}}).end();`. It knows only where a comma goes.
#pragma once
#include <cli/text.hpp>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace example {

class json {
 public:
  struct count {
    std::string_view name;
    std::uint64_t value;
  };

  json() : text_("{") {}

  /// An object as a member of this name, or, without one, as an element.
  json& begin(std::string_view name = {}) { return open(name, '{'); }
  json& begin_array(std::string_view name) { return open(name, '['); }
  json& end() { return close('}'); }
  json& end_array() { return close(']'); }

  json& number(std::string_view name, std::uint64_t value) {
    key(name);
    text_ += std::to_string(value);
    return *this;
  }
  json& numbers(std::initializer_list<count> all) {
    for (const count& c : all) (void)number(c.name, c.value);
    return *this;
  }
  json& string(std::string_view name, std::string_view value) {
    key(name);
    text_ += quoted(value);
    return *this;
  }
  json& boolean(std::string_view name, bool value) {
    key(name);
    text_ += value ? "true" : "false";
    return *this;
  }
  /// One line.
  [[nodiscard]] std::string line() { return close('}').text_ + '\n'; }

 private:
  json& open(std::string_view name, char bracket) {
    key(name);
    text_ += bracket;
    is_first_ = true;
    return *this;
  }
  json& close(char bracket) {
    text_ += bracket;
    is_first_ = false;
    return *this;
  }
  void key(std::string_view name) {
    if (!is_first_) text_ += ',';
    is_first_ = false;
    if (!name.empty()) (text_ += quoted(name)) += ':';
  }

  std::string text_;
  bool is_first_ = true;
};

}  // namespace example
