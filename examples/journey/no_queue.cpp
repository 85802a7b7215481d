// SPDX-License-Identifier: MIT
#include <journey/journey.hpp>

template example::journey::result example::journey::travel<example::journey::no_queue>(const std::string&, strata::u64, strata::posix::pcap_file);
