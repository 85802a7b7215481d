// SPDX-License-Identifier: MIT
#include "endpoint.hpp"

// RFC 9293 §3.9.1.9, §3.9.2; MUST-48, MUST-49, SHLD-21, SHLD-22; RFC 6928 §2; RFC 6298 (2.1).
TEST_CASE("an IP endpoint over IPv4 behaves as Linux does where the RFC leaves room") { strata::ip_endpoint::all<strata::ip_endpoint::over_v4>(); }
