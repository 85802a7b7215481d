# SPDX-License-Identifier: MIT
"""Nobody listens: the kernel's client is refused by our RST, ours by the kernel's, and a datagram to a closed port comes back as port unreachable."""
import socket
import time

import _net


def test(folder):
    with _net.Program("echo", "--tcp", "--udp"):
        start = time.monotonic()
        try:
            socket.create_connection((_net.STRATA, 4444), 5)
            raise _net.Failed("a closed port accepted")
        except ConnectionRefusedError:
            pass
        _net.expect(time.monotonic() - start < 2, "the refusal was late")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(3)
            s.connect((_net.STRATA, 4444))
            s.send(b"anybody?")
            try:
                s.recv(100)
                raise _net.Failed("a closed port answered")
            except ConnectionRefusedError:
                pass
    done = _net.fetch(f"http://{_net.KERNEL}:4444/")
    _net.expect(done.returncode == 1 and "refused" in done.stderr, f"fetch says {done.returncode}: {done.stdout}{done.stderr}")


_net.run(test)
