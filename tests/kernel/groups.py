# SPDX-License-Identifier: MIT
"""Multicast between strata and the kernel on a TAP: each hears what the other sends to a group that it has joined, strata nothing else; what strata tells
routers is, byte for byte but for addresses and numbers, what the kernel tells them of the same memberships; queries of versions 3 and 2 that this program
sends as the router are answered; and a received datagram tells with which DSCP, ECN and time to live it came."""
import socket
import struct
import time

import _net
import _told

OURS, ROUTER = bytes.fromhex("020000000902"), bytes.fromhex("0200000009fe")
STRATA, KERNEL = socket.inet_aton(_net.STRATA), socket.inet_aton(_net.KERNEL)
ALERT = bytes.fromhex("94040000")


def checksum(data):
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def frame(source, group, protocol, payload, options=b"", ttl=1):
    head = struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, 20 + len(options) + len(payload), 1, 0x4000, ttl, protocol, 0, socket.inet_aton(source), socket.inet_aton(group)) + options
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    to = socket.inet_aton(group)
    return bytes([1, 0, 0x5e, to[1] & 0x7f, to[2], to[3]]) + ROUTER + b"\x08\x00" + head + payload


def query(body):
    body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
    return frame("10.9.0.254", "224.0.0.1", 2, body, ALERT)


def datagram(source, group, text):
    return frame(source, group, 17, struct.pack("!HHHH", 4000, 5000, 8 + len(text), 0) + text)


class Peer(_told.Peer):
    def heard(self):
        return [line[6:-1] for line in self.lines if line.startswith("heard ")]


class Wire:
    """IGMP messages on the interface: what strata sent, and what the kernel did."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind(("tap0", 0))

    def messages(self, seconds, sender):
        found, end = [], time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                break
            if data[12:14] == b"\x08\x00" and data[23] == 2 and data[26:30] == sender:
                found.append(data)
        return found


def same(ours, theirs, what):
    """Frames are the same but for the MAC, the kernel's number of the packet, the sender's address and so the header's checksum."""
    def bare(f):
        return f[:6] + f[12:18] + f[20:24] + f[30:]
    _net.expect(ours and theirs and bare(ours[0]) == bare(theirs[0]), f"{what}: strata says {[f.hex() for f in ours]}, the kernel {[f.hex() for f in theirs]}")
    for f in ours:
        _net.expect(checksum(f[14:38]) == 0 and checksum(f[38:]) == 0 and f[6:12] == OURS, f"{what}: a checksum or the sender is wrong: {f.hex()}")


def request(group, source=None):
    if source is None:
        return socket.inet_aton(group) + KERNEL
    return socket.inet_aton(group) + KERNEL + socket.inet_aton(source)


def as_the_kernel(peer, wire, line, option, value, kernel):
    """What is said when strata and, after it, the kernel change their membership in the same way."""
    peer.tell(line)
    ours = wire.messages(1.3, STRATA)
    kernel.setsockopt(socket.IPPROTO_IP, option, value)
    theirs = wire.messages(1.3, KERNEL)
    same(ours, theirs, line)
    _net.expect(len(ours) == 2 and ours[0][38:] == ours[1][38:], f"{line}: not said twice: {[f.hex() for f in ours]}")


def test(folder):
    peer, wire = Peer("groups_peer"), Wire()
    ADD_SOURCE, DROP_SOURCE, BLOCK = 39, 40, 38  # IP_ADD_SOURCE_MEMBERSHIP, IP_DROP_SOURCE_MEMBERSHIP, IP_BLOCK_SOURCE
    try:
        kernel = socket.socket(type=socket.SOCK_DGRAM)
        kernel.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, KERNEL)
        kernel.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        kernel.setsockopt(socket.IPPROTO_IP, 12, 1)  # IP_RECVTTL
        kernel.bind(("", 5000))
        kernel.settimeout(5)

        kernel.sendto(b"before", ("239.1.2.3", 5000))
        as_the_kernel(peer, wire, "join 239.1.2.3", socket.IP_ADD_MEMBERSHIP, request("239.1.2.3"), kernel)
        as_the_kernel(peer, wire, "join 239.1.2.4 10.9.0.77", ADD_SOURCE, request("239.1.2.4", "10.9.0.77"), kernel)
        as_the_kernel(peer, wire, "join 239.1.2.4 10.9.0.78", ADD_SOURCE, request("239.1.2.4", "10.9.0.78"), kernel)
        as_the_kernel(peer, wire, "leave 239.1.2.4 10.9.0.77", DROP_SOURCE, request("239.1.2.4", "10.9.0.77"), kernel)
        as_the_kernel(peer, wire, "but 239.1.2.3 10.9.0.79", BLOCK, request("239.1.2.3", "10.9.0.79"), kernel)

        # Both ways, and what nobody wants.
        kernel.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 46 << 2 | 1)
        kernel.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 7)
        kernel.sendto(b"from-the-kernel", ("239.1.2.3", 5000))
        kernel.sendto(b"not-wanted", ("239.1.2.9", 5000))
        for source, group, text in (("10.9.0.78", "239.1.2.4", b"wanted"), ("10.9.0.77", "239.1.2.4", b"left"), ("10.9.0.79", "239.1.2.3", b"blocked"), ("10.9.0.80", "239.1.2.3", b"others")):
            wire.socket.send(datagram(source, group, text))
        peer.wait_for("heard 10.9.0.80 others\n")
        _net.expect(peer.heard() == ["10.9.0.1 from-the-kernel", "10.9.0.78 wanted", "10.9.0.80 others"], f"strata heard {peer.heard()}")
        _net.expect("fields 46 1 7\n" in peer.lines, f"DSCP, ECN and time to live of the kernel's datagram: {peer.lines}")
        peer.tell("send 239.1.2.3 from-strata")
        text, beside, _, sender = kernel.recvmsg(256, 128)
        while sender[0] != _net.STRATA:  # what was sent above by hand reached the kernel, too
            text, beside, _, sender = kernel.recvmsg(256, 128)
        _net.expect(text == b"from-strata" and any(kind == 2 and struct.unpack("i", data)[0] == 1 for _, kind, data in beside), f"the kernel heard {text} from {sender} with {beside}")

        peer.wait_for(f"heard {_net.STRATA} from-strata\n")  # by itself, too

        # The router asks. Version 3: one report for all groups. The kernel's groups are the same.
        wire.socket.send(query(bytes([0x11, 10, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0])))
        came = wire.messages(1.3, STRATA)
        _net.expect(len(came) == 1 and came[0][30:34] == socket.inet_aton("224.0.0.22"), f"the answer to a query: {[f.hex() for f in came]}")
        records = bytes.fromhex("02000001ef0102030a09004f") + bytes.fromhex("01000001ef0102040a09004e")
        _net.expect(came[0][38:40] == b"\x22\0" and came[0][42:] == bytes.fromhex("00000002") + records, f"the records of the answer: {came[0].hex()}")
        # Version 2: each group by itself, unless the kernel said it before.
        kernel.close()
        wire.messages(1.3, KERNEL)
        wire.socket.send(query(bytes([0x11, 10, 0, 0, 0, 0, 0, 0])))
        came = sorted(wire.messages(1.3, STRATA), key=lambda f: f[30:34])
        _net.expect([(f[30:34], f[38:40], f[42:]) for f in came] == [(socket.inet_aton(g), b"\x16\0", socket.inet_aton(g)) for g in ("239.1.2.3", "239.1.2.4")],
                    f"the answers to a query of version 2: {[f.hex() for f in came]}")
        peer.tell("leave 239.1.2.3")
        came = wire.messages(0.5, STRATA)
        _net.expect(len(came) == 1 and came[0][30:34] == socket.inet_aton("224.0.0.2") and came[0][38:40] == b"\x17\0", f"the leave of version 2: {[f.hex() for f in came]}")
        wire.socket.send(datagram("10.9.0.80", "239.1.2.3", b"after"))
        time.sleep(0.2)
        peer.process.stdin.close()
        _net.expect(peer.process.wait(10) == 0, f"groups_peer ended badly: {peer.lines}")
        time.sleep(0.1)
        _net.expect(len(peer.heard()) == 4, f"strata heard {peer.heard()}")
        counted = dict(word.split("=") for line in peer.lines if line.startswith("counted") for word in line.split()[1:])
        _net.expect(counted["queries"] == "2" and counted["leaves"] == "1" and counted["filtered"] == "2" and int(counted["not_joined"]) >= 3, f"strata counted {counted}")
    finally:
        peer.process.kill()


_net.run(test)
