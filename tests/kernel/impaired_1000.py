# SPDX-License-Identifier: MIT
"""A thousand connections over a path that delays, loses, reorders, doubles and corrupts, strata as server and as client; every file is equal."""
import re

import _net
import _path


def test(folder):
    _path.prepare()
    digests = [_net.random_file(folder / "root" / str(i), 5000 + 37 * i) for i in range(1000)]
    (folder / "got").mkdir()
    with _path.KernelServer(folder / "root"), _path.Relay("--delay", 2, "--jitter", 1, "--loss", 0.5, "--reorder", 1, "--duplicate", 1, "--corrupt", 0.5, "--seed", 3) as relay:
        with _net.Program("http_server", "--root", folder / "root", interface=_path.STRATA_TAP) as server:
            # Without reuse each file has a connection of its own.
            _net.curl("--parallel", "--parallel-immediate", "--parallel-max", "300", "-H", "Connection: close", "-o", folder / "got" / "#1", f"http://{_net.STRATA}:8080/[0-999]")
        for i, digest in enumerate(digests):
            _net.expect(_net.sha256(folder / "got" / str(i)) == digest, f"{i} differs")
        _net.expect(int(server.done["requests"]) == 1000 and int(server.done["connections"]) >= 1000 and int(server.done["retransmitted"]) > 0, f"done says {server.done}")
        many = _net.fetch("--connections", 1000, f"http://{_net.KERNEL}:8081/500", interface=_path.STRATA_TAP)
        _net.expect(many.returncode == 0 and many.stdout.count(f"sha256={digests[500]} ") == 1000, f"fetch: {many.returncode} {many.stdout[-300:]}{many.stderr[-500:]}")
        _net.expect(int(re.search(r"retransmitted=(\d+)", many.stdout)[1]) > 0, "nothing was sent again")
    _net.expect(relay.by.get("loss", 0) > 50 and all(relay.done[k] > 50 for k in ("duplicated", "reordered", "corrupted")), f"the path was not bad: {relay.done} {relay.by}")


_path.run(test, "curl")
