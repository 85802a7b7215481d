// SPDX-License-Identifier: MIT
// Routes by the million: a trie that eats eight bits of the address a step (controlled prefix expansion, Srinivasan and Varghese 1998, with the rows of a node
// kept there and not pushed to its leaves). A look-up reads at most four places for IPv4, sixteen for IPv6; an update writes one node, 256 places at most.
// Linux has fib_trie, DPDK rte_lpm for this.
//
//   node 0: the first octet            a place: | row of the longest prefix that ends in this node and holds it | node of the next octet |
//     '-- node 7: the second ...
//
// Among the rows of one node those that hold the same address form a chain from the longest prefix to the shortest (`shorter`); rows of an equal prefix stand
// behind each other, the older first (`equal`).
#pragma once
#include <strata/ip/routes.hpp>

namespace strata::inline STRATA_ABI::ip {

/// `Nodes` nodes of 2 KiB, all memory of it: each route whose prefix is longer than 8, 16, 24 ... bits needs those of its first octets, shared with its neighbours.
/// A million routes in 40,000 networks of 16 bits take 50,000 (bench/routes.cpp). Of our own addresses there are at most `Addresses`.
template <u32 Nodes, u32 Addresses = 16> struct trie {
  static_assert(Nodes >= 2, "a trie has a root for each family");

  template <class Address, u32 Capacity> class of {
   public:
    /// Our address on `link`, and with it the network that is connected there. The same address again replaces its prefix.
    [[nodiscard]] expected<void, route_error> configure(u8 link, const subnet<Address>& ours) {
      const route<Address>* const before = own_.of_local(ours.address, link);
      const route<Address> old = before != nullptr ? *before : route<Address>{};
      const bool is_moved = before != nullptr;
      if (const auto e = own_.configure(link, ours); !e) return e.error();
      if (is_moved) (void)erase(old);
      if (const auto e = insert({ours, {}, ours.address, link, true}); !e) {
        if (is_moved) (void)own_.configure(link, old.to), (void)insert(old);  // its row and nodes were free a moment ago
        else (void)own_.withdraw(ours.address, link);
        return e.error();
      }
      return {};
    }
    /// What lies in `to` is reached through `gateway`, a neighbour on `link`. A prefix of zero bits is the default route.
    [[nodiscard]] expected<void, route_error> add(const subnet<Address>& to, const Address& gateway, u8 link) {
      const auto r = own_.through(to, gateway, link);
      if (!r) return r.error();
      return insert(*r);
    }
    /// Takes back what add() was told. False: there is no such row.
    [[nodiscard]] bool remove(const subnet<Address>& to, const Address& gateway, u8 link) { return erase({to, gateway, {}, link, false}); }
    /// Forgets every row of `link`: a walk over all.
    void withdraw(u8 link) {
      erase_all([&](const route<Address>& r) { return r.link == link; });
      own_.withdraw(link);
    }
    /// Forgets our address on `link`, its network, and what is reached through that: a walk over all. False: it is not ours there.
    bool withdraw(const Address& local, u8 link) {
      if (!own_.withdraw(local, link)) return false;
      erase_all([&](const route<Address>& r) { return r.link == link && r.local == local; });
      return true;
    }

    /// The row with the longest prefix that holds `a`; the older of two equal ones; null if there is none.
    [[nodiscard]] const route<Address>* best(const Address& a) const {
      u32 found = 0;
      const node* n = &nodes_[root_of(a)];
      for (u32 depth = 0;; ++depth) {
        const place& here = n->at[octet(a, depth)];
        if (here.row != 0) found = here.row;
        if (here.child == 0) break;
        n = &nodes_[here.child];
      }
      return found == 0 ? nullptr : &rows_[found - 1].is;
    }

    [[nodiscard]] const route<Address>* of_local(const Address& a) const { return own_.of_local(a); }
    [[nodiscard]] const route<Address>* of_local(const Address& a, u8 link) const { return own_.of_local(a, link); }
    [[nodiscard]] bool is_ours(const Address& a) const { return own_.is_ours(a); }
    [[nodiscard]] const route<Address>* first() const { return own_.first(); }
    [[nodiscard]] Address address_on(u8 link) const { return own_.address_on(link); }
    [[nodiscard]] Address source_for(const Address& a, u8 link) const { return own_.source_for(a, link); }
    [[nodiscard]] bool is_subnet_broadcast(const Address& a) const { return own_.is_subnet_broadcast(a); }
    [[nodiscard]] bool is_group(const Address& a) const { return own_.is_group(a); }
    [[nodiscard]] u32 size() const { return count_; }             ///< rows
    [[nodiscard]] u32 nodes() const { return nodes_in_use_; }     ///< of `Nodes`, the roots not counted

   private:
    static constexpr u32 roots = Address::bits == 128 ? 2 : 1;  // a dual stack's IPv4 addresses count their prefix from the 96th bit
    struct place {
      u32 row = 0;    // 1 + index
      u32 child = 0;  // zero, the root's number, is nobody's child
    };
    struct node {
      place at[256]{};
    };
    struct row {
      route<Address> is{};
      u32 shorter = 0;  // 1 + index; of a row that is free: the next free one
      u32 equal = 0;
      bool is_used = false;
    };

    [[nodiscard]] static constexpr u32 root_of(const Address& a) { return roots == 2 && a.is_v4() ? 1 : 0; }
    [[nodiscard]] static constexpr u32 octet(const Address& a, u32 depth) {
      if constexpr (Address::bits == 128) {
        if (!a.is_v4()) return static_cast<u32>((depth < 8 ? a.high : a.low) >> (56 - 8 * (depth % 8)) & 0xff);
      }
      return a.v4().value >> (24 - 8 * depth) & 0xff;
    }
    /// The node in which a prefix of so many bits ends is so many steps below the root.
    [[nodiscard]] static constexpr u32 depth_of(u32 prefix) { return prefix == 0 ? 0 : (prefix - 1) / 8; }
    [[nodiscard]] u32 prefix_of(u32 name) const { return rows_[name - 1].is.to.prefix; }

    /// The places that a prefix covers in its node.
    struct span_of {
      u32 first, count;
      span_of(const subnet<Address>& to, u32 depth) {
        count = 1u << (8 * (depth + 1) - to.prefix);
        first = octet(to.address, depth) & ~(count - 1);
      }
    };

    [[nodiscard]] expected<void, route_error> insert(const route<Address>& r) {
      const u32 depth = depth_of(r.to.prefix);
      u32 at = root_of(r.to.address), have = 0;
      for (u32 next = at; have < depth && (next = nodes_[at].at[octet(r.to.address, have)].child) != 0; ++have) at = next;
      if (count_ == Capacity || depth - have > Nodes - roots - nodes_in_use_) return route_error::full;
      for (; have < depth; ++have) at = nodes_[at].at[octet(r.to.address, have)].child = take_node();
      const u32 name = take_row(r);
      const span_of covered(r.to, depth);
      if (const u32 same = find(at, covered.first, r.to.prefix); same != 0) {
        u32 last = same;
        while (rows_[last - 1].equal != 0) last = rows_[last - 1].equal;
        rows_[last - 1].equal = name;
        return {};
      }
      for (u32 i = covered.first; i < covered.first + covered.count; ++i) {
        u32* link = &nodes_[at].at[i].row;
        while (*link != 0 && prefix_of(*link) > r.to.prefix) link = &rows_[*link - 1].shorter;
        if (*link == name) continue;  // a longer row that covers this place, too, already leads here
        rows_[name - 1].shorter = *link;
        *link = name;
      }
      return {};
    }

    void erase_all(auto&& is_meant) {
      for (u32 i = 0; i < used_;) {
        if (rows_[i].is_used && is_meant(rows_[i].is)) (void)erase(route<Address>{rows_[i].is});  // or its twin: look again
        else ++i;
      }
    }
    /// Takes out the row that `r` describes; nodes that hold nothing any more are free again.
    bool erase(const route<Address>& r) {
      const u32 depth = depth_of(r.to.prefix);
      u32 path[Address::bits / 8]{root_of(r.to.address)};
      for (u32 d = 0; d < depth; ++d)
        if ((path[d + 1] = nodes_[path[d]].at[octet(r.to.address, d)].child) == 0) return false;
      node& n = nodes_[path[depth]];
      const span_of covered(r.to, depth);
      const u32 head = find(path[depth], covered.first, r.to.prefix);
      u32 name = head, before = 0;
      while (name != 0 && !is_that(rows_[name - 1].is, r)) before = std::exchange(name, rows_[name - 1].equal);
      if (name == 0) return false;
      const u32 next = rows_[name - 1].equal, shorter = rows_[name - 1].shorter;
      if (before != 0) {
        rows_[before - 1].equal = next;
      } else {
        if (next != 0) rows_[next - 1].shorter = shorter;
        for (u32 i = covered.first; i < covered.first + covered.count; ++i) {
          u32* link = &n.at[i].row;
          while (*link != 0 && prefix_of(*link) > r.to.prefix) link = &rows_[*link - 1].shorter;
          if (*link == name) *link = next != 0 ? next : shorter;
        }
      }
      give_back_row(name);
      for (u32 d = depth; d > 0 && is_empty(nodes_[path[d]]); --d) {
        nodes_[path[d - 1]].at[octet(r.to.address, d - 1)].child = 0;
        give_back_node(path[d]);
      }
      return true;
    }
    [[nodiscard]] static bool is_that(const route<Address>& a, const route<Address>& b) {
      return a.link == b.link && a.gateway == b.gateway && a.is_connected == b.is_connected && (!b.is_connected || a.local == b.local);
    }
    /// The first row of exactly this prefix among those that hold a place of a node.
    [[nodiscard]] u32 find(u32 at, u32 octet, u32 prefix) const {
      u32 name = nodes_[at].at[octet].row;
      while (name != 0 && prefix_of(name) > prefix) name = rows_[name - 1].shorter;
      return name != 0 && prefix_of(name) == prefix ? name : 0;
    }

    [[nodiscard]] u32 take_row(const route<Address>& r) {
      u32 name = free_rows_;
      if (name != 0) free_rows_ = rows_[name - 1].shorter;
      else name = ++used_;
      rows_[name - 1] = {r, 0, 0, true};
      ++count_;
      return name;
    }
    void give_back_row(u32 name) {
      rows_[name - 1] = {{}, free_rows_, 0, false};
      free_rows_ = name;
      --count_;
    }
    // A free node's first place says which is the next.
    [[nodiscard]] u32 take_node() {
      u32 at = free_nodes_;
      if (at != 0) free_nodes_ = std::exchange(nodes_[at].at[0].child, 0);
      else at = roots + fresh_nodes_++;
      ++nodes_in_use_;
      return at;
    }
    void give_back_node(u32 at) {
      nodes_[at].at[0].child = free_nodes_;
      free_nodes_ = at;
      --nodes_in_use_;
    }
    [[nodiscard]] static bool is_empty(const node& n) {
      for (const place& p : n.at)
        if ((p.row | p.child) != 0) return false;
      return true;
    }

    node nodes_[Nodes]{};
    row rows_[Capacity]{};
    route_table<Address, Addresses> own_{};
    u32 free_rows_ = 0, free_nodes_ = 0;  // zero: none
    u32 used_ = 0, fresh_nodes_ = 0;      // rows and nodes that were ever taken
    u32 count_ = 0, nodes_in_use_ = 0;
  };
};

}  // namespace strata::inline STRATA_ABI::ip
