# SPDX-License-Identifier: MIT
"""strata in VLAN 5 on a TAP, and this program as its peer over AF_PACKET, since not every kernel has 802.1Q: what comes from strata carries the tag and its
priority, 1500 bytes of IP packet fit behind it, and frames of another VLAN or without a tag are not answered but counted. The kernel takes the tag off what it
receives and says it beside the frame. If tshark is installed it reads the same frames."""
import shutil
import socket
import struct
import subprocess
import time

import _net

ID, PRIORITY = 5, 3
OURS, THEIRS = bytes.fromhex("020000000901"), bytes.fromhex("020000000902")
HERE, THERE = socket.inet_aton("10.9.0.9"), socket.inet_aton("10.9.0.2")


def checksum(data):
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip(protocol, payload):
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0x4000, 64, protocol, 0, HERE, THERE)
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def ping(number, size):
    message = struct.pack("!BBHHH", 8, 0, 0, 77, number) + bytes(i & 0xff for i in range(size))
    return ip(1, message[:2] + struct.pack("!H", checksum(message)) + message[4:])


class Wire:
    """The other end of strata's frames: (tag control or None, type, payload) of each that comes from strata."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.setsockopt(263, 8, 1)  # SOL_PACKET, PACKET_AUXDATA
        self.socket.bind(("tap0", 0))
        self.kept = []

    def send(self, kind, payload, tag=ID):
        tags = b"" if tag is None else struct.pack("!HH", 0x8100, tag)
        self.socket.send(THEIRS + OURS + tags + struct.pack("!H", kind) + payload)

    def receive(self, seconds=0.5):
        came, end = [], time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                frame, beside, _, sender = self.socket.recvmsg(65536, 128)
            except TimeoutError:
                break
            if sender[2] == 4 or frame[6:12] != THEIRS:  # PACKET_OUTGOING: what we sent ourselves
                continue
            status, control, announced = 0, 0, 0
            for _, _, data in beside:
                status, _, _, _, _, control, announced = struct.unpack("IIIHHHH", data[:20])
            if status & 0x10:  # TP_STATUS_VLAN_VALID
                frame = frame[:12] + struct.pack("!HH", announced if status & 0x40 else 0x8100, control) + frame[12:]
            self.kept.append(frame)
            if frame[12:14] == b"\x81\x00":
                came.append((int.from_bytes(frame[14:16], "big"), int.from_bytes(frame[16:18], "big"), frame[18:]))
            else:
                came.append((None, int.from_bytes(frame[12:14], "big"), frame[14:]))
        return came


def test(folder):
    program = _net.EXAMPLES.parent / "tests" / "kernel" / "vlan_peer"
    strata = subprocess.Popen([str(program), "tap0", "10.9.0.2/24", str(ID), str(PRIORITY)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        _net.expect(strata.stdout.readline() == "ready\n", "vlan_peer is not ready")
        time.sleep(0.1)
        wire = Wire()
        tag = PRIORITY << 13 | ID
        wire.send(0x0806, struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, OURS, HERE, bytes(6), THERE))
        came = wire.receive()
        _net.expect(any(t == tag and kind == 0x0806 and body[6:8] == b"\0\2" and body[8:14] == THEIRS for t, kind, body in came), f"no ARP reply with the tag: {came}")
        for number, size in enumerate((0, 56, 1472)):
            request = ping(number, size)
            wire.send(0x0800, request)
            came = wire.receive()
            replies = [body for t, kind, body in came if t == tag and kind == 0x0800 and body[9] == 1 and body[20] == 0]
            _net.expect(len(replies) == 1 and replies[0][24:20 + 8 + size] == request[24:], f"ping of {size} bytes: {len(replies)} replies among {len(came)} frames")
        wire.send(0x0800, ip(17, struct.pack("!HHHH", 1234, 7, 8 + 5, 0) + b"hello"))
        came = wire.receive()
        _net.expect(any(t == tag and kind == 0x0800 and body[9] == 17 and body[28:33] == b"hello" for t, kind, body in came), f"no datagram came back: {came}")
        for other in (6, 0, None):
            wire.send(0x0800, ping(9, 56), other)
            came = [f for f in wire.receive(0.3) if f[1] == 0x0800]
            _net.expect(not came, f"an answer to a frame with the tag {other}: {came}")
        said, _ = strata.communicate(timeout=10)
        _net.expect(strata.returncode == 0, f"vlan_peer ended with {strata.returncode}: {said}")
        counted = dict(word.split("=") for word in said.split("\n")[0].split()[1:])
        _net.expect(int(counted["other_id"]) == 2 and int(counted["untagged"]) >= 1, f"what was dropped is not counted: {said}")
        read_by_tshark(folder, wire.kept)
    finally:
        strata.kill()


def read_by_tshark(folder, frames):
    if not shutil.which("tshark"):
        print("tshark is not installed: this program alone has read the tags")
        return
    capture = folder / "vlan.pcap"
    with open(capture, "wb") as file:
        file.write(struct.pack("!IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for n, frame in enumerate(frames):
            file.write(struct.pack("!IIII", n, 0, len(frame), len(frame)) + frame)
    rows = _net.sh("tshark", "-r", capture, "-T", "fields", "-e", "vlan.id", "-e", "vlan.priority").splitlines()
    _net.expect(len(rows) == len(frames) and all(row.split() == [str(ID), str(PRIORITY)] for row in rows), f"tshark reads other tags: {rows}")


_net.run(test)
