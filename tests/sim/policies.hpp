// SPDX-License-Identifier: MIT
// The Configs that simulations run over, by name. Each is made in a file of its own.
#pragma once
#include "host.hpp"

namespace strata::sim {

std::unique_ptr<host> make_server(const beginning&);
std::unique_ptr<host> make_low_latency(const beginning&);
std::unique_ptr<host> make_unlimited(const beginning&);
std::unique_ptr<host> make_fifo(const beginning&);
std::unique_ptr<host> make_codel(const beginning&);
std::unique_ptr<host> make_fair(const beginning&);
std::unique_ptr<host> make_robin(const beginning&);
std::unique_ptr<host> make_built(const beginning&);
std::unique_ptr<host> make_gso(const beginning&);
std::unique_ptr<host> make_paced(const beginning&);
std::unique_ptr<host> make_writing(const beginning&);
std::unique_ptr<host> make_ms32(const beginning&);
std::unique_ptr<host> make_trains(const beginning&);
std::unique_ptr<host> make_embedded(const beginning&);

struct policy {
  const char* name;
  make_host make;
  u32 connections;    ///< of one run, at most
  u32 least_chunks;   ///< of a region that still carries them
  bool has_queue;     ///< that may drop what TCP has sent
};

constexpr policy policies[] = {
    {"server", make_server, 4, 160, false},       {"low_latency", make_low_latency, 4, 160, false}, {"unlimited", make_unlimited, 4, 160, false},
    {"fifo", make_fifo, 4, 160, true},            {"built", make_built, 4, 160, false},             {"ms32", make_ms32, 4, 160, false},
    {"trains", make_trains, 4, 160, false},       {"gso", make_gso, 4, 160, false},                 {"paced", make_paced, 4, 160, false},
    {"writing", make_writing, 4, 160, false},       {"codel", make_codel, 4, 160, true},            {"fair", make_fair, 4, 160, true},
    {"robin", make_robin, 4, 160, true},
    {"embedded", make_embedded, 2, 0, false},
};

}  // namespace strata::sim
