# SPDX-License-Identifier: MIT
"""SIGINT and SIGTERM at any moment: within two seconds the last line is `done`, and the exit code 0. Records reach a pipe line by line."""
import re
import signal
import socket
import subprocess
import time

import _net

WORDS = ["--interface", "tap0", "--address", f"{_net.STRATA}/24"]


def start(name, *words):
    return subprocess.Popen([str(_net.EXAMPLES / name), *WORDS, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_its_mask(process):
    """Until it holds the signals back: before that they end it as they end any program."""
    bit = 1 << (signal.SIGTERM - 1)
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
            if int(re.search(r"SigBlk:\s*(\w+)", status.read())[1], 16) & bit:
                return
        time.sleep(0.001)
    raise _net.Failed(f"{process.args[0]} does not hold SIGTERM back")


def end(process, *signals, code=0):
    started = time.monotonic()
    for s in signals:
        process.send_signal(s)
    try:
        out, error = process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        raise _net.Failed(f"{process.args[0]} does not end") from None
    seconds = time.monotonic() - started
    lines = out.splitlines() or [""]
    _net.expect(process.returncode == code and seconds < 2, f"{process.args[0]}: exit code {process.returncode} after {seconds:.2f} s: {out[-200:]} {error}")
    _net.expect(re.fullmatch(r"done .*retransmitted=\d+ drops=\d+ chunks_in_use=0", lines[-1]), f"last line: {lines[-1]}")
    return lines


def test(folder):
    (folder / "root").mkdir()
    (folder / "root" / "large").write_bytes(bytes(64 << 20))
    serve = ("http_server", "--root", folder / "root")
    for which in (signal.SIGINT, signal.SIGTERM):
        for name, *words in (serve, ("echo",)):
            for moment in ("at once", "ready", "later"):  # before any client
                process = start(name, *words)
                wait_for_its_mask(process)
                if moment != "at once":
                    process.stdout.readline()
                if moment == "later":
                    time.sleep(0.2)
                end(process, which)
        process = start(*serve)
        _net.expect(process.stdout.readline().startswith("ready "), "no ready line")
        busy = []
        for limit in (2048, 1 << 20):  # a client that hardly reads, and one that reads nothing
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, limit)
            s.connect((_net.STRATA, 8080))
            s.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            s.recv(1000)
            busy.append(s)
        upload = socket.create_connection((_net.STRATA, 8080))
        upload.sendall(b"PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc")
        asking = socket.create_connection((_net.STRATA, 8080))
        asking.sendall(b"GET /none HTTP/1.1\r\nHost: x\r\n\r\n")
        _net.expect(process.stdout.readline().startswith("request n=1 method=GET status=404 "), "the record of a request does not come at once")
        end(process, which)

        process = start("echo")
        process.stdout.readline()
        s = socket.create_connection((_net.STRATA, 7))
        s.setblocking(False)
        sent = 0
        until = time.monotonic() + 0.5
        while time.monotonic() < until:  # both directions full
            try:
                sent += s.send(bytes(65536))
            except BlockingIOError:
                time.sleep(0.01)
        _net.expect(sent > 0, "nothing was sent")
        end(process, which, signal.SIGINT, signal.SIGTERM)

        # A client: connecting, and waiting for an answer.
        process = start("fetch", "--gateway", _net.KERNEL, "http://192.168.9.9/")
        time.sleep(0.3)
        end(process, which)
        with socket.socket() as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((_net.KERNEL, 8082))
            listening.listen(4)
            process = start("fetch", f"http://{_net.KERNEL}:8082/")
            accepted = listening.accept()[0]
            accepted.recv(1000)
            end(process, which)
            accepted.close()

    process = start(*serve, "--max-requests", "2")
    process.stdout.readline()
    for _ in range(2):
        _net.sh("curl", "-s", "-o", "/dev/null", f"http://{_net.STRATA}:8080/none")
    lines = end(process)
    _net.expect(len(lines) == 3 and lines[-1].startswith("done requests=2 "), f"--max-requests: {lines}")
    # Nobody reads the records: requests are answered all the same, and what waited is read at the end.
    process = start(*serve)
    process.stdout.readline()
    count = 3000
    with socket.create_connection((_net.STRATA, 8080), 10) as s:
        for _ in range(count):
            s.sendall(b"GET /none HTTP/1.1\r\nHost: x\r\n\r\n")
            data = b""
            while not data.endswith(b"Not Found\n"):
                data += s.recv(4096)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    lines = end(process)
    _net.expect(len(lines) == count + 1 and lines[-1].startswith(f"done requests={count} "), f"{len(lines)} lines, the last is {lines[-1]}")
    # Not even at the end: it ends, and says why that is no success.
    process = start(*serve)
    process.stdout.readline()
    with socket.create_connection((_net.STRATA, 8080), 10) as s:
        s.sendall(b"GET /none HTTP/1.1\r\nHost: x\r\n\r\n" * count)
        s.shutdown(socket.SHUT_WR)
        while s.recv(65536):
            pass
    process.send_signal(signal.SIGTERM)
    _net.expect(process.wait(3) == 1 and "nobody reads" in process.stderr.read(), "with its records unread it ends otherwise")
    process.stdout.close()

    started = time.monotonic()
    end(start(*serve, "--for", "0.5"))
    _net.expect(0.5 <= time.monotonic() - started < 2.5, "--for 0.5 took another time")


_net.run(test, "curl")
