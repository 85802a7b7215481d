# SPDX-License-Identifier: MIT
"""The HTTP server among odd, slow and hostile clients: what is asked in strange ways is answered or refused, by name, and nothing is left behind."""
import os
import socket
import struct
import threading
import time

import _net

HOST, CLOSE = b"Host: x\r\n", b"Host: x\r\nConnection: close\r\n\r\n"
GET = b"GET /file HTTP/1.1\r\n"
BODY = b"hello world\n"


def connect(receive_buffer=0):
    s = socket.socket()
    if receive_buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    s.settimeout(20)
    s.connect((_net.STRATA, 8080))
    return s


def rest(s):
    data = bytearray()
    while block := s.recv(1 << 16):
        data += block
    s.close()
    return bytes(data)


def ask(text, half_close=False):
    s = connect()
    s.sendall(text)
    if half_close:
        s.shutdown(socket.SHUT_WR)
    return rest(s)


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def is_reset(s):
    try:
        rest(s)
        return False
    except ConnectionResetError:
        return True


def answers(text, status, body=None, **how):
    got = ask(text, **how)
    _net.expect(got.startswith(b"HTTP/1.1 %d " % status), f"{text[:60]!r}: {got[:60]!r}, wanted {status}")
    _net.expect(body is None or got.endswith(b"\r\n\r\n" + body), f"{text[:60]!r}: {got[-60:]!r}")


def paths():
    for path, status in {b"/file": 200, b"/file?x=1": 200, b"http://10.9.0.2:8080/file": 200, b"//file": 200, b"/./file": 200, b"/within": 200, b"/a%20b": 200, b"/folder/": 200,
                         b"/folder": 404, b"/": 404, b"/file/": 404, b"/pipe": 404, b"/none": 404, b"/" + b"a" * 300: 404, b"/" + b"a/" * 3000: 404, b"/\\..\\secret": 404,
                         b"/../secret": 403, b"/%2e%2e/secret": 403, b"/..%2fsecret": 403, b"/folder/../../secret": 403, b"/folder/%2E%2E%2F%2e./secret": 403, b"/..": 403,
                         b"/outside": 403, b"/absolute": 403, b"/loop": 403, b"/%00file": 400, b"/%": 400, b"/%2": 400, b"/%zz": 400, b"*": 400, b"file": 400}.items():
        answers(b"GET " + path + b" HTTP/1.1\r\n" + CLOSE, status)
    answers(GET + CLOSE, 200, BODY)
    answers(b"HEAD /file HTTP/1.1\r\n" + CLOSE, 200, b"")
    answers(b"HEAD /none HTTP/1.1\r\n" + CLOSE, 404, b"")
    answers(b"GET /empty HTTP/1.1\r\n" + CLOSE, 200, b"")


def heads():
    for method in (b"DELETE", b"OPTIONS", b"TRACE", b"PATCH", b"get"):
        answers(method + b" /file HTTP/1.1\r\n" + CLOSE, 405)
    answers(b"GET /file HTTP/1.0\r\n\r\n", 200, BODY)
    answers(b"GET /file HTTP/1.1\nHost: x\nConnection: close\n\n", 200, BODY)
    answers(b"\r\n" * 100 + GET + CLOSE, 200, BODY)
    answers(GET + HOST + b"X: " + b"y" * 12000 + b"\r\nConnection: close\r\n\r\n", 200, BODY)
    answers(GET + HOST + b"X: " + b"y" * 100000 + b"\r\n\r\n", 431)
    answers(GET + HOST + b"X: y\r\n" * 20000, 431)
    answers(b"GET /" + b"y" * 100000 + b" HTTP/1.1\r\n" + CLOSE, 414)
    for head in (b"GET /file\r\n\r\n", GET + b"Connection: close\r\n\r\n", GET + HOST + CLOSE, GET + b"Host : x\r\n\r\n", GET + b"Host x\r\n\r\n", GET + b"Host: x\r\n y\r\n\r\n",
                 b"\x16\x03\x01" + bytes(range(128, 160)) + b"\n\n"):
        answers(head, 400)
    answers(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505)


def uploads(stored):
    def put(text, status):
        answers(b"PUT /up HTTP/1.1\r\n" + HOST + text, status)

    put(b"Content-Length: -1\r\n\r\n", 400)
    put(b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400)
    put(b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400)
    put(b"Content-Length: 99999999999999999\r\n\r\n", 413)
    put(b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501)
    put(b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400)
    put(b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", 400)
    put(b"Expect: wonders\r\nContent-Length: 3\r\n\r\nabc", 417)
    put(b"\r\n", 411)
    answers(b"PUT /../up HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc", 403)
    _net.expect(os.listdir(stored) == [], f"refused uploads left {os.listdir(stored)}")
    answers(b"POST /in/chunks HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + CLOSE + b"5\r\nhello\r\n7;x=y\r\n world\n\r\n0\r\nT: v\r\n\r\n", 201)
    answers(b"PUT /.hidden HTTP/1.1\r\nContent-Length: 0\r\n" + CLOSE, 201)
    _net.expect((stored / "chunks").read_bytes() == BODY and sorted(os.listdir(stored)) == ["_hidden", "chunks"], f"stored: {os.listdir(stored)}")
    s = connect()
    s.sendall(b"PUT /waits HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n")
    _net.expect(s.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n", "no 100 (Continue)")
    s.sendall(b"abc")
    _net.expect(b" 201 " in rest(s) and (stored / "waits").read_bytes() == b"abc", "the upload that waited was not stored")


def pipelines(large):
    one = GET + HOST + b"\r\n"
    _net.expect(ask(one * 49 + GET + CLOSE).count(BODY) == 50, "pipelined requests were lost")
    _net.expect(ask(one * 20, half_close=True).count(BODY) == 20, "pipelined requests before a half-close were lost")
    got = ask(b"GET /large HTTP/1.1\r\n" + HOST + b"\r\nHEAD /file HTTP/1.1\r\n" + HOST + b"\r\nPUT /p HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc" + GET + CLOSE)
    _net.expect(large in got and got.endswith(BODY) and got.count(b"HTTP/1.1 20") >= 4, "answers to a pipeline of four kinds are missing")
    _net.expect(ask(b"GET /large HTTP/1.1\r\n" + HOST + b"\r\n", half_close=True).endswith(large), "a half-close cut the answer")
    _net.expect(ask(b"", half_close=True) == b"" and ask(b"GET /f", half_close=True) == b"", "half a request was answered")
    s = connect()
    for _ in range(1000):
        s.sendall(one)
        data = b""
        while not data.endswith(BODY):
            data += s.recv(4096)
    s.close()


def slow_ones():
    failures = []

    def drip():
        try:
            s = connect()
            for byte in GET + CLOSE:
                s.send(bytes([byte]))
                time.sleep(0.02)
            _net.expect(rest(s).endswith(BODY), "a slow request has no answer")
        except Exception as e:  # an exception in a thread is otherwise only printed
            failures.append(e)

    reader = connect(receive_buffer=2048)
    reader.sendall(b"GET /large HTTP/1.1\r\n" + CLOSE)
    threads = [threading.Thread(target=drip) for _ in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    _net.expect(not failures, f"{failures[:1]}")
    return reader  # still reading when the server is to end


def vanishing_ones(root, stored):
    before = sorted(os.listdir(stored))
    for i in range(100):
        s = connect()
        s.sendall(b"GET /large HTTP/1.1\r\n" + HOST + b"\r\n")
        if i % 2:
            s.recv(1000)
        reset(s)
        s = connect()
        s.sendall(b"PUT /r%d HTTP/1.1\r\n" % i + HOST + b"Content-Length: 100000\r\n\r\n" + b"x" * (i * 100))
        if i % 2:
            s.shutdown(socket.SHUT_WR)
        reset(s)
    answers(GET + CLOSE, 200, BODY)
    _net.expect(sorted(os.listdir(stored)) == before, f"uploads that were cut left {os.listdir(stored)}")

    (root / "changing").write_bytes(os.urandom(8 << 20))
    s = connect(receive_buffer=8192)
    s.sendall(b"GET /changing HTTP/1.1\r\n" + HOST + b"\r\n")
    s.recv(1000)
    os.truncate(root / "changing", 100)
    _net.expect(is_reset(s), "a file that became shorter did not reset the connection")
    (root / "changing").write_bytes(b"a" * (8 << 20))
    s = connect(receive_buffer=8192)
    s.sendall(b"GET /changing HTTP/1.1\r\n" + CLOSE)
    first = s.recv(1000)
    with open(root / "changing", "ab") as file:
        file.write(b"b" * 100000)
    _net.expect((first + rest(s)).endswith(b"\r\n\r\n" + b"a" * (8 << 20)), "a file that grew is more than was announced")


def test(folder):
    root, stored = folder / "root", folder / "stored"
    (root / "folder").mkdir(parents=True)
    stored.mkdir()
    large = os.urandom(6 << 20)
    (folder / "secret").write_text("secret")
    for name, data in {"file": BODY, "empty": b"", "a b": b"x", "folder/index.html": b"x", "large": large}.items():
        (root / name).write_bytes(data)
    for name, target in {"outside": "../secret", "absolute": "/etc/passwd", "within": "file", "loop": "loop"}.items():
        (root / name).symlink_to(target)
    os.mkfifo(root / "pipe")
    with _net.Program("http_server", "--root", root, "--upload", stored) as server:
        paths()
        heads()
        uploads(stored)
        pipelines(large)
        reader = slow_ones()
        vanishing_ones(root, stored)
        _net.expect(server.process.poll() is None, "the server has ended")
        idle = [connect() for _ in range(100)]
        for s in idle:
            s.sendall(GET + HOST + b"\r\n")
            s.recv(1000)
        _net.expect(len(os.listdir(f"/proc/{server.process.pid}/fd")) < 12, "descriptors are left")
    _net.expect(server.ended_in < 2, f"the end took {server.ended_in:.1f} s, among idle and slow clients")
    _net.expect(len({r["n"] for r in server.records("request")}) == int(server.done["requests"]), "requests are missing in the log")
    reader.close()


_net.run(test)
