// SPDX-License-Identifier: MIT
// Where several threads call a stack (exclusion::locked): a scope of calls, and calls that the lock's holder runs for others.
#pragma once
#include <strata/stack/stack.hpp>

namespace strata::inline STRATA_ABI {

template <stack_config C> class stack<C>::scope {
 public:
  scope(stack& net, time_point now) : net_(&net), held_(net.exclusion_.enter()) { net.set_time(now); }
  scope(const scope&) = delete;
  scope& operator=(const scope&) = delete;
  ~scope() {
    if (net_->is_started_ && !net_->is_polling_) net_->ring(false);
  }

 private:
  stack* net_;
  decltype(std::declval<typename C::exclusion&>().enter()) held_;
};

/// A call of a thread that does not hold the lock: run by it, or by who holds the lock when that one leaves.
template <stack_config C> template <class F> auto stack<C>::posted(connection_id id, F&& call) {
  (void)id;
  return exclusion_.run([&] { return std::optional{call()}; });
}

}  // namespace strata::inline STRATA_ABI
