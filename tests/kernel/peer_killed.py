# SPDX-License-Identifier: MIT
"""Clients are killed in the middle of a download, one vanishes without a word, and the server goes on serving others."""
import subprocess
import time

import _net

URL = f"http://{_net.STRATA}:8080"


def slow_client():
    return subprocess.Popen(["curl", "-sS", "--limit-rate", "200k", "-o", "/dev/null", f"{URL}/large"], stderr=subprocess.DEVNULL)


def kill(client):
    _net.expect(client.poll() is None, "the client has ended by itself")
    client.kill()
    client.wait()


def test(folder):
    digest = _net.random_file(folder / "root" / "large", 16 << 20)
    with _net.Program("http_server", "--root", folder / "root") as server:
        for _ in range(5):
            client = slow_client()
            time.sleep(0.3)
            kill(client)
        end = time.monotonic() + 5
        while len([r for r in server.records("request") if r.get("incomplete") == "reset"]) < 5:
            _net.expect(time.monotonic() < end, f"the server noticed only: {server.records('request')}")
            time.sleep(0.05)
        vanishing = slow_client()
        time.sleep(0.3)
        port = _net.sh("ss", "-Htn", "state", "established", "dst", f"{_net.STRATA}:8080").split()[2].rsplit(":", 1)[1]
        _net.sh("nft", "add table netdev silence")
        # First what strata sends is lost, while the client's window opens as it reads: something is outstanding when the client falls silent.
        _net.sh("nft", "add chain netdev silence in { type filter hook ingress device tap0 priority 0; }")
        _net.sh("nft", f"add rule netdev silence in tcp dport {port} meta length > 200 counter drop")
        _net.sh("nft", f"add rule netdev silence in tcp dport {port} drop")
        end = time.monotonic() + 10
        while "counter packets 0 " in _net.sh("nft", "list chain netdev silence in"):
            _net.expect(time.monotonic() < end, "strata sends no more data, though the client reads")
            time.sleep(0.05)
        time.sleep(1)
        _net.sh("nft", "add chain netdev silence out { type filter hook egress device tap0 priority 0; }")
        _net.sh("nft", f"add rule netdev silence out tcp sport {port} drop")
        kill(vanishing)
        _net.curl("-o", folder / "got", f"{URL}/large")
        _net.expect(_net.sha256(folder / "got") == digest, "the file differs after peers were killed")
        _net.expect(len(server.records("request")) == 6, "the one that vanished is not there any more")
    _net.expect(server.ended_in < 2.5, f"the end took {server.ended_in:.1f} s")
    last = server.records("request")[-1]
    _net.expect(last.get("incomplete") == "aborted" and int(server.done["retransmitted"]) > 0, f"the vanished one: {last}; done says {server.done}")


_net.run(test, "curl", "nft", "ss")
