// SPDX-License-Identifier: MIT
// Two tags, and images of headers that have room for one.
// expect: the link header of this Config is longer than its header_image has room for
#include <strata/strata.hpp>

struct mine : strata::presets::server {
  using link = strata::link::vlan<strata::link::vlan<strata::link::ethernet>>;
#ifdef FIXED
  using header_image = strata::header_image::cached_behind<22>;
#endif
};
strata::stack<mine>* somewhere;
bool begin(strata::stack<mine>::options& o) { return somewhere->start(std::move(o)) == strata::bad_option::none; }
