# SPDX-License-Identifier: MIT
"""http_server --cores 2: one address and port, a stack on each core with a queue of the interface each. Many curls at once get and put files; both cores serve, what
came by the wrong queue was handed over, and one signal ends all threads in order. Over a TAP with several queues, or by `--nic xdp_driver` over a veth pair. A TAP that was made with one queue serves, too."""
import os
import signal
import socket
import subprocess

import _net

FILES, CLIENTS, UPLOADS = 6, 24, 8


def make_tap(*queues):
    _net.sh("ip", "tuntap", "add", "dev", "tap0", "mode", "tap", *queues)


def all_of(clients):
    for client in clients:
        _net.expect(client.wait(60) == 0, f"curl: {client.stderr.read()}")


def start(*words):
    return subprocess.Popen(["curl", "-sS", "--fail", "--max-time", "50", *map(str, words)], stderr=subprocess.PIPE, text=True)


def test(folder):
    serve(folder)
    if _net.NIC == "tap":
        _net.sh("ip", "link", "delete", "tap0")
        make_tap()
        _net.sh("ip", "address", "add", f"{_net.KERNEL}/24", "dev", "tap0")
        _net.sh("ip", "link", "set", "tap0", "up")
        serve(folder)


def slow_client(path):
    """Whose answer is under way, and stays so: its window is smaller than the file, and it reads one byte."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    client.settimeout(10)
    client.connect((_net.STRATA, 8080))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: {_net.STRATA}\r\n\r\n".encode())
    _net.expect(client.recv(1) == b"H", "the slow client is not answered")
    return client


def serve(folder):
    (folder / "up").mkdir(exist_ok=True)
    digests = [_net.random_file(folder / "root" / f"f{i}", _net.less(50_000 + 700_000 * i)) for i in range(FILES)]
    url = f"http://{_net.STRATA}:8080"
    with _net.Program("http_server", "--root", folder / "root", "--upload", folder / "up", "--cores", "2") as server:
        server.stop_signal = signal.SIGINT
        _net.expect(server.records("ready")[0]["cores"] == "2", "ready does not say cores=2")
        _net.expect(len(os.listdir(f"/proc/{server.process.pid}/task")) >= 3, "there are no threads")
        all_of([start("-o", folder / f"got{n}", f"{url}/f{n % FILES}") for n in range(CLIENTS)] +
               [start("-o", folder / f"said{n}", "-T", folder / "root" / f"f{n % FILES}", f"{url}/put{n}") for n in range(UPLOADS)])
        for n in range(CLIENTS):
            _net.expect(_net.sha256(folder / f"got{n}") == digests[n % FILES], f"client {n}: the file differs")
        for n in range(UPLOADS):
            _net.expect(_net.sha256(folder / "up" / f"put{n}") == digests[n % FILES], f"upload {n}: the file differs")
        numbers = [int(r["n"]) for r in server.records("request")]
        _net.expect(numbers == list(range(1, CLIENTS + UPLOADS + 1)), f"requests are not numbered through: {numbers}")
        slow = slow_client("/f5")
    slow.close()
    _net.expect(server.ended_in < 2.5, f"the end took {server.ended_in:.1f} s")
    done = server.done
    by_core = [int(n) for n in done["connections_by_core"].split(",")]
    _net.expect(int(done["requests"]) >= CLIENTS + UPLOADS and sum(by_core) == int(done["connections"]) and len(by_core) == 2, f"the sums are wrong: {done}")
    _net.expect(min(by_core) > 0, f"one core served alone: {by_core}")
    _net.expect(int(done["handed_over"]) > 0, "nothing was handed over")
    print(f"by_core={done['connections_by_core']} handed_over={done['handed_over']} drops={done['drops']} retransmitted={done['retransmitted']}")


if len(os.sched_getaffinity(0)) < 2:
    _net.skip("there is one processor")
_net.run(test, "curl", make=(lambda: make_tap("multi_queue")) if _net.NIC == "tap" else lambda: _net.make_veth(queues=2))
