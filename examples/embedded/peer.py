#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The other end of the firmware's cable: starts it in QEMU, speaks ARP, ICMP, UDP and TCP to it in raw frames, and compares what comes back.

peer.py FIRMWARE.elf [--echoes N] [--timestamps] [--pcap FILE]

QEMU's `-nic socket,udp=` carries one Ethernet frame in each UDP datagram, so no privilege is needed. Every checksum of the firmware is verified.
Last line: `echo_1460=N echo_64=N ...`: instructions of the firmware for each echo, over TCP and over UDP, from its own counter under -icount.
Exit code 0, or 1 with the reason on stderr.
"""
import argparse
import random
import select
import socket
import struct
import subprocess
import sys
import time

OURS, THEIRS = bytes((10, 9, 0, 1)), bytes((10, 9, 0, 2))
OUR_MAC, THEIR_MAC, EVERYBODY = bytes.fromhex("02005e100001"), bytes.fromhex("02005e100007"), b"\xff" * 6
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
PATIENCE = 20.0  # seconds of real time until silence is a failure


class Failure(Exception):
    pass


def ones_sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def checksum(data):
    return ~ones_sum(data) & 0xFFFF


def want(condition, what):
    if not condition:
        raise Failure(what)


class Cable:
    """Frames in and out, ARP answered, everything that comes checked down to its transport header."""

    def __init__(self, elf, pcap):
        self.wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.wire.bind(("127.0.0.1", 0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:  # a port that nobody has at this moment
            free.bind(("127.0.0.1", 0))
            self.qemu_port = free.getsockname()[1]
        self.pcap = open(pcap, "wb") if pcap else None
        if self.pcap:
            self.pcap.write(struct.pack("!IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        self.identification = 0
        self.asked_us = 0
        self.qemu = subprocess.Popen(
            ["qemu-system-arm", "-M", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "none", "-icount", "shift=10",
             "-semihosting-config", "enable=on,target=native", "-nic",
             f"socket,id=n0,model=lan9118,udp=127.0.0.1:{self.wire.getsockname()[1]},localaddr=127.0.0.1:{self.qemu_port}", "-kernel", elf],
            stdin=subprocess.DEVNULL)

    def close(self):
        if self.qemu.poll() is None:
            self.qemu.kill()
        self.qemu.wait()

    def keep(self, frame):
        if self.pcap:
            now = time.time()
            self.pcap.write(struct.pack("!IIII", int(now), int(now % 1 * 1e6), len(frame), len(frame)) + frame)

    def send_frame(self, to, kind, payload):
        frame = to + OUR_MAC + struct.pack("!H", kind) + payload
        frame += b"\0" * (60 - len(frame))
        self.keep(frame)
        self.wire.sendto(frame, ("127.0.0.1", self.qemu_port))

    def frame(self, seconds):
        """The next frame for us, or None after so many seconds."""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.wire], [], [], min(left, 0.25))[0]:
                code = self.qemu.poll()
                want(code is None, f"QEMU ended with exit code {code}" + (" (the firmware faulted)" if code == 3 else ""))
                if left <= 0:
                    return None
                continue
            frame = self.wire.recv(65536)
            self.keep(frame)
            want(14 <= len(frame) <= 1514, f"a frame of {len(frame)} bytes")
            want(frame[6:12] == THEIR_MAC, "a frame from another MAC address")
            if frame[12:14] == b"\x08\x06":
                self.on_arp(frame[14:])
            if frame[:6] == OUR_MAC:
                return frame

    def on_arp(self, message):
        if message[:8] == bytes.fromhex("0001080006040001") and message[24:28] == OURS:
            self.asked_us += 1
            self.send_frame(THEIR_MAC, 0x0806, bytes.fromhex("0001080006040002") + OUR_MAC + OURS + message[8:18])

    def be_asked(self):
        """Pings, as somebody whose address the firmware does not know, until it asks for it. It may still be starting."""
        for _ in range(int(PATIENCE / 0.25)):
            send_ping(self)
            while self.frame(0.25) is not None:
                pass
            if self.asked_us:
                return
        raise Failure("the firmware never asked for our address")

    def ask(self):
        self.send_frame(EVERYBODY, 0x0806, bytes.fromhex("0001080006040001") + OUR_MAC + OURS + b"\0" * 6 + THEIRS)
        frame = self.frame(PATIENCE)
        want(frame is not None, "no answer to ARP")
        want(frame[12:22] == bytes.fromhex("08060001080006040002") and frame[22:32] == THEIR_MAC + THEIRS, "not an answer to ARP")

    def send_ip(self, protocol, payload):
        self.identification = self.identification + 1 & 0xFFFF
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), self.identification, 0, 64, protocol, 0) + OURS + THEIRS
        self.send_frame(THEIR_MAC, 0x0800, header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload)

    def ip(self, protocol, seconds=PATIENCE):
        """The payload of the next IP packet of that protocol, or None."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            frame = self.frame(left)
            if frame is None or frame[12:14] != b"\x08\x00":
                continue
            packet = frame[14:]
            want(len(packet) >= 20 and packet[0] == 0x45, "an IP header that is none")
            length = struct.unpack("!H", packet[2:4])[0]
            want(20 <= length <= len(packet), f"an IP packet of {length} bytes in a frame of {len(frame)}")
            want(ones_sum(packet[:20]) == 0xFFFF, "a wrong IP checksum")
            want(packet[12:20] == THEIRS + OURS, "wrong addresses")
            if packet[9] == protocol:
                return packet[20:length]
            want(False, f"an IP packet of protocol {packet[9]} where {protocol} was expected")
        return None


def pseudo(source, destination, protocol, payload):
    return source + destination + struct.pack("!BBH", 0, protocol, len(payload))


PING = struct.pack("!BBHHH", 8, 0, 0, 7, 1) + b"strata" * 20


def send_ping(cable):
    cable.send_ip(1, PING[:2] + struct.pack("!H", checksum(PING)) + PING[4:])


def ping(cable):
    send_ping(cable)
    reply = cable.ip(1)
    want(reply is not None, "no answer to ping")
    want(ones_sum(reply) == 0xFFFF and reply[:2] == b"\0\0" and reply[4:] == PING[4:], "a wrong answer to ping")


class Udp:
    def __init__(self, cable, port, ours):
        self.cable, self.port, self.ours = cable, port, ours

    def exchange(self, data):
        length = 8 + len(data)
        header = struct.pack("!HHHH", self.ours, self.port, length, 0)
        sum_ = checksum(pseudo(OURS, THEIRS, 17, header + data) + header + data) or 0xFFFF
        self.cable.send_ip(17, header[:6] + struct.pack("!H", sum_) + data)
        reply = self.cable.ip(17)
        want(reply is not None, f"no answer to a datagram of {len(data)} bytes")
        source, destination, length, sum_ = struct.unpack("!HHHH", reply[:8])
        want(sum_ != 0 and ones_sum(pseudo(THEIRS, OURS, 17, reply) + reply) == 0xFFFF, "a wrong UDP checksum")
        want((source, destination, length) == (self.port, self.ours, len(reply)), "a wrong UDP header")
        return reply[8:]


class Tcp:
    """A client that keeps to one outstanding write: its ACK rides on the next one. Whether timestamps that it offers are answered is said beforehand."""

    def __init__(self, cable, port, ours, mss=1460, offered=False, timestamps=False):
        self.cable, self.port, self.ours, self.timestamps = cable, port, ours, False
        self.snd, self.rcv, self.echoed_time = random.getrandbits(32), 0, 0
        options = struct.pack("!BBH", 2, 4, mss) + (b"\4\2" + self.timestamp() if offered else b"")
        self.send(SYN, options=options)
        flags, seq, ack, data, self.window, options = self.segment()
        want(flags == SYN | ACK and ack == self.snd + 1 & 0xFFFFFFFF and not data, "no SYN-ACK")
        want(options.get(2) is not None and (8 in options) == timestamps, "wrong options in the SYN-ACK")
        self.timestamps = timestamps
        self.echoed_time = struct.unpack("!I", options[8][:4])[0] if timestamps else 0
        self.mss = min(mss, struct.unpack("!H", options[2])[0]) - (12 if timestamps else 0)
        self.snd, self.rcv = self.snd + 1 & 0xFFFFFFFF, seq + 1 & 0xFFFFFFFF
        self.send(ACK)

    def timestamp(self):
        return struct.pack("!BBII", 8, 10, int(time.monotonic() * 1000) & 0xFFFFFFFF, self.echoed_time)

    def send(self, flags, data=b"", options=None, seq=None):
        if options is None:
            options = b"\1\1" + self.timestamp() if self.timestamps else b""
        options += b"\0" * (-len(options) % 4)
        header = struct.pack("!HHIIBBHHH", self.ours, self.port, self.snd if seq is None else seq, self.rcv if flags & ACK else 0,
                             (20 + len(options)) << 2, flags, 8192, 0, 0) + options
        sum_ = checksum(pseudo(OURS, THEIRS, 6, header + data) + header + data)
        self.cable.send_ip(6, header[:16] + struct.pack("!H", sum_) + header[18:] + data)

    def segment(self, seconds=PATIENCE, quiet=False):
        bytes_ = self.cable.ip(6, seconds)
        if bytes_ is None and quiet:
            return None
        want(bytes_ is not None, "no segment came")
        want(len(bytes_) >= 20 and ones_sum(pseudo(THEIRS, OURS, 6, bytes_) + bytes_) == 0xFFFF, "a wrong TCP checksum")
        source, destination, seq, ack, length, flags, window = struct.unpack("!HHIIBBH", bytes_[:16])
        want((source, destination) == (self.port, self.ours), "wrong TCP ports")
        options, rest = {}, bytes_[20:length >> 2]
        while rest and rest[0] != 0:
            if rest[0] == 1:
                rest = rest[1:]
                continue
            want(len(rest) >= 2 and 2 <= rest[1] <= len(rest), "a TCP option of no length")
            options[rest[0]], rest = rest[2:rest[1]], rest[rest[1]:]
        if self.timestamps and 8 in options:
            self.echoed_time = struct.unpack("!I", options[8][:4])[0]
        return flags, seq, ack, bytes_[length >> 2:], window, options

    def collect(self, size):
        """So many bytes in order; duplicates are answered and passed over."""
        got, segments = b"", 0
        while len(got) < size:
            flags, seq, ack, data, self.window, options = self.segment()
            want(not flags & (RST | SYN), "the connection was reset")
            want(not self.timestamps or 8 in options, "a segment without timestamps")
            want(self.snd - ack & 0xFFFFFFFF <= size, "an ACK of something else")
            if not data:
                continue
            if seq != self.rcv:
                self.send(ACK)
                continue
            got += data
            self.rcv = self.rcv + len(data) & 0xFFFFFFFF
            segments += 1
            if segments % 2 == 0 and len(got) < size:  # RFC 9293 §3.8.6.3
                self.send(ACK)
        want(len(got) == size, "more came back than was sent")
        return got

    def write(self, data):
        for at in range(0, len(data), self.mss):
            part = data[at:at + self.mss]
            seq, self.snd = self.snd, self.snd + len(part) & 0xFFFFFFFF
            self.send(PSH | ACK, part, seq=seq)

    def exchange(self, data):
        """Sends as the window allows, and reads as much before it goes on."""
        back = b""
        while len(back) < len(data):
            part = data[len(back):len(back) + max(self.window, 1)]
            self.write(part)
            back += self.collect(len(part))
        return back

    def with_data(self):
        """The next segment that brings some: an ACK of its own may come between, when its time is up."""
        while True:
            segment = self.segment()
            if segment[3]:
                return segment

    def acknowledge(self):
        self.send(ACK)

    def hold_back_an_ack(self):
        """The firmware must send again what nobody acknowledges."""
        data = random.randbytes(64)
        self.write(data)
        first, again = self.with_data(), self.with_data()
        want(first[3] == data and again[3] == data and first[1] == again[1], "what was not acknowledged was not sent again")
        self.rcv = self.rcv + len(data) & 0xFFFFFFFF
        self.send(ACK)

    def close(self):
        self.send(FIN | ACK)
        self.snd = self.snd + 1 & 0xFFFFFFFF
        fin = False
        while not fin:
            flags, seq, ack, data, _, _ = self.segment()
            want(not flags & RST and not data, "no orderly end")
            fin = bool(flags & FIN) and seq == self.rcv
        want(ack == self.snd, "our FIN was not acknowledged")
        self.rcv = self.rcv + 1 & 0xFFFFFFFF
        self.send(ACK)


class Figures:
    """What the firmware says about itself on port 7001. A report costs instructions too: that price is measured and taken off."""

    def __init__(self, cable):
        self.port = Udp(cable, 7001, 40001)
        first, second = self.read(), self.read()
        self.price = second[0] - first[0] & 0xFFFFFFFF

    def read(self):
        return struct.unpack("<5I", self.port.exchange(b"r"))

    def instructions(self, before, after):
        # 25 MHz counts of 40 ns; an instruction takes 1024 ns under -icount shift=10.
        return ((after[0] - before[0] & 0xFFFFFFFF) - self.price) * 40 / 1024


def measure(figures, link, size, echoes, settle=lambda: None):
    link.exchange(random.randbytes(size))  # the first one may find an unconfirmed neighbour
    settle()
    before = figures.read()
    for _ in range(echoes):
        data = random.randbytes(size)
        want(link.exchange(data) == data, f"an echo of {size} bytes is not what was sent")
    settle()
    return round(figures.instructions(before, figures.read()) / echoes)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("elf")
    options.add_argument("--echoes", type=int, default=100)
    options.add_argument("--timestamps", action="store_true", help="the firmware was built with them")
    options.add_argument("--pcap")
    given = options.parse_args()
    random.seed(7)
    cable = Cable(given.elf, given.pcap)
    try:
        cable.be_asked()
        ping(cable)
        cable.ask()
        figures = Figures(cable)
        results = []
        tcp = Tcp(cable, 7, 40000)
        for size in 1460, 64:
            results.append((f"echo_{size}", measure(figures, tcp, size, given.echoes, tcp.acknowledge)))
        udp = Udp(cable, 7, 40002)
        for size in 1460, 64:
            results.append((f"udp_{size}", measure(figures, udp, size, given.echoes)))
        timed = Tcp(cable, 7, 40003, offered=True, timestamps=given.timestamps)
        for size in 1448, 64, 1460, 4000:
            for _ in range(given.echoes // 4):
                data = random.randbytes(size)
                want(timed.exchange(data) == data, f"an echo of {size} bytes on the second connection is not what was sent")
        timed.acknowledge()
        before = figures.read()
        tcp.hold_back_an_ack()
        after = figures.read()
        want(after[3] > before[3], "the firmware did not count its retransmission")
        tcp.close()
        timed.close()
        for _ in range(20):  # the last ACK and this question may arrive in the same turn
            _, chunks, connections, retransmitted, stack = figures.read()
            if (chunks, connections) == (0, 0):
                break
            time.sleep(0.05)
        want((chunks, connections) == (0, 0), f"{chunks} chunks and {connections} connections are left over")
        figures.port.cable.send_ip(17, struct.pack("!HHHH", 40001, 7001, 9, 0) + b"q")
        want(cable.qemu.wait(PATIENCE) == 0, "the firmware did not end well")
        results += [("retransmitted", retransmitted), ("stack", stack), ("chunks_in_use", chunks)]
        print(" ".join(f"{key}={value}" for key, value in results))
        return 0
    except (Failure, subprocess.TimeoutExpired) as failure:
        print(f"peer: error: {failure}", file=sys.stderr)
        return 1
    finally:
        cable.close()


sys.exit(main())
