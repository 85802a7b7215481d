// SPDX-License-Identifier: MIT
// What the stack asks of a NIC, one small concept a demand.
//
// Ownership: `transmit` is given packets that the NIC owns already (owner::nic). It takes the first n, by moving out of them, and says n; the rest stays
// the caller's. A driver that copies drops each handle at once; one that lends keeps it until the hardware is done and hands it out in `reclaim`.
// `receive` takes chunks from the pool it is given (pool::take_receive) and fills them, or borrows (pool::borrow); no chunk left: it leaves the frames
// where they are. `flush` is the doorbell. Nothing here blocks.
#pragma once
#include <strata/buffer/pool.hpp>
#include <strata/core/address.hpp>

#include <concepts>

namespace strata::inline STRATA_ABI::nic {

/// What became of the doorbell.
enum class kick : u8 { done, again, link_down };  // again: EAGAIN, EBUSY, ENOBUFS; the stack rings again later

/// What a driver takes off the stack's hands. `may` is static (code that must exist); `has()` is known after open.
struct capabilities {
  bool fills_in_checksum = false;   ///< transmit: makes the checksum of a frame that is marked descriptor::checksum_partial, whose field holds the pseudo-header's sum
  bool verified_checksum = false;   ///< receive: a frame may be marked descriptor::checksum_verified, and its transport checksum is believed
  bool partial_checksum = false;    ///< receive: a frame may be marked descriptor::checksum_partial, and its field may hold the pseudo-header's sum alone
  bool segments = false;            ///< transmit: takes a train of TCP whole (buffer/train.hpp) and leaves it to others to make frames of it. Linux: NETIF_F_TSO
  bool segments_datagrams = false;  ///< transmit: a train of UDP, too; each datagram of it is received by itself. Linux: NETIF_F_GSO_UDP_L4
  bool trains = false;              ///< receive: a packet may be the head of a train
};

/// What a driver's user wants done with received transport checksums.
enum class receive_checksum : u8 {
  verify,         ///< each is looked at
  trust,          ///< what the kernel or the NIC has verified, or says is on its way between two programs of this machine, is not looked at again
  accept_partial  ///< each is looked at; one that was left to a NIC that the frame never met is accepted, if it holds the sum of the pseudo-header
};

/// receive(pool, batch): how many frames came, as batch[0..n), each with one holder. Fewer than batch.size(): there is no more for now, and the stack asks
/// again in its next poll.
template <class T> concept receives_frames = requires(T n, buffer::pool& chunks, std::span<packet> batch) {
  { n.receive(chunks, batch) } -> std::same_as<std::size_t>;
};
/// transmit(batch): how many it took from the front; the rest stays the caller's.
template <class T> concept transmits_frames = requires(T n, std::span<packet> batch) {
  { n.transmit(batch) } -> std::same_as<std::size_t>;
};
/// reclaim(batch): how many transmitted packets are done, handed back as batch[0..n); zero for a driver that copies. A train comes back as its head, with the parts
/// that hang on it; a driver that lends them one by one drops the others itself.
template <class T> concept gives_back_what_it_sent = requires(T n, std::span<packet> batch) {
  { n.reclaim(batch) } -> std::same_as<std::size_t>;
};
/// flush(): rings the doorbell for all that transmit() took since the last time.
template <class T> concept rings_its_doorbell = requires(T n) {
  { n.flush() } -> std::same_as<kick>;
};
/// mtu(): bytes of IP packet, without the link header.
template <class T> concept states_its_mtu = requires(const T n) {
  { n.mtu() } -> std::same_as<u16>;
};
/// address(): the MAC that frames leave with; zero where the link has none.
template <class T> concept states_its_address = requires(const T n) {
  { n.address() } -> std::same_as<mac_address>;
};
/// ring_bytes: memory of the driver's rings beside the region, an upper bound where only open() knows.
template <class T> concept states_its_rings = requires {
  { T::ring_bytes } -> std::convertible_to<std::size_t>;
};
/// may, has(): capabilities that code must exist for, and those that the opened device has.
template <class T> concept states_its_capabilities = requires(const T n) {
  { T::may } -> std::convertible_to<capabilities>;
  { n.has() } -> std::same_as<capabilities>;
};
template <class T> concept driver = receives_frames<T> && transmits_frames<T> && gives_back_what_it_sent<T> && rings_its_doorbell<T> &&
                                    states_its_mtu<T> && states_its_address<T> && states_its_rings<T> && states_its_capabilities<T>;

/// Optional: transmit(batch, queue) puts frames in one of queues(), each in order; transmit(batch) means the first. How many there are is known after open.
template <class T> concept has_queues = requires(T n, const T c, std::span<packet> batch, u32 queue) {
  { n.transmit(batch, queue) } -> std::same_as<std::size_t>;
  { c.queues() } -> std::same_as<u32>;
};

/// Optional: comes_back says that frames go to the stack that sent them; has_frames() whether some have not been received yet, so that nobody sleeps.
template <class T> concept comes_back = requires(const T n) {
  { T::comes_back } -> std::convertible_to<bool>;
  { n.has_frames() } -> std::same_as<bool>;
};

/// Optional: owns_port(port) says whether the answers to a port of ours come to this driver: of a NIC whose queues several stacks have (spread.hpp). Where the
/// application asks for no port it is given none other.
template <class T> concept owns_ports = requires(const T n, u16 port) {
  { n.owns_port(port) } -> std::same_as<bool>;
};

/// Optional: descriptor() is what a loop may sleep on (poll(2)) until a frame comes.
template <class T> concept can_be_waited_for = requires(const T n) {
  { n.descriptor() } -> std::same_as<int>;
};

/// Optional: close() returns every packet that the driver holds and touches no pool afterwards; the stack calls it before its pool goes.
template <class T> concept can_be_closed = requires(T n) {
  { n.close() } -> std::same_as<void>;
};

/// Optional: at(now) tells the driver the time, nanoseconds since an arbitrary start, before the receive and the transmit of each turn.
template <class T> concept wants_the_time = requires(T n, u64 now) {
  { n.at(now) } -> std::same_as<void>;
};

/// Optional: claim(address) asks the driver to bring in what is sent to that address, 4 or 16 bytes in network order: it sees only part of what arrives.
/// The stack claims its own at start, and one that forwards 0.0.0.0, which stands for all others. False: it has no room for one more.
template <class T> concept claims_addresses = requires(T n, std::span<const u8> address) {
  { n.claim(address) } -> std::same_as<bool>;
};

/// Optional: holds(memory, chunk_size) says whether the driver was opened over this very region, cut in chunks of that size; the stack starts with no other.
template <class T> concept is_bound_to_memory = requires(const T n, region memory, u32 chunk_size) {
  { n.holds(memory, chunk_size) } -> std::same_as<bool>;
};

/// Optional: transmit_headroom is how many bytes the driver writes in front of each frame that it sends.
template <class T> concept writes_in_front = requires {
  { T::transmit_headroom } -> std::convertible_to<std::size_t>;
};

/// Optional: chunks_kept() is how many chunks wait in the driver to be received into. They are in use, and nobody's fault.
/// At start the stack calls receive() once without places for frames, so that the first one finds a chunk.
template <class T> concept keeps_chunks = requires(const T n) {
  { n.chunks_kept() } -> std::same_as<u32>;
};

/// Why open() failed. `step` names the system call or the demand, `remedy` says what to do; literals, never null.
struct open_error {
  const char* what = "";
  const char* step = "";
  const char* remedy = "";
  int errno_value = 0;
  bool is_impossible_here = false;  ///< privilege, kernel or tool is missing: programs exit with 77
};

}  // namespace strata::inline STRATA_ABI::nic
