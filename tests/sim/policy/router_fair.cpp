// SPDX-License-Identifier: MIT
#include "../router_of.hpp"

#include <strata/qdisc/drr.hpp>
#include <strata/qdisc/fq.hpp>

namespace strata::sim {

std::unique_ptr<router> make_fair_router(const middle& m) {
  return std::make_unique<router_of<between<qdisc::fq_of<qdisc::fq_options{.flows = 32, .limit = 100, .flow_limit = 40}>, qdisc::drr_of<qdisc::drr_options{.flows = 32, .flow_limit = 40, .limit = 100}>>>>(m);
}

}  // namespace strata::sim
