// SPDX-License-Identifier: MIT
// JSON (RFC 8259), read into a tree: as much as --stats-socket says. Numbers, true and false stay text.
#pragma once
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace example {

struct value_tree {
  struct member;
  enum class kind { word, string, object, array };

  kind is = kind::word;
  std::string text;             ///< of a word or string
  std::vector<member> members;  ///< of an object; of an array without names

  value_tree();
  value_tree(value_tree&&) noexcept;
  ~value_tree();

  /// A member, or an empty word.
  [[nodiscard]] const value_tree& operator[](std::string_view name) const;
  [[nodiscard]] unsigned long long number() const { return std::strtoull(text.c_str(), nullptr, 10); }
};
struct value_tree::member {
  std::string name;
  value_tree value;
};
inline value_tree::value_tree() = default;  // here, where a member is complete
inline value_tree::value_tree(value_tree&&) noexcept = default;
inline value_tree::~value_tree() = default;
inline const value_tree& value_tree::operator[](std::string_view name) const {
  static const value_tree none;
  for (const auto& [key, v] : members)
    if (key == name) return v;
  return none;
}

class value_reader {
 public:
  explicit value_reader(std::string_view text) : text_(text) {}

  /// The whole text as one value; false if it is none.
  [[nodiscard]] bool read(value_tree& to) { return value(to, 0) && (skip(), at_ == text_.size()); }

 private:
  static constexpr int deepest = 16;

  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool value(value_tree& to, int depth) {
    if (depth > deepest) return false;
    skip();
    if (at_ == text_.size()) return false;
    if (text_[at_] == '"') return to.is = value_tree::kind::string, string(to.text);
    if (take('{')) return to.is = value_tree::kind::object, members(to, '}', depth);
    if (take('[')) return to.is = value_tree::kind::array, members(to, ']', depth);
    while (at_ < text_.size() && std::string_view(",:]}\"{[ \n\r\t").find(text_[at_]) == std::string_view::npos) to.text += text_[at_++];
    return !to.text.empty();
  }
  bool members(value_tree& to, char end, int depth) {
    if (take(end)) return true;
    do {
      auto& [name, v] = to.members.emplace_back();
      if (end == '}' && (skip(), !string(name) || !take(':'))) return false;
      if (!value(v, depth + 1)) return false;
    } while (take(','));
    return take(end);
  }
  bool string(std::string& to) {
    if (at_ == text_.size() || text_[at_++] != '"') return false;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] != '\\') {
        to += text_[at_++];
        continue;
      }
      if (at_ + 1 == text_.size()) return false;
      const char c = text_[at_ + 1];
      at_ += 2;
      if (c == 'u') {
        if (text_.size() - at_ < 4) return false;
        to += static_cast<char>(std::strtoul(std::string(text_.substr(at_, 4)).c_str(), nullptr, 16));  // we escape control bytes only
        at_ += 4;
      } else to += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == 'b' ? '\b' : c == 'f' ? '\f' : c;
    }
    return at_ < text_.size() && text_[at_++] == '"';
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace example
