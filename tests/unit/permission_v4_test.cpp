// SPDX-License-Identifier: MIT
// The permission policy over IPv4, and whether the table of calls has all of them.
#include "permission_world.hpp"

#include <fstream>
#include <map>
#include <string>

namespace {

using namespace strata;
using namespace strata::test;
using net = stack<four>;

TEST_CASE("every socket call asks the permission policy, and a refusal is answered, counted and nothing else") { refuse_every_call<four>(); }
TEST_CASE("a connection that may not be accepted is reset before the application is told") { refuse_a_connection<four>(); }

/// How often each name stands between `before` and one of `after`, in the public part of a header.
std::map<std::string, u32> names_in(const char* header, const std::string& before, const char* after) {
  std::ifstream file(std::string(STRATA_TESTS_DIR "/../include/strata/") + header);
  std::map<std::string, u32> found;
  for (std::string line; std::getline(file, line) && line != " private:";)
    for (std::size_t at = 0; (at = line.find(before, at)) != std::string::npos;) {
      at += before.size();
      if (line.compare(at, 9, "template ") == 0) at += 9;
      const std::size_t end = line.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", at);
      if (end != at && end != std::string::npos && std::string(after).find(line[end]) != std::string::npos) ++found[line.substr(at, end - at)];
    }
  return found;
}

// What handles call, and what the stack declares with an answer, is in the table, each overload by itself, unless it only says what a handle is.
TEST_CASE("no socket call is missing from the table of those that ask") {
  std::map<std::string, u32> wanted = names_in("stack/stack.hpp", "_error> ", "(");  // expected<..., ..._error> name(
  for (const char* const handle : {"socket/stream.hpp", "socket/listener.hpp", "socket/datagram_socket.hpp"})
    for (const auto& [name, count] : names_in(handle, "net_->", "(<"))
      if (wanted.find(name) == wanted.end()) wanted[name] = 1;
  for (const char* const name : {"data", "info", "local", "remote", "is_live", "socket_local", "socket_remote", "is_socket"}) CHECK(wanted.erase(name) == 1);
  for (const char* const name : {"add_address", "add_route", "add_rule", "add_neighbour", "join", "leave", "listen_to"}) CHECK(wanted.erase(name) == 1);  // of no socket
  CHECK(wanted.erase("open_raw") == 1);  // raw_configs_test.cpp: raw sockets have one way for all their calls
  std::map<std::string, u32> rows;
  for (const auto& row : refused_calls<four>::table) ++rows[row.name];
  for (const auto& [name, count] : wanted) {
    INFO(name << ": a call that is not in permission_world.hpp, or not as often as it is declared");
    CHECK(rows[name] == count);
  }
  CHECK(rows.size() == wanted.size());
  CHECK(rows.size() > 25);
}

TEST_CASE("what a stale handle asks is nobody's, and the policy does not hear of it") {
  auto w = std::make_unique<guarded_world<four>>();
  const net::stream old = w->s;
  CHECK(w->s.abort());
  CHECK(w->u.close());
  CHECK(w->port.close());
  w->turns(2, ignore_rest{}, ignore_rest{});
  w->policy().asked = 0;
  CHECK(old.send(bytes_of("x")).error() == tcp::send_error::stale);
  CHECK(old.get<option::no_delay>().error() == tcp::call_error::stale);
  CHECK(w->u.send(bytes_of("x")).error() == udp::send_error::stale);
  CHECK(w->port.close().error() == tcp::call_error::stale);
  CHECK(w->policy().asked == 0);
  CHECK(net::stream{}.get<option::no_delay>().error() == tcp::call_error::stale);
}

TEST_CASE("act_as lends a name to the calls of its scope, and what they make belongs to it") {
  auto w = std::make_unique<guarded_world<four>>();
  net::stream made;
  {
    const auto scope = w->a.act_as(user::dave);
    CHECK(w->s.send(bytes_of("x")));
    CHECK(w->policy().last.identity == user::dave);
    CHECK(w->u.send(bytes_of("x")));
    CHECK(w->policy().last.identity == user::dave);
    {
      const auto inner = w->a.act_as(user::guest);
      CHECK(w->s.send(bytes_of("x")));
      CHECK(w->policy().last.identity == user::guest);
    }
    made = *w->a.connect({.remote = {four::there, 7}, .identity = user::carol});
    CHECK(w->policy().last.identity == user::dave);
    CHECK(w->port.close());
    CHECK(w->policy().last.identity == user::dave);
  }
  CHECK(w->s.send(bytes_of("x")));
  CHECK(w->policy().last.identity == user::carol);
  CHECK(made.abort());
  CHECK(w->policy().last.identity == user::dave);
  CHECK(w->a.bind({.port = 77})->close());
  CHECK(w->policy().last.identity == user::guest);  // who says nothing is the least
}

TEST_CASE("a refused commit gives its chunk back, though the reservation lives on") {
  auto w = std::make_unique<guarded_world<four>>();
  const u32 chunks = w->a.chunks_in_use();
  auto place = w->s.reserve(100);
  REQUIRE(place);
  CHECK(w->a.chunks_in_use() == chunks + 1);
  w->forbid(permission::call::send);
  CHECK(w->s.commit(std::move(*place), 100).error() == tcp::send_error::not_permitted);
  CHECK(w->a.chunks_in_use() == chunks);
}

// ---- what it costs, and what a policy must have ----
struct open : presets::testing {};
struct least {  ///< all that the concept asks for
  static constexpr bool is_open = false;
  bool allows(const permission::request<ipv4_address>&) { return true; }
};
struct least_identity {
  static constexpr bool is_open = false;
  struct identity { u32 word; };
  bool allows(const permission::request<ipv4_address, identity>& r) { return r.identity.word == 0; }
};
struct careless {
  static constexpr bool is_open = true;
  using identity = u32;
  bool allows(const auto&) { return true; }
};
struct of_least : presets::testing { using permission = least; };
struct of_least_identity : presets::testing { using permission = least_identity; };
struct of_careless : presets::testing { using permission = careless; };
static_assert(permission::policy<least, ipv4_address> && permission::policy<least_identity, ipv4_address> && !permission::policy<least, ipv6_address>);
static_assert(std::is_empty_v<stack<of_least>::identity> && std::same_as<stack<of_least_identity>::identity, least_identity::identity>);
static_assert(std::is_empty_v<stack<of_careless>::identity>);  // nobody is asked, so nobody is kept
static_assert(sizeof(tcp::tcb<open>) == sizeof(tcp::tcb<of_least>) && sizeof(tcp::tcb<open>) < sizeof(tcp::tcb<of_least_identity>));
static_assert(sizeof(stack<open>) == sizeof(stack<of_careless>) && sizeof(stack<open>) < sizeof(stack<of_least>));
static_assert(sizeof(tcp::connect_options<ipv4_address>) == 2 * sizeof(endpoint<ipv4_address>));
template <class Net> constexpr bool can_act = requires(Net n) { n.act_as({}); };
static_assert(can_act<net> && !can_act<stack<open>> && !can_act<stack<of_least>>);

TEST_CASE("a stack whose policy is open refuses nothing and says so") {
  const auto everybody = std::make_unique<stack<open>>();
  CHECK(everybody->refusals(permission::call::listen) == 0);
}

}  // namespace
