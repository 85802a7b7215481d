# SPDX-License-Identifier: MIT
"""500 connections at once, each downloads a file of its own."""
import resource

import _net


def test(folder):
    digests = [_net.random_file(folder / "root" / str(i), 20000 + 331 * i) for i in range(500)]
    (folder / "got").mkdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    with _net.Program("http_server", "--root", folder / "root") as server:
        _net.curl("--parallel", "--parallel-immediate", "--parallel-max", "300", "-o", folder / "got" / "#1", f"http://{_net.STRATA}:8080/[0-249]",
                  "-o", folder / "got" / "#1", f"http://{_net.STRATA}:8080/[250-499]")
        for i, digest in enumerate(digests):
            _net.expect(_net.sha256(folder / "got" / str(i)) == digest, f"{i} differs")
        # And 500 that are open at the same time, by plain sockets.
        import socket
        sockets = []
        for _ in range(500):
            sockets.append(socket.create_connection((_net.STRATA, 8080), 10))
        for i, s in enumerate(sockets):
            s.sendall(f"GET /{i} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        import hashlib
        for i, s in enumerate(sockets):
            s.settimeout(20)
            data = b""
            while block := s.recv(1 << 16):
                data += block
            s.close()
            body = data.split(b"\r\n\r\n", 1)[1]
            _net.expect(hashlib.sha256(body).hexdigest() == digests[i], f"connection {i}: {len(body)} bytes differ")
    _net.expect(int(server.done["requests"]) == 1000, f"done says {server.done}")


_net.run(test, "curl")
