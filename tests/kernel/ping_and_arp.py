# SPDX-License-Identifier: MIT
"""The kernel pings strata, and ARP works both ways: the kernel learns our address by asking, we learn the kernel's by asking when we have something to
send. What was asked and answered is read from strata's own capture."""
import _net

BROADCAST = b"\xff" * 6
ARP, REQUEST, REPLY = b"\x08\x06", b"\x00\x01", b"\x00\x02"


def mac_of(text):
    return bytes(int(part, 16) for part in text.split("lladdr ")[1].split()[0].split(":"))


def arps(path):
    """(from us?, operation, destination) of each ARP frame."""
    ours = bytes(map(int, _net.STRATA.split(".")))
    return [(f[28:32] == ours, f[20:22], f[:6]) for f in _net.frames(path) if f[12:14] == ARP]


def test(folder):
    with _net.Program("echo", "--pcap", folder / "asked"):
        _net.sh("ping", "-c", "3", "-i", "0.2", "-W", "2", _net.STRATA)
        _net.sh("ping", "-c", "2", "-i", "0.2", "-W", "2", "-s", "1472", "-M", "do", _net.STRATA)
        _net.sh("ping", "-c", "3", "-i", "0.2", "-W", "2", "-s", "65507", _net.STRATA)  # in fragments, both ways
        _net.sh("ping", "-c", "1", "-W", "2", "-s", "0", _net.STRATA)
        seen = _net.sh("ip", "neighbour", "show", _net.STRATA)
        _net.expect("lladdr" in seen, f"the kernel did not learn our address: {seen}")
        ours = mac_of(seen)
        _net.expect(ours[0] & 3 == 2, f"{ours.hex(':')} is not a locally administered address of one station")
        _net.expect(ours.hex(":") not in _net.sh("ip", "link", "show", "tap0"), "strata uses the interface's own address")
        # A new address on the kernel's side: the next frames reach it only if we ask again, or hear its announcement.
        _net.sh("ip", "link", "set", "tap0", "address", "02:00:00:00:be:ef")
        _net.sh("ip", "neighbour", "flush", "dev", "tap0")
        _net.sh("ping", "-c", "2", "-i", "0.2", "-W", "2", _net.STRATA)
    seen = arps(folder / "asked")
    _net.expect((False, REQUEST, BROADCAST) in seen, "the kernel did not ask")
    _net.expect(any(from_us and operation == REPLY and to != BROADCAST for from_us, operation, to in seen), "strata did not answer")

    with _net.Program("echo", "--pcap", folder / "flushed", "--mac", "02:00:00:00:00:77"):
        _net.sh("ip", "neighbour", "flush", "dev", "tap0")
        _net.sh("ping", "-c", "1", "-W", "2", _net.STRATA)
        _net.expect(mac_of(_net.sh("ip", "neighbour", "show", _net.STRATA)) == bytes.fromhex("020000000077"), "--mac is not what the kernel sees")

    # Whoever speaks first asks: nobody has told the client where the kernel is.
    _net.fetch("--pcap", folder / "asking", f"http://{_net.KERNEL}:4444/")
    seen = arps(folder / "asking")
    _net.expect(seen[:1] == [(True, REQUEST, BROADCAST)], f"strata did not ask first: {seen}")
    _net.expect(any(not from_us and operation == REPLY for from_us, operation, _ in seen), f"the kernel did not answer: {seen}")


_net.run(test, "ping")
