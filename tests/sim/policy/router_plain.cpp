// SPDX-License-Identifier: MIT
#include "../router_of.hpp"

#include <strata/qdisc/fifo.hpp>

namespace strata::sim {

std::unique_ptr<router> make_plain_router(const middle& m) {
  return std::make_unique<router_of<between<qdisc::direct, qdisc::fifo_of<60>>>>(m);
}

}  // namespace strata::sim
