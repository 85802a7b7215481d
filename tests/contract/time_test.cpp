// SPDX-License-Identifier: MIT
// The public contract: the cases of time, data, timers, options and what is told of a connection, which stand with the others in contract_test.cpp.
#define CONTRACT_PART 3
#include "../contract_test.cpp"
