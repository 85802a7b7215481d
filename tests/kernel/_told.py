# SPDX-License-Identifier: MIT
"""A program of the tests that does what the lines of its input say (told_peer.hpp), on strata's end of the TAP."""
import subprocess
import threading
import time

import _net


class Peer:
    def __init__(self, name):
        self.name = name
        self.process = subprocess.Popen([str(_net.EXAMPLES.parent / "tests" / "kernel" / name), "tap0", f"{_net.STRATA}/24"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lines = []
        _net.expect(self.process.stdout.readline() == "ready\n", f"{name} is not ready")
        threading.Thread(target=lambda: self.lines.extend(iter(self.process.stdout.readline, "")), daemon=True).start()

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        self.wait_for(f"done {line}\n")

    def wait_for(self, what, times=1):
        """Until so many lines begin with `what`."""
        end = time.monotonic() + 5
        while sum(line.startswith(what) for line in self.lines) < times:
            _net.expect(time.monotonic() < end, f"{self.name} does not say {what!r}: {self.lines}")
            time.sleep(0.01)
