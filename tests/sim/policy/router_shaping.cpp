// SPDX-License-Identifier: MIT
#include "../router_of.hpp"

#include <strata/qdisc/fifo.hpp>
#include <strata/qdisc/fq_codel.hpp>
#include <strata/qdisc/prio.hpp>
#include <strata/qdisc/tbf.hpp>

namespace strata::sim {

std::unique_ptr<router> make_shaping_router(const middle& m) {
  return std::make_unique<router_of<between<qdisc::tbf_of<qdisc::tbf_options{.rate = 4'000'000, .burst = 12'000}, qdisc::fifo_of<80>>, qdisc::prio<qdisc::fifo_of<20>, qdisc::fq_codel_of<qdisc::fq_codel_options{.flows = 64, .limit = 100, .drop_batch = 8}>>>>>(m);
}

}  // namespace strata::sim
