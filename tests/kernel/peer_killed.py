# SPDX-License-Identifier: MIT
"""A client is killed in the middle of a download, one vanishes without a word, and the server goes on serving others."""
import subprocess
import time

import _net

URL = f"http://{_net.STRATA}:8080"


def test(folder):
    digest = _net.random_file(folder / "root" / "large", 16 << 20)
    with _net.Program("http_server", "--root", folder / "root"):
        for _ in range(5):
            slow = subprocess.Popen(["curl", "-sS", "--limit-rate", "200k", "-o", "/dev/null", f"{URL}/large"], stderr=subprocess.DEVNULL)
            time.sleep(0.3)
            slow.kill()
            slow.wait()
        _net.curl("-o", folder / "got", f"{URL}/large")
        _net.expect(_net.sha256(folder / "got") == digest, "the file differs after peers were killed")


_net.run(test, "curl")
