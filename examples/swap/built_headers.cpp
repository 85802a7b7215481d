// SPDX-License-Identifier: MIT
#include <swap/move.hpp>

EXAMPLE_SWAP(built_headers, using header_image = strata::header_image::built;)
