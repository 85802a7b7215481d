# SPDX-License-Identifier: MIT
"""strata's fetch and the answers that servers give: each way to say how long a body is, and each way to end badly, which is named."""
import hashlib
import os
import re
import socket
import struct
import threading
import time

import _net

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


class Server:
    """Answers each connection by `answer(socket, request)`, on a port of its own."""
    port = 9000

    def __init__(self, answer):
        Server.port += 1
        self.port, self.answer = Server.port, answer

    def __enter__(self):
        self.listening = socket.create_server((_net.KERNEL, self.port), backlog=64)
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def accept(self):
        while True:
            try:
                s = self.listening.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        try:
            request = b""
            while b"\r\n\r\n" not in request:
                block = s.recv(65536)
                if not block:
                    return
                request += block
            self.answer(s, request)
            s.close()
        except OSError:
            pass  # the client has gone

    def __exit__(self, *_):
        self.listening.close()


def fetch(answer, *words):
    with Server(answer) as server:
        return _net.fetch(*words, f"http://{_net.KERNEL}:{server.port}/x")


def gives(text, body, *words):
    """What is sent is `text`, at once or piece by piece, and the body that arrives is `body`."""
    def answer(s, _):
        for part in text if isinstance(text, list) else [text]:
            s.sendall(part)
            if isinstance(text, list):
                time.sleep(0.003)
    done = fetch(answer, *words)
    line = f"fetched status=2\\d\\d bytes={len(body)} seconds=\\d+\\.\\d+ sha256={hashlib.sha256(body).hexdigest()} "
    _net.expect(done.returncode == 0 and done.stderr == "" and re.match(line, done.stdout), f"{text[:60]!r}: {done.stdout}{done.stderr}")


def fails(what, answer, *words):
    """Exit code 1, and one line that says `what`."""
    done = fetch(answer if callable(answer) else lambda s, _: s.sendall(answer), *words)
    _net.expect(done.returncode == 1 and re.fullmatch(r"fetch: error: .+ \(.+\); .+\n", done.stderr) and what in done.stderr, f"wanted {what}: {done.stdout}{done.stderr}")


def receive_upload(s, request):
    head, body = request.split(b"\r\n\r\n", 1)
    size, digest, got = int(re.search(rb"(?i)content-length: (\d+)", head)[1]), hashlib.sha256(body), len(body)
    while got < size:
        block = s.recv(1 << 20)
        if not block:
            return
        digest.update(block)
        got += len(block)
    text = digest.hexdigest().encode() + b"\n"
    s.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % len(text) + text)


def cut(s, _):
    s.sendall(OK + b"Content-Length: 50\r\n\r\nhello")
    time.sleep(0.1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test(folder):
    gives(OK + b"Content-Length: 5\r\n\r\nhello", b"hello")
    gives(OK + b"Content-Length: 0\r\n\r\n", b"")
    gives(OK + b"Content-Length: 5\r\n\r\nhello, and more", b"hello")
    gives(OK + b"\r\nuntil the end", b"until the end")
    gives(b"HTTP/1.0 200 OK\r\n\r\nuntil the end", b"until the end")
    gives(b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\nhello", b"hello")
    gives(b"HTTP/1.1 204 No Content\r\n\r\n", b"")
    gives(CHUNKED + b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nT: v\r\n\r\n", b"hello world")
    gives([bytes([b]) for b in CHUNKED + b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"], b"hello world")

    fails("redirects with status 302", b"HTTP/1.1 302 Found\r\nLocation: http://10.9.0.1/y\r\nContent-Length: 0\r\n\r\n")
    fails("http://10.9.0.1/y", b"HTTP/1.1 302 Found\r\nLocation: http://10.9.0.1/y\r\nContent-Length: 0\r\n\r\n")
    fails("status 404", b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")
    fails("status 500", b"HTTP/1.1 500 Oh\r\n\r\nno")
    fails("no HTTP", b"220 mail ready\r\n\r\n")
    fails("no HTTP", OK + b"Content-Length: -1\r\n\r\n")
    fails("no HTTP", OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    fails("chunks", CHUNKED + b"zz\r\n")
    fails("no end of its head", OK + b"X: " + b"y" * 70000 + b"\r\n\r\n")
    fails("closed before", b"")
    fails("closed before", OK + b"Content-Length: 50\r\n\r\nhello")
    fails("closed before", CHUNKED + b"5\r\nhel")
    fails("ECONNRESET", cut)
    fails("ETIMEDOUT", lambda s, _: time.sleep(2), "--timeout", "0.5")
    fails("--for", lambda s, _: time.sleep(2), "--for", "0.5")
    fails("ENOSPC", OK + b"Content-Length: 5\r\n\r\nhello", "--output", "/dev/full")

    large = os.urandom(4 << 20)
    whole = OK + b"Content-Length: %d\r\n\r\n" % len(large) + large
    many = fetch(lambda s, _: s.sendall(whole), "--connections", "40")
    _net.expect(many.returncode == 0 and many.stdout.count(f" bytes={len(large)} ") == 40 and many.stdout.count(hashlib.sha256(large).hexdigest()) == 40, f"forty at once: {many.stdout[-400:]}")
    done = fetch(lambda s, _: s.sendall(whole), "--output", folder / "got")
    _net.expect(done.returncode == 0 and (folder / "got").read_bytes() == large, "--output differs")

    (folder / "up").write_bytes(large)
    (folder / "nothing").write_bytes(b"")
    for name, count in (("up", 1), ("nothing", 1), ("up", 4)):
        digest = _net.sha256(folder / name)
        put = fetch(receive_upload, "--upload", folder / name, "--connections", count)
        _net.expect(put.returncode == 0 and put.stdout.count(f"status=201 bytes={(folder / name).stat().st_size} ") == count and put.stdout.count(digest) == count, f"upload: {put.stdout}{put.stderr}")
    put = fetch(receive_upload, "--upload", folder / "up", "--output", folder / "said")
    _net.expect(put.returncode == 0 and (folder / "said").read_text() == _net.sha256(folder / "up") + "\n", "the answer to an upload is not in --output")
    fails("other bytes", receive_other, "--upload", folder / "up")
    fails("status 413", lambda s, _: (s.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"), time.sleep(0.5)), "--upload", folder / "up")


def receive_other(s, request):
    """Reads an upload and claims to have other bytes."""
    left = int(re.search(rb"(?i)content-length: (\d+)", request)[1]) - len(request.split(b"\r\n\r\n", 1)[1])
    while left > 0:
        left -= len(s.recv(1 << 20))
    s.sendall(OK + b"Content-Length: 65\r\n\r\n" + b"0" * 64 + b"\n")


_net.run(test)
