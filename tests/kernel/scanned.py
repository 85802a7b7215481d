# SPDX-License-Identifier: MIT
"""nmap looks at strata from outside: every scan finds what is there and nothing else, and a server that was looked at in all these ways still serves."""
import re

import _net

FILE = b"what is served\n"


def nmap(*options):
    """{"8080/tcp": "open", ...} of the ports that differ, and the line that sums up the others."""
    said = _net.sh("nmap", "-n", "-Pn", "--max-retries", 2, "--initial-rtt-timeout", "200ms", "--max-rtt-timeout", "300ms", *options, _net.STRATA, timeout=60)
    return dict(re.findall(r"^(\d+(?:/\w+)?) +(\S+)", said, re.M)), said


def finds(wanted, others, *options):
    """Of the ports or protocols only these are not as the others; "" where all are named."""
    found, said = nmap(*options)
    _net.expect(found == wanted and (others == "" or re.search(others, said)), f"nmap {' '.join(map(str, options))}: {found}, wanted {wanted} and {others!r}: {said}")


def test(folder):
    (folder / "file").write_bytes(FILE)
    with _net.Program("http_server", "--root", folder) as server:
        closed = r"Not shown: 1024 closed tcp ports \(reset\)"
        finds({"8080/tcp": "open"}, closed, "-sS", "-p", "1-1024,8080")   # RFC 9293 §3.10.7.1: a port without a socket answers with RST
        finds({"8080/tcp": "open"}, closed.replace("reset", "conn-refused"), "-sT", "-p", "1-1024,8080")
        # An ACK that belongs to nothing is reset, whoever listens (§3.10.7.2, second).
        finds({}, r"All 101 scanned ports .* are in ignored states.\s+Not shown: 101 unfiltered tcp ports \(reset\)", "-sA", "-p", "1-100,8080")
        # A FIN, nothing, or FIN, PSH and URG: dropped by a listener (§3.10.7.2, fourth), else reset.
        for kind in ("-sF", "-sN", "-sX"):
            finds({"8080/tcp": "open|filtered"}, r"Not shown: 100 closed tcp ports \(reset\)", kind, "-p", "1-100,8080")
        # A datagram to a port without a socket: ICMP port unreachable (RFC 1122 §4.1.3.1), as often as its limit allows.
        finds({"7/udp": "closed", "53/udp": "closed", "8080/udp": "closed"}, "", "-sU", "-p", "7,53,8080")
        # Protocols: ICMP, TCP and UDP are there, another is said to be unreachable (RFC 1122 §3.2.2.1).
        finds({"1": "open", "6": "open", "17": "open", "99": "closed"}, "", "-sO", "-p", "1,6,17,99")
        # Its probes for the system's kind: odd options, flags, windows and ICMP codes. What it thinks of the answers is its own affair.
        _, said = nmap("-O", "--max-os-tries", 1, "-p", "1-20,8080")
        _net.expect("8080/tcp open" in said and "OS detection performed" in said, said)
        # TCP headers in fragments of eight bytes (RFC 3128 §3: none is put together) and with a wrong checksum (RFC 9293 §3.1) are never answered.
        for kind in ("-f", "--badsum"):
            finds({"80/tcp": "filtered", "8080/tcp": "filtered"}, "", "-sS", kind, "-p", "80,8080")
        # Among decoys that no packet may come from: strata itself, its loopback, everybody, a group.
        finds({"8080/tcp": "open"}, r"Not shown: 100 closed tcp ports \(reset\)", "-sS", "-D", f"{_net.STRATA},127.0.0.1,255.255.255.255,224.0.0.1,ME", "-p", "1-100,8080")
        _net.expect(_net.curl(f"http://{_net.STRATA}:8080/file").encode() == FILE, "the file is another")
    _net.expect(server.done["requests"] == "1", f"requests: {server.done}")


_net.run(test, "nmap", "curl")
