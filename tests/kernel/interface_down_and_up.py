# SPDX-License-Identifier: MIT
"""The interface goes down for two seconds in the middle of a download and the transfer finishes."""
import subprocess
import time

import _net

URL = f"http://{_net.STRATA}:8080"


def test(folder):
    digest = _net.random_file(folder / "root" / "large", 24 << 20)
    with _net.Program("http_server", "--root", folder / "root") as server:
        running = subprocess.Popen(["curl", "-sS", "--fail", "--limit-rate", "6M", "--max-time", "60", "-o", str(folder / "got"), f"{URL}/large"], stderr=subprocess.PIPE, text=True)
        time.sleep(1)
        _net.sh("ip", "link", "set", "tap0", "down")
        time.sleep(2)
        _net.sh("ip", "link", "set", "tap0", "up")
        _net.expect(running.wait(70) == 0, f"curl: {running.stderr.read()}")
        _net.expect(_net.sha256(folder / "got") == digest, "the file differs")
    _net.expect(int(server.done["retransmitted"]) + int(server.done["drops"]) > 0, f"nothing was lost: {server.done}")


_net.run(test, "curl")
