# SPDX-License-Identifier: MIT
"""socat and the echo server: datagrams of many sizes by UDP, an empty one and a burst among them, a stream with a half-close by TCP; and over TUN."""
import os
import socket
import subprocess

import _net


def echoed(address, data):
    done = subprocess.run(["socat", "-b", "65536", "-t", "0.5", "-", address], input=data, capture_output=True, timeout=60)
    _net.expect(done.returncode == 0, f"socat: {done.stderr.decode(errors='replace')}")
    return done.stdout


def test(_):
    with _net.Program("echo") as echo:
        for size in (1, 64, 512, 1472, 1473):  # the last one in fragments, both ways
            data = os.urandom(size)
            _net.expect(echoed(f"UDP:{_net.STRATA}:7", data) == data, f"a datagram of {size} bytes differs")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(5)
            s.connect((_net.STRATA, 7))
            for n in range(100):
                s.send(b"")
                _net.expect(s.recv(100) == b"", "an empty datagram did not come back")
            for n in range(50):
                s.send(b"%d" % n)
            _net.expect([s.recv(100) for _ in range(50)] == [b"%d" % n for n in range(50)], "a burst came back otherwise")
            for n in (9000, 65507, *range(20000, 20020)):
                long = os.urandom(n)
                s.send(long)
                back = s.recv(65536)
                at = next((i for i in range(min(n, len(back))) if back[i] != long[i]), None)
                _net.expect(back == long, f"a datagram of {n} bytes comes back as one of {len(back)} that begins with {back[:16].hex()}, and differs from byte {at} on")
        data = os.urandom(3 << 20)
        _net.expect(echoed(f"TCP:{_net.STRATA}:7", data) == data, "the stream differs")
    _net.expect(int(echo.done["tcp_bytes"]) == len(data) and int(echo.done["udp_datagrams"]) == 177, f"done says {echo.done}")

    if _net.NIC != "tap":
        return
    tun = subprocess.Popen([str(_net.EXAMPLES / "echo"), "--nic", "tun", "--interface", "tun0", "--address", "10.8.0.2/24"], stdout=subprocess.PIPE, text=True)
    try:
        _net.expect(tun.stdout.readline() == "ready proto=tcp,udp address=10.8.0.2 port=7 nic=tun mode=none copy=yes interface=tun0\n", "not ready over TUN")
        _net.sh("ip", "address", "add", "10.8.0.1/24", "dev", "tun0")
        _net.sh("ip", "link", "set", "tun0", "up")
        _net.expect(echoed("TCP:10.8.0.2:7", data) == data and echoed("UDP:10.8.0.2:7", data[:1472]) == data[:1472], "over TUN something differs")
    finally:
        tun.terminate()
        _net.expect(tun.wait(10) == 0 and " chunks_in_use=0" in tun.stdout.read(), "echo over TUN did not end well")


_net.run(test, "socat")
