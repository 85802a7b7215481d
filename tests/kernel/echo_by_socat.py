# SPDX-License-Identifier: MIT
"""socat and the echo server: datagrams of many sizes by UDP, a stream with a half-close by TCP."""
import os
import subprocess

import _net


def echoed(address, data):
    done = subprocess.run(["socat", "-b", "65536", "-t", "2", "-", address], input=data, capture_output=True, timeout=60)
    _net.expect(done.returncode == 0, f"socat: {done.stderr.decode(errors='replace')}")
    return done.stdout


def test(_):
    with _net.Program("echo") as echo:
        for size in (1, 64, 512, 1472):
            data = os.urandom(size)
            _net.expect(echoed(f"UDP:{_net.STRATA}:7", data) == data, f"a datagram of {size} bytes differs")
        data = os.urandom(3 << 20)
        _net.expect(echoed(f"TCP:{_net.STRATA}:7", data) == data, "the stream differs")
    _net.expect(int(echo.done["tcp_bytes"]) == len(data) and int(echo.done["udp_datagrams"]) == 4, f"done says {echo.done}")


_net.run(test, "socat")
