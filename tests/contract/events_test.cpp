// SPDX-License-Identifier: MIT
// The public contract: the cases of events and handlers, which stand with the others in contract_test.cpp.
#define CONTRACT_PART 2
#include "../contract_test.cpp"
