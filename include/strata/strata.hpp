// SPDX-License-Identifier: MIT
// The whole of strata but what needs an operating system: drivers under nic/linux and the conveniences of posix.hpp are included by who wants them.
#pragma once
#include <strata/ip/connection_limit.hpp>
#include <strata/ip/rate_limit.hpp>
#include <strata/ip/trie.hpp>
#include <strata/ip/v4.hpp>
#include <strata/ip/v6.hpp>
#include <strata/link/ethernet.hpp>
#include <strata/link/raw_ip.hpp>
#include <strata/link/vlan.hpp>
#include <strata/neighbour/arp.hpp>
#include <strata/neighbour/fixed.hpp>
#include <strata/nic/wire_pair.hpp>
#include <strata/qdisc/direct.hpp>
#include <strata/qdisc/drr.hpp>
#include <strata/qdisc/fifo.hpp>
#include <strata/qdisc/fq.hpp>
#include <strata/qdisc/fq_codel.hpp>
#include <strata/qdisc/prio.hpp>
#include <strata/qdisc/tbf.hpp>
#include <strata/raw/layer.hpp>
#include <strata/stack/loopback.hpp>
#include <strata/stack/presets.hpp>
#include <strata/stack/stack.hpp>
