// SPDX-License-Identifier: MIT
#include <route/router.hpp>

template int example::run_router<example::af_xdp_router>(const example::route_options&, const example::route_config&);
