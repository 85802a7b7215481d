# SPDX-License-Identifier: MIT
"""The kernel pings strata, and ARP works both ways: the kernel learns our address by asking, we learn the kernel's when we have something to send."""
import time

import _net


def test(_):
    with _net.Program("echo"):
        _net.sh("ping", "-c", "3", "-i", "0.2", "-W", "2", _net.STRATA)
        _net.sh("ping", "-c", "2", "-i", "0.2", "-W", "2", "-s", "1472", "-M", "do", _net.STRATA)
        seen = _net.sh("ip", "neighbour", "show", _net.STRATA)
        _net.expect("lladdr 02:" in seen or "lladdr" in seen, f"the kernel did not learn our address: {seen}")
        ours = seen.split("lladdr ")[1].split()[0]
        _net.expect(int(ours.split(":")[0], 16) & 2, f"{ours} is not locally administered")
        tap = _net.sh("ip", "link", "show", "tap0")
        _net.expect(ours not in tap, "strata uses the interface's own address")
        # A new address on the kernel's side: the next frames reach it only if we ask again, or hear its announcement.
        _net.sh("ip", "link", "set", "tap0", "address", "02:00:00:00:be:ef")
        _net.sh("ip", "neighbour", "flush", "dev", "tap0")
        time.sleep(0.1)
        _net.sh("ping", "-c", "2", "-i", "0.2", "-W", "2", _net.STRATA)


_net.run(test, "ping")
