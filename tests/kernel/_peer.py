# SPDX-License-Identifier: MIT
"""tests/kernel/info_peer.cpp, and the kernel's socket opposite it: what each of them says of the one connection."""
import os
import pathlib
import re
import socket
import subprocess
import threading

import _net
import _path

PEER = pathlib.Path(os.environ.get("STRATA_BUILD_DIR", "build/release")) / "tests" / "kernel" / "info_peer"
PORT = 9000


class Pair:
    """A connection: strata connects or listens, the kernel's end is a plain socket whose bytes are read and counted."""

    def __init__(self, strata_connects, reads_along=True):
        self.strata_connects = strata_connects
        self.reads_along = reads_along

    def __enter__(self):
        listening = socket.create_server((_net.KERNEL, PORT)) if self.strata_connects else None
        role = ("connect", _net.KERNEL, str(PORT)) if self.strata_connects else ("listen", str(PORT))
        self.process = subprocess.Popen([str(PEER), _path.STRATA_TAP, f"{_net.STRATA}/24", *role], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said = self.process.stdout.readline()
        _net.expect(said == "ready\n", f"info_peer is not ready: {said}")
        if listening is not None:
            listening.settimeout(10)
            self.socket = listening.accept()[0]
            listening.close()
        else:
            self.socket = socket.socket()
            if not self.reads_along:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            self.socket.settimeout(10)
            self.socket.connect((_net.STRATA, PORT))
        said = self.process.stdout.readline()
        _net.expect(said == "open\n", f"info_peer is not connected: {said}")
        self.socket.settimeout(None)
        self.received = 0
        if self.reads_along:
            threading.Thread(target=self._read, daemon=True).start()
        return self

    def _read(self):
        try:
            while block := self.socket.recv(1 << 16):
                self.received += len(block)
        except OSError:
            pass

    def _say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def ours(self):
        """info() of strata."""
        self._say("info")
        line = self.process.stdout.readline()
        _net.expect(line.startswith("info "), f"info_peer says {line}")
        return {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", line)}

    def theirs(self):
        """ss -ti of the kernel's end. Numbers; what ss leaves out when it is zero is zero."""
        text = _net.sh("ss", "-Htin", "state", "established", f"( sport = :{PORT} or dport = :{PORT} )")
        found = {k: float(v) for k, v in re.findall(r"(\w+):([\d.]+)", text)}
        scale = re.search(r"wscale:(\d+),(\d+)", text)
        rtt = re.search(r"\brtt:([\d.]+)/([\d.]+)", text)
        _net.expect("mss" in found and scale and rtt, f"ss says {text}")
        found.update(text=text, send_scale=int(scale[1]), receive_scale=int(scale[2]), rtt=float(rtt[1]))
        for name in ("bytes_acked", "bytes_received", "unacked", "notsent"):
            found.setdefault(name, 0)
        return found

    def strata_sends(self, size):
        wanted = self.received + size
        self._say(f"send {size}")
        if not self.reads_along:  # a reader holds the socket, and what comes meanwhile is merged and acknowledged at once: fewer ACKs than segments
            _path.wait_until(lambda: (lambda o: o["unacked"] + o["unsent"] == 0)(self.ours()), "all acknowledged", 30)
            self.socket.setblocking(True)
            while self.received < wanted:
                self.received += len(self.socket.recv(wanted - self.received))
            return
        _path.wait_until(lambda: self.received == wanted, f"{wanted} bytes at the kernel, {self.received} are there", 30)
        _path.wait_until(lambda: self.ours()["unacked"] == 0, "all acknowledged")

    def kernel_sends(self, size):
        wanted = self.ours()["bytes_received"] + size
        self.socket.sendall(bytes(size))
        _path.wait_until(lambda: self.ours()["bytes_received"] == wanted, f"{wanted} bytes at strata", 30)
        _path.wait_until(lambda: self.theirs()["unacked"] == 0, "all acknowledged")

    def __exit__(self, kind, *_):
        self.process.stdin.close()
        try:
            code = self.process.wait(5) if self.process.poll() is None else self.process.returncode
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = None
        text = self.process.stdout.read() + self.process.stderr.read()
        self.socket.close()
        if kind is None:
            _net.expect(code == 0 and "chunks_in_use=0" in text, f"info_peer ended with {code}: {text}")
        else:
            print(text)
