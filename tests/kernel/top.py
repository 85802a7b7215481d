# SPDX-License-Identifier: MIT
"""--stats-socket and its reader, top: both formats, with connections as they are, counters that count, drops by their reason; a reader that reads nothing and more
readers than there is room for stall nobody; the socket goes with its program, and what a dead one left is replaced."""
import json
import os
import re
import signal
import socket
import struct
import subprocess
import time

import _net

TOP = str(_net.EXAMPLES / "top")


def once(path):
    return json.loads(_net.sh(TOP, path, "--once", "--format", "jsonl"))


def reader(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(5)
    s.connect(str(path))
    return s


def line_of(s):
    data = b""
    while not data.endswith(b"\n"):
        block = s.recv(65536)
        _net.expect(block, "the socket ended")
        data += block
    return json.loads(data.splitlines()[-1])


def what_it_says(path):
    empty = once(path)
    _net.expect(empty["program"] == "echo" and empty["connections"] == [] and empty["nic"] == _net.NICS[_net.NIC][0], f"{empty}")
    with socket.create_connection((_net.STRATA, 7), 5) as client:
        client.sendall(b"hello")
        _net.expect(client.recv(100) == b"hello", "no echo")
        time.sleep(0.1)
        busy = once(path)
        mine = "{}:{}".format(*client.getsockname())
        _net.expect([c["remote"] for c in busy["connections"]] == [mine], f"connections: {busy['connections']}")
        c = busy["connections"][0]
        _net.expect(c["state"] == "established" and c["local"] == f"{_net.STRATA}:7" and c["bytes_received"] == 5 and c["bytes_acked"] == 5 and c["srtt_us"] > 0, f"{c}")
        _net.expect(busy["layers"]["tcp"]["in_segments"] > empty["layers"]["tcp"]["in_segments"] and busy["layers"]["tcp"]["passive_opens"] == 1, f"{busy['layers']}")
        _net.expect(busy["dropped"] == empty["dropped"] == sum(empty["drops"].values()), f"{busy['drops']}")
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
            for name in (1, 2):  # fragments that cannot be some: not the last, and no multiple of eight bytes
                header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 33, name, 0x2000, 64, 17, 0, socket.inet_aton(_net.KERNEL), socket.inet_aton(_net.STRATA))
                s.sendto(header + bytes(13), (_net.STRATA, 0))
        time.sleep(0.1)
        text = _net.sh(TOP, path, "--once")
        _net.expect(re.search(r"^program program=echo ms=\d+ .*\bdropped=[1-9]", text, re.M), f"text: {text}")
        _net.expect(re.search(r"^layer name=tcp connections=1 ", text, re.M) and re.search(r"^drop why=ip.reasm_fails frames=2$", text, re.M), f"text: {text}")
        _net.expect(re.search(rf"^connection local={_net.STRATA}:7 remote={mine} state=established ", text, re.M), f"text: {text}")


def nobody_stalls(path):
    idle = []
    try:
        for _ in range(12):  # none of them reads
            idle.append(reader(path))
            time.sleep(0.06)
        clients = [socket.create_connection((_net.STRATA, 7), 5) for _ in range(200)]  # a line of 100 KB: sockets fill up
        end = time.monotonic() + 4
        longest = 0
        while time.monotonic() < end:
            started = time.monotonic()
            clients[0].sendall(b"x")
            clients[0].recv(1)
            longest = max(longest, time.monotonic() - started)
            time.sleep(0.01)
        _net.expect(longest < 0.5, f"an echo took {longest:.2f} s")
        for s in clients:
            s.close()
    finally:
        for s in idle:
            s.close()
    time.sleep(1.2)
    s = reader(path)
    first, second, third = (line_of(s)["ms"] for _ in range(3))  # the first one comes at once
    _net.expect(first < second <= first + 1500 and 900 <= third - second <= 1500, f"it does not tell once a second: {first} {second} {third}")
    s.close()


def test(folder):
    path = folder / "stats"
    with _net.Program("echo", "--stats-socket", path) as echo:
        _net.expect(path.is_socket(), "there is no socket")
        other = subprocess.run(_net.words_of("echo", ("--stats-socket", path, "--for", "0"), interface="other0"), capture_output=True, text=True, timeout=20) if _net.NIC == "tap" else None
        _net.expect(other is None or (other.returncode == 1 and "EADDRINUSE" in other.stderr), f"a socket in use was taken: {other}")
        what_it_says(path)
        nobody_stalls(path)
        watching = subprocess.Popen([TOP, str(path), "--format", "jsonl"], stdout=subprocess.PIPE, text=True)
        _net.expect(json.loads(watching.stdout.readline())["program"] == "echo", "no line")
        watching.send_signal(signal.SIGINT)
        out = watching.communicate(timeout=5)[0]
        _net.expect(watching.returncode == 0 and re.search(r"^done samples=\d+ retransmitted=0 drops=0 chunks_in_use=0\n$", out, re.M), f"top ends with {watching.returncode}: {out}")
        watching = subprocess.Popen([TOP, str(path)], stdout=subprocess.PIPE, text=True)
        watching.stdout.readline()
    out = watching.communicate(timeout=5)[0]
    _net.expect(watching.returncode == 0 and "done samples=" in out, f"its program has ended, and top says {watching.returncode}: {out!r}")
    _net.expect(not path.exists(), "the socket stays behind")

    killed = _net.Program("echo", "--stats-socket", path)
    killed.__enter__()
    killed.process.kill()
    killed.process.wait()
    killed.output.close()
    killed.log.unlink()
    _net.expect(path.is_socket(), "a killed program cleans up")
    done = subprocess.run([TOP, str(path), "--once"], capture_output=True, text=True, timeout=10)
    _net.expect(done.returncode == 1 and "ECONNREFUSED" in done.stderr, f"top on a dead socket: {done}")
    with _net.Program("echo", "--stats-socket", path):
        _net.expect(once(path)["program"] == "echo", "what a dead program left is in the way")


_net.run(test)
