// SPDX-License-Identifier: MIT
// What an application says of the groups that it wants to hear: RFC 3376 §2 and §3.1, with the calls of RFC 3678. Data only: sockets take it, ip/ keeps it.
#pragma once
#include <strata/core/types.hpp>

namespace strata::inline STRATA_ABI::multicast {

/// Who hears what is sent to a group: RFC 1112 §6.1.
enum class loop : u8 {
  on,   ///< others, and sockets of this stack that want what comes to it on that link
  off,  ///< others. Linux: IP_MULTICAST_LOOP of 0
  only  ///< those sockets, and nothing leaves. Linux: IP_MULTICAST_TTL of 0
};

/// Whose packets are wanted: those of the sources that are listed, or those of all others.
enum class filter_mode : u8 { include, exclude };

/// A group on one link, from any source or from a single one. Linux: IP_ADD_MEMBERSHIP, IP_ADD_SOURCE_MEMBERSHIP.
template <class Address> struct membership {
  Address group{};
  Address source{};  ///< unspecified: any
  u8 link = 0;       ///< the interface's index
};

/// All that is wanted of a group: it takes the place of what was said of it before. None of no source is none at all. Linux: MCAST_MSFILTER.
template <class Address> struct source_filter {
  Address group{};
  filter_mode mode = filter_mode::include;
  std::span<const Address> sources{};  ///< copied
  u8 link = 0;
};

enum class call_error : u8 {
  none,
  stale,           ///< the socket is gone
  bad_group,       ///< not a multicast address, or of a family whose groups are not there
  bad_source,      ///< not a unicast address; or any source of a group of 232.0.0.0/8, of which each has one (RFC 4604 §2.1)
  bad_link,        ///< there is no such interface, or it leads to ourselves
  full,            ///< limits.groups memberships are in use, or a filter would have more than limits.group_sources; or the driver brings in no further group
  already_joined,  ///< with this source, or the group from any
  not_joined,      ///< not the group, or not from this source by itself
  not_permitted,
  bad_options      ///< the stack is not started
};

}  // namespace strata::inline STRATA_ABI::multicast
