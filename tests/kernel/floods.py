# SPDX-License-Identifier: MIT
"""hping3 floods strata, with sources that are not there among others, while a client goes on asking on its open connection: it is answered throughout, memory
stays as it was, and when the floods are over, the last one of SYNs, new clients are served."""
import pathlib
import re
import socket
import subprocess
import time

import _net

BODY = b"what is served\n"
SECONDS = 0.5
FLOODS = {  # what hping3 is told
    "ACK from everywhere": ("--rand-source", "-A", "-p", 8080),
    "FIN, SYN, RST, PSH, ACK and URG": ("-F", "-S", "-R", "-P", "-A", "-U", "-p", 8080),
    "SYN from ourselves": ("-a", _net.STRATA, "-S", "-s", 8080, "-k", "-p", 8080),
    "datagrams to nobody": ("--udp", "--rand-source", "-p", "++1", "-d", 64),
    "pings from everywhere": ("--icmp", "--rand-source", "-d", 64),
    "pings of 4000 bytes, in fragments": ("--icmp", "-d", 4000),
    "first fragments without an end": ("--rand-source", "-S", "-x", "-d", 64, "-p", 8080),
    "fragments far behind": ("--udp", "-x", "-g", 65528, "-d", 64, "-p", 8080),
    "a protocol that is not there": ("--rawip", "--ipproto", 99, "-d", 64),
    "SYN from everywhere": ("--rand-source", "-S", "-p", 8080),
    "SYN from one neighbour": ("-S", "-p", 8080),
    "SYN to every port": ("--rand-source", "-S", "-p", "++1"),
}


class Client:
    """A connection that asks again and again."""

    def __init__(self):
        self.socket = socket.create_connection((_net.STRATA, 8080), 10)
        self.answers = 0

    def ask(self):
        self.socket.sendall(b"GET /file HTTP/1.1\r\nHost: x\r\n\r\n")
        got = b""
        while not got.endswith(BODY):
            block = self.socket.recv(4096)
            _net.expect(block, "the connection was closed")
            got += block
        self.answers += 1


def resident(pid):
    """KiB, of the server alone."""
    return int(re.search(r"^VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)[1])


def test(folder):
    (folder / "file").write_bytes(BODY)
    with _net.Program("http_server", "--root", folder, "--gateway", _net.KERNEL) as server:
        client = Client()
        client.ask()
        before = None
        for name, words in FLOODS.items():
            flood = subprocess.Popen(["hping3", "-q", "--flood", "-I", "tap0", *map(str, words), _net.STRATA], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            asked, end = client.answers, time.monotonic() + SECONDS
            try:
                while time.monotonic() < end:
                    client.ask()
            except (TimeoutError, OSError) as error:
                raise _net.Failed(f"{name}: the open connection got no answer: {error}") from error
            finally:
                flood.terminate()
                said = flood.communicate()[1]
            sent = int(re.search(r"(\d+) packets transmitted", said)[1])
            answered = client.answers - asked
            _net.expect(sent > 1000 and answered > 3, f"{name}: {sent} packets, {answered} answers")
            now = resident(server.process.pid)
            before = before or now  # after the first: what a flood touches is touched
            _net.expect(now <= before + 4096, f"{name}: {now} KiB are resident, {before} were")
        start = time.monotonic()
        _net.expect(_net.curl(f"http://{_net.STRATA}:8080/file", timeout=10).encode() == BODY and time.monotonic() - start < 5, "a new client waits after the floods")
        client.ask()
        _net.expect(server.records("done") == [], "the server ended")
    _net.expect(server.done["requests"] == str(client.answers + 1), f"requests: {server.done}, asked {client.answers + 1}")


_net.run(test, "hping3", "curl")
