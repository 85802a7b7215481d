# SPDX-License-Identifier: MIT
"""In the middle of downloads: strata's process is killed and started again at once; strata's end of the interface goes down and comes back; the peer's namespace
is deleted, and the interface with it."""
import os
import subprocess
import time

import _net

URL = f"http://{_net.STRATA}:8080"


def client(*options):
    return subprocess.Popen(["curl", "-sS", "--fail", "--limit-rate", "6M", "--max-time", "30", *map(str, options)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def killed(folder, digest):
    for _ in range(3):
        program = _net.Program("http_server", "--root", folder / "root")
        program.__enter__()
        cut = client("-o", "/dev/null", f"{URL}/large")
        time.sleep(0.3)
        program.process.kill()  # SIGKILL; the next one starts while the kernel still tidies up
        with _net.Program("http_server", "--root", folder / "root"):
            _net.curl("-o", folder / "got", f"{URL}/large")
            _net.expect(_net.sha256(folder / "got") == digest, "after a kill the file differs")
        cut.kill()  # it would wait for ever: it has nothing to send, so nobody tells it
        cut.wait()
        program.process.wait()
        program.output.close()
        program.log.unlink()


def down_and_up(folder, digest):
    with _net.Program("http_server", "--root", folder / "root") as server:
        running = client("-o", folder / "got", f"{URL}/large")
        for _ in range(2):
            time.sleep(0.3)
            _net.on_strata_s_end("ip", "link", "set", "strata0", "down")
            time.sleep(0.4)
            _net.on_strata_s_end("ip", "link", "set", "strata0", "up")
        _net.expect(running.wait(40) == 0, f"curl: {running.stderr.read()}")
        _net.expect(_net.sha256(folder / "got") == digest, "the file differs")
    _net.expect(int(server.done["retransmitted"]) + int(server.done["drops"]) > 0, f"nothing was lost: {server.done}")


def peer_deleted(folder):
    """Another pair, whose kernel's end lies in a namespace that ends with its only process."""
    holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    ours = os.readlink("/proc/self/ns/net")
    while os.readlink(f"/proc/{holder.pid}/ns/net") == ours:
        time.sleep(0.005)
    there = ("nsenter", f"--net=/proc/{holder.pid}/ns/net")
    _net.on_strata_s_end("ip", "link", "add", "strata1", "type", "veth", "peer", "name", "far0")
    _net.on_strata_s_end("ip", "link", "set", "far0", "netns", holder.pid)
    _net.on_strata_s_end("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/strata1/disable_ipv6; ip link set strata1 up")
    _net.sh(*there, "sh", "-c", f"echo 1 > /proc/sys/net/ipv6/conf/far0/disable_ipv6; ip address add {_net.KERNEL}/24 dev far0; ip link set far0 up")
    with _net.Program("http_server", "--root", folder / "root", "--receive-checksum", "accept_partial", interface="strata1") as server:
        cut = subprocess.Popen([*there, "curl", "-sS", "--limit-rate", "6M", "-o", "/dev/null", f"{URL}/large"], stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        _net.expect(cut.poll() is None, "the download has ended by itself")
        cut.kill()
        holder.kill()
        cut.wait()
        holder.wait()
        until = time.monotonic() + 10
        while "strata1" in _net.on_strata_s_end("ip", "link"):
            _net.expect(time.monotonic() < until, "the interface is still there")
            time.sleep(0.02)
        with open(f"/proc/{server.process.pid}/stat", encoding="utf-8") as stat:
            used = sum(map(int, stat.read().rsplit(")", 1)[1].split()[11:13]))
        time.sleep(1)
        with open(f"/proc/{server.process.pid}/stat", encoding="utf-8") as stat:
            used = sum(map(int, stat.read().rsplit(")", 1)[1].split()[11:13])) - used
        _net.expect(used < 50, f"without its interface it used {used} of 100 ticks")
        _net.expect(server.process.poll() is None, "it ended with its interface")


def test(folder):
    digest = _net.random_file(folder / "root" / "large", 8 << 20)
    killed(folder, digest)
    if _net.NIC != "tap":
        down_and_up(folder, digest)
        peer_deleted(folder)


_net.run(test, "curl")
