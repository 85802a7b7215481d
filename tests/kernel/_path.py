# SPDX-License-Identifier: MIT
"""The impaired path of the tests: strata on the TAP `strata0`, relay between that and the TAP `tap0`, which has the kernel's address. Over another NIC strata has
one end of a veth pair, `strata0` in a namespace apart, and relay the other, `near0`. The kernel is silent on what is strata's: it answers no ARP there, has no
address, and what is for tap0's MAC is for another host."""
import http.server
import pathlib
import re
import signal
import subprocess
import threading
import time

import _net

STRATA_TAP, KERNEL_TAP = "strata0", "tap0"
NEAR = STRATA_TAP if _net.NIC == "tap" else "near0"  # where relay meets what strata sends


def run(test, *programs):
    _net.run(test, *programs, make=_net.make_tap)


def prepare():
    if _net.NIC == "tap":
        _net.sh("ip", "tuntap", "add", "dev", NEAR, "mode", "tap")
    else:
        _net.make_veth(near=NEAR)
    pathlib.Path(f"/proc/sys/net/ipv6/conf/{NEAR}/disable_ipv6").write_text("1")
    _net.sh("ip", "link", "set", NEAR, "up", "arp", "off")


def sysctl(**values):
    """Of the kernel's TCP in this namespace."""
    for name, value in values.items():
        pathlib.Path(f"/proc/sys/net/ipv4/{name}").write_text(str(value))


def wait_until(condition, what, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        _net.expect(time.monotonic() < end, f"after {seconds} s still not: {what}")
        time.sleep(0.01)


class Relay:
    """`with Relay("--loss", 1) as r:`; afterwards r.done has what its last line says, and r.by the causes of drops."""

    def __init__(self, *options, sides=(f"packet:{NEAR}", KERNEL_TAP)):
        self.words = [str(_net.EXAMPLES / "relay"), *sides, *map(str, options)]
        self.done, self.by = {}, {}

    def __enter__(self):
        self.process = subprocess.Popen(self.words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.ready = self.process.stdout.readline()
        if not self.ready.startswith("ready "):
            self.process.kill()
            raise _net.Failed(f"relay is not ready: {self.ready}{self.process.communicate()[1]}")
        return self

    def __exit__(self, kind, *_):
        started = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        try:
            out, error = self.process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise _net.Failed("relay does not end") from None
        if kind is not None:
            print(out + error)
            return
        _net.expect(self.process.returncode == 0 and time.monotonic() - started < 2, f"relay ended with {self.process.returncode}: {out}{error}")
        _net.expect(re.fullmatch(r"done forwarded=\d+ dropped=\d+ by=\S+ .*retransmitted=0 drops=\d+ chunks_in_use=0\n", out), f"relay does not end with done: {out}")
        self.done = {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", out)}
        self.by = {k: int(v) for k, v in re.findall(r"(\w+):(\d+)", out)}
        counted = self.done["received"] + self.done["duplicated"] + self.by.get("overflow", 0) + self.by.get("oversized", 0)
        _net.expect(counted == self.done["forwarded"] + self.done["dropped"] and sum(self.by.values()) == self.done["dropped"], f"relay loses count: {out}")


class Files(http.server.BaseHTTPRequestHandler):
    """The kernel's server: GET of a file below `root`, PUT into it."""
    protocol_version = "HTTP/1.1"
    root = None

    def do_GET(self):
        data = (self.root / self.path[1:]).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_PUT(self):
        (self.root / self.path[1:]).write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class KernelServer(http.server.ThreadingHTTPServer):
    """`with KernelServer(folder):` serves it on the kernel's address, port 8081."""
    request_queue_size = 1024
    daemon_threads = True

    def __init__(self, root):
        super().__init__((_net.KERNEL, 8081), type("Handler", (Files,), {"root": root}))

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
