// SPDX-License-Identifier: MIT
// A virtual LAN on a link: four bytes of tag between the addresses and the type, IEEE 802.1Q. Linux: vlan_dev_hard_header, vlan_do_receive.
//
//   link::vlan<link::ethernet>                destination source 8100 tag type
//   link::vlan<link::vlan<link::ethernet>>    destination source 88a8 tag 8100 tag type      IEEE 802.1ad: the outer tag is the provider's
//
// Id and priority are options, `.link = {.id = 5}` or `{.id = 100, .inner = {.id = 5}}`: the type only says that there is a tag. The MTU is what it was without:
// a frame is four bytes longer, for which Ethernet leaves room; where a driver does not, its mtu() or the option says so.
#pragma once
#include <strata/link/ethernet.hpp>
#include <strata/wire/vlan.hpp>

namespace strata::inline STRATA_ABI::link {

template <class Inner> class vlan {
  static_assert(framing<Inner> && requires(Inner l, packet& p, const mac_address& ours) { { l.parse_behind(p, ours, std::size_t{4}) } -> std::same_as<std::optional<received>>; },
                "a tag stands in an Ethernet header: inside of link::vlan is link::ethernet, or one more link::vlan");

 public:
  static constexpr std::size_t header_size = Inner::header_size + wire::vlan::header_size;
  static constexpr bool has_addresses = Inner::has_addresses;
  static constexpr u32 tags = [] {
    if constexpr (requires { Inner::tags; }) return Inner::tags + 1;
    else return 1u;
  }();
  static_assert(tags <= 2, "there are at most two tags: the provider's and the customer's (IEEE 802.1ad)");
  /// What announces this tag.
  static constexpr u16 announced_by = tags == 1 ? wire::ethertype::vlan : wire::ethertype::service_vlan;

  struct options {
    u16 id = 1;                   ///< 1..4094; zero: no VLAN, frames that carry a priority only
    u8 priority = 0;              ///< 0..7, of each frame that leaves
    bool may_be_dropped = false;  ///< before others, of each frame that leaves
    bool takes_priority_tagged = false;  ///< frames with the id zero are ours as well (IEEE 802.1Q §6.9: they belong to the port's own VLAN)
    [[no_unique_address]] typename Inner::options inner{};

    [[nodiscard]] constexpr bool is_valid() const {
      if constexpr (requires { inner.is_valid(); })
        if (!inner.is_valid()) return false;
      return id <= wire::vlan::last_id && priority <= 7;
    }
  };
  /// Frames that were dropped here, by reason.
  struct counters {
    u32 rx_length_errors = 0;  ///< shorter than the tag
    u32 rx_untagged = 0;       ///< no tag where ours is
    u32 rx_other_id = 0;       ///< of another VLAN. Linux: rx_dropped of skb with an unknown tag
  };

  constexpr vlan() = default;
  constexpr explicit vlan(const options& o)
      : inner_([&] {
          if constexpr (std::constructible_from<Inner, const typename Inner::options&>) return Inner(o.inner);
          else return Inner();
        }()),
        id_(o.id), priority_(o.priority), may_be_dropped_(o.may_be_dropped), takes_priority_tagged_(o.takes_priority_tagged) {}

  /// Writes header_size bytes at `at`: those of the inside, and the tag behind the addresses.
  void emit(std::byte* at, const mac_address& to, const mac_address& from, kind carries) const {
    constexpr std::size_t addresses = 12;
    inner_.emit(at + wire::vlan::header_size, to, from, carries);
    const u16 follows = load_be<u16>(at + wire::vlan::header_size + addresses);
    wire::store_mac(at, to);
    wire::store_mac(at + 6, from);
    store_be<u16>(at + addresses, announced_by);
    wire::vlan{priority_, may_be_dropped_, id_, follows}.emit(at + addresses + 2);
  }

  /// Takes the header off. Nothing, counted, if our tag is not there, or for what the inside refuses.
  [[nodiscard]] std::optional<received> parse(packet& p, const mac_address& ours) { return parse_behind(p, ours, 0); }
  /// The same, with so many bytes of tags in front of ours.
  [[nodiscard]] std::optional<received> parse_behind(packet& p, const mac_address& ours, std::size_t in_front) {
    const std::size_t at = 12 + in_front;
    const std::span<const std::byte> frame = p.bytes();
    if (frame.size() < at + 2 + wire::vlan::header_size) [[unlikely]] {
      ++counters_.rx_length_errors;
      return {};
    }
    if (load_be<u16>(frame.data() + at) != announced_by) {
      ++counters_.rx_untagged;
      return {};
    }
    const u16 id = load_be<u16>(frame.data() + at + 2) & 0x0fff;
    if (id != id_ && !(takes_priority_tagged_ && id == wire::vlan::priority_only)) {
      ++counters_.rx_other_id;
      return {};
    }
    return inner_.parse_behind(p, ours, in_front + wire::vlan::header_size);
  }

  [[nodiscard]] constexpr const counters& counted() const { return counters_; }
  /// The link inside: what it dropped is counted there.
  [[nodiscard]] constexpr const Inner& inside() const { return inner_; }

 private:
  [[no_unique_address]] Inner inner_{};
  u16 id_ = 1;
  u8 priority_ = 0;
  bool may_be_dropped_ = false, takes_priority_tagged_ = false;
  counters counters_{};
};
static_assert(framing<vlan<ethernet>> && framing<vlan<vlan<ethernet>>>);

}  // namespace strata::inline STRATA_ABI::link
