# SPDX-License-Identifier: MIT
"""The kernel sends many datagrams by one call (UDP_SEGMENT) over a TAP with a virtio header: where it knows of such frames (Linux 6.2) they come in one, and each comes
back by itself; where the socket reads them as one view (--gro), they go back in one frame, too; without a virtio header they come one by one, and the answers are the
same."""
import json
import os
import socket

import _net

UDP_SEGMENT = 103
SIZE, COUNT, ROUNDS = 900, 40, 20


def frames():
    """In and out, as strata sees them."""
    stats = json.loads(_net.sh("ip", "-s", "-j", "link", "show", "tap0"))[0]["stats64"]
    return stats["tx"]["packets"], stats["rx"]["packets"]


def exchange(*options):
    """How many frames the datagrams were, there and back."""
    with _net.Program("echo", "--udp", *options) as echo, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        s.connect((_net.STRATA, 7))
        s.send(b"first")  # its neighbour is known from now on
        _net.expect(s.recv(2000) == b"first", "the first datagram")
        s.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SIZE)
        before = frames()
        for turn in range(ROUNDS):
            data = os.urandom(SIZE * (COUNT - 1) + 100 + turn)
            s.send(data)
            want = [data[i:i + SIZE] for i in range(0, len(data), SIZE)]
            _net.expect([s.recv(2000) for _ in want] == want, f"{options}: turn {turn}: other datagrams came back")
        there, back = (after - b for after, b in zip(frames(), before))
    print(f"options={' '.join(options) or 'none'} datagrams={ROUNDS * COUNT} frames={there} back={back} drops={echo.done['drops']}")
    _net.expect(echo.done["udp_datagrams"] == str(ROUNDS * COUNT + 1) and echo.done["drops"] == "0", f"{echo.done}")
    return there, back, int(echo.done.get("udp_views", 0))


def test(_):
    if _net.NIC != "tap":
        _net.skip("only a TAP has a virtio header")
    _net.expect(exchange()[0] >= ROUNDS * COUNT, "datagrams came together without a virtio header")
    together, apart, _ = exchange("--vnet")
    _, back, views = exchange("--vnet", "--gro")
    if tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 2):
        _net.expect(together < ROUNDS * COUNT / 10, f"datagrams came one by one: {together}")
        _net.expect(apart >= ROUNDS * COUNT and back < ROUNDS * COUNT / 10, f"answers by one call left one by one: {apart}, {back}")
        _net.expect(views >= ROUNDS, f"a socket with UDP_GRO was told of single datagrams: {views} views")


_net.run(test)
