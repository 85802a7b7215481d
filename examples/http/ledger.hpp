// SPDX-License-Identifier: MIT
// What the servers of a program, one a core, have done together: the records, numbered through, and their sums. Its lock is taken once a request.
#pragma once
#include <http/journal.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>

namespace example::http {

class ledger {
 public:
  void connected() { connections_.fetch_add(1, std::memory_order_relaxed); }
  /// One more request; `rest` is its record behind the number.
  void record(const std::string& rest, std::uint64_t bytes) {
    const std::lock_guard held(lock_);
    bytes_.fetch_add(bytes, std::memory_order_relaxed);
    const std::uint64_t n = requests_.fetch_add(1, std::memory_order_relaxed) + 1;
    journal_.add("request n=" + std::to_string(n) + rest + '\n');
    is_waiting_.store(journal_.is_waiting(), std::memory_order_relaxed);
  }
  /// Writes what is taken; false if something waits still after `ms` without any being taken.
  bool flush(int ms) {
    if (!is_waiting_.load(std::memory_order_relaxed)) return true;
    const std::lock_guard held(lock_);
    const bool is_done = journal_.flush(ms);
    is_waiting_.store(!is_done, std::memory_order_relaxed);
    return is_done;
  }

  [[nodiscard]] std::uint64_t requests() const { return requests_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }  ///< of bodies, both ways
  [[nodiscard]] std::uint64_t connections() const { return connections_.load(std::memory_order_relaxed); }
  [[nodiscard]] unsigned long long lost() const { return journal_.lost(); }  ///< records; when nobody writes any more

 private:
  std::mutex lock_{};
  journal journal_{};
  std::atomic<bool> is_waiting_{false};
  std::atomic<std::uint64_t> requests_{0}, bytes_{0}, connections_{0};
};

}  // namespace example::http
