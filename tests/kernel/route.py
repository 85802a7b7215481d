# SPDX-License-Identifier: MIT
"""route between two hosts of the kernel's: pings of all sizes, what a traceroute asks, a download, each error that a router tells, rules, and its file."""
import os
import pathlib
import re
import signal
import subprocess
import sys

import _net
import _path

NEAR, FAR, NEAR_ROUTER, FAR_ROUTER = "10.1.0.1", "10.2.0.1", "10.1.0.254", "10.2.0.254"
IS_BESIDE_THE_KERNEL = _net.NIC.startswith("xdp")  # which keeps its own address on the interface
NEAR_KERNEL = "10.1.0.253"
NAMES = ("tap0", "tap1") if _net.NIC == "tap" else ("strata0", "strata1")
HOST_NAMES = NAMES if _net.NIC == "tap" else ("near0", "far0")
IP_RECVERR, MSG_ERRQUEUE = 11, 0x2000


def says(code, text, folder, *options):
    path = folder / "a.conf"
    if text is not None:
        path.write_text(text)
    done = subprocess.run([str(_net.EXAMPLES / "route"), "--config", str(path), "--for", "0.01", *options], capture_output=True, text=True, timeout=30)
    _net.expect(done.returncode == code and re.fullmatch("route: error: .+; .+\n", done.stderr), f"{text!r}: {done.returncode} {done.stdout}{done.stderr}")


def usage(folder):
    good = "interface a0 10.1.0.254/24\ninterface b0 10.2.0.254/24\n"
    says(1, None, folder / "nowhere")
    for line in ("nic", "nic af_xdp native", "nic tap driver", "nic af_xdp driver generic", "nic veth", "interface c0 10.3.0.254/24", "address 2 10.3.0.1/24", "address 0 224.0.0.1/4", "address 0", "route 10.3.0.0/24", "route 10.3.0.0/24 via 10.9.0.1",
                 "route 10.3.0.0/33 via 10.2.0.1", "drop tcp port 9", "allow tcp", "interface", "drop tcp in 9"):
        says(2, good + line + "\n", folder)
    for text in ("", "interface a0 10.1.0.254/24\n", "interface a0 10.1.0.254/24\ninterface a0 10.2.0.254/24\n", "interface a0 10.1.0.254\ninterface b0 10.2.0.254/24\n",
                 "interface a/0 10.1.0.254/24\ninterface b0 10.2.0.254/24\n", "interface a0 10.1.0.254/24 mtu 67\ninterface b0 10.2.0.254/24\n"):
        done = subprocess.run([str(_net.EXAMPLES / "route"), "--config", "/dev/stdin"], input=text, capture_output=True, text=True, timeout=30)
        _net.expect(done.returncode in (1, 2) and re.fullmatch("route: error: .+; .+\n", done.stderr), f"{text!r}: {done.returncode} {done.stderr}")


class Hosts:
    """Two namespaces of the kernel's, a network each, and the router between them."""

    def __init__(self):
        self.spaces = []
        for name, address, router in zip(HOST_NAMES, (NEAR, FAR), (NEAR_ROUTER, FAR_ROUTER)):
            space = subprocess.Popen(["unshare", "--net", "sleep", "300"])
            _path.wait_until(lambda: os.readlink(f"/proc/{space.pid}/ns/net") != os.readlink("/proc/self/ns/net"), "a namespace")
            self.spaces.append(space)
            _net.sh("ip", "link", "set", name, "netns", space.pid)
            self.inside(space, "sh", "-c", f"echo 1 > /proc/sys/net/ipv6/conf/{name}/disable_ipv6; ip address add {address}/24 dev {name}; ip link set lo up; ip link set {name} up;"
                                           f"ip route add default via {router}")

    @staticmethod
    def inside(space, *words, check=True):
        return _net.sh("nsenter", "--target", space.pid, "--net", "--", *words, check=check)

    def near(self, *words, check=True):
        return self.inside(self.spaces[0], *words, check=check)

    def far(self, *words):
        return self.inside(self.spaces[1], *words)

    def end(self):
        for space in self.spaces:
            space.kill()
            space.wait()


def prepare():
    if _net.NIC == "tap":
        return
    for ours, theirs in zip(NAMES, HOST_NAMES):
        _net.sh("ip", "link", "add", theirs, "type", "veth", "peer", "name", ours)
        pathlib.Path(f"/proc/sys/net/ipv6/conf/{ours}/disable_ipv6").write_text("1")
        for name in (ours, theirs):
            _net.offload(name, 0)
            _net.offload(name, 0, _net.SEGMENTS, _net.GENERIC_SEGMENTS)
        keeps_arp = ours == NAMES[0] and IS_BESIDE_THE_KERNEL
        _net.sh("ip", "link", "set", ours, "up", "arp", "on" if keeps_arp else "off")
        if keeps_arp:
            _net.sh("ip", "address", "add", f"{NEAR_KERNEL}/24", "dev", ours)


class Router:
    def __init__(self, folder, *lines):
        path = folder / "route.conf"
        kind = _net.NIC.replace("xdp_", "af_xdp ")
        path.write_text(f"nic {kind}\ninterface {NAMES[0]} {NEAR_ROUTER}/24\ninterface {NAMES[1]} {FAR_ROUTER}/24 mtu 600  # a narrow one\n" + "".join(line + "\n" for line in lines))
        self.process = subprocess.Popen([str(_net.EXAMPLES / "route"), "--config", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.ready = self.process.stdout.readline()
        wanted = f" nic={kind.replace(' ', ' mode=')} " if IS_BESIDE_THE_KERNEL else f" nic={kind} mode=none "
        if not self.ready.startswith("ready ") or wanted not in self.ready:
            self.process.kill()
            raise _net.Failed(f"route is not ready: {self.ready}{self.process.communicate()[1]}")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=10)
        _net.expect(self.process.returncode == 0 and re.fullmatch(r"done forwarded=\d+ dropped=\d+ by=\S+ .*retransmitted=0 drops=\d+ chunks_in_use=0\n", out), f"route ended with {self.process.returncode}: {out}{err}")
        fields = dict(re.findall(r"(\w+)=(\S+)", out))
        self.by = {} if fields["by"] == "none" else {k: int(v) for k, v in (c.split(":") for c in fields["by"].split(","))}
        self.done = {k: int(v) for k, v in fields.items() if v.isdigit()}


# What a traceroute does, run in the namespace of the near host: prints, for one datagram with a hop limit, who said what about it.
PROBE = f"""
import socket, struct, sys, select
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(0, {IP_RECVERR}, 1)
s.setsockopt(0, 2, int(sys.argv[1]))
s.connect(("{FAR}", 33434))
s.send(b"x" * 32)
p = select.poll(); p.register(s.fileno(), 0); p.poll(3000)
_, control, _, _ = s.recvmsg(512, 512, {MSG_ERRQUEUE})
for level, kind, data in control:
    if kind == {IP_RECVERR}:
        _, origin, type_, code = struct.unpack("IBBB", data[:7])
        print(type_, code, socket.inet_ntoa(data[20:24]))
"""


def test(folder):
    usage(folder)
    prepare()
    router = Router(folder, "drop tcp to any port 23", "drop icmp from any to 10.2.0.77", "address 0 10.1.1.254/24", f"route 192.0.2.0/24 via {FAR}")
    hosts = Hosts()
    try:
        expect = _net.expect
        # The first ping finds two neighbours.
        out = hosts.near("ping", "-c", "3", "-i", "0.2", "-W", "2", FAR)
        expect("3 received" in out and "ttl=63" in out, out)
        expect("3 received" in hosts.near("ping", "-c", "3", "-i", "0.2", "-W", "2", NEAR_ROUTER), "the router itself")
        expect("3 received" in hosts.near("ping", "-c", "3", "-i", "0.2", "-W", "2", FAR_ROUTER), "its far side")
        if IS_BESIDE_THE_KERNEL:
            out = hosts.near("ping", "-c", "3", "-i", "0.2", "-W", "2", NEAR_KERNEL)
            expect("3 received" in out and "ttl=64" in out, f"the kernel beside the router: {out}")
        # Over the far MTU: fragments, or, with DF, what it is.
        out = hosts.near("ping", "-c", "2", "-i", "0.2", "-W", "2", "-s", "1400", "-M", "dont", FAR)
        expect("2 received" in out, out)
        out = hosts.near("ping", "-c", "2", "-i", "0.2", "-W", "2", "-s", "1400", "-M", "do", FAR, check=False)
        expect("mtu=600" in out or "mtu = 600" in out, out)
        expect(hosts.near("python3", "-c", PROBE, "1").split() == ["11", "0", NEAR_ROUTER], "a hop limit of one")
        expect(hosts.near("python3", "-c", PROBE, "2").split() == ["3", "3", FAR], "a hop limit of two")
        expect("Destination Net Unreachable" in hosts.near("ping", "-c", "1", "-W", "2", "203.0.113.9", check=False), "no route")
        expect("Destination Host Unreachable" in hosts.near("ping", "-c", "1", "-W", "8", "10.2.0.99", check=False), "nobody there")
        expect("0 received" in hosts.near("ping", "-c", "1", "-W", "1", "10.2.0.77", check=False), "a rule")
        # TCP, with the path's MTU found on the way.
        digest = _net.random_file(folder / "www" / "big", 4 << 20)
        server = subprocess.Popen(["nsenter", "--target", str(hosts.spaces[1].pid), "--net", "--", sys.executable, "-m", "http.server", "--directory", str(folder / "www"), "80"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _path.wait_until(lambda: hosts.far("sh", "-c", "ss -ltn | grep -c :80 || true").strip() != "0", "a server")
            hosts.near("curl", "-sS", "--fail", "--max-time", "60", "-o", folder / "got", f"http://{FAR}/big")
            expect(_net.sha256(folder / "got") == digest, "what was downloaded differs")
        finally:
            server.kill()
            server.wait()
        for port, wanted in ((23, 28), (24, 7)):  # nobody answers; refused
            code = hosts.near("sh", "-c", f"curl -sS --max-time 1 telnet://{FAR}:{port} >/dev/null 2>&1; echo $?").strip()
            expect(code == str(wanted), f"port {port}: curl says {code}")
        router.end()
    finally:
        hosts.end()
        if router.process.poll() is None:
            router.process.kill()
    done, by = router.done, router.by
    _net.expect(done["forwarded"] > 3000 and done["fragments"] >= 6 and done["icmp_errors"] >= 4, f"{done}")
    _net.expect(by.get("rule", 0) >= 2 and by.get("no_route", 0) >= 1 and by.get("too_big", 0) >= 1 and by.get("header", 0) == 1 and by.get("discard", 0) >= 1, f"{by}")
    _net.expect(not set(by) - {"rule", "no_route", "too_big", "header", "discard", "address", "driver"}, f"{by}")


_net.run(test, "curl", "ping", "ss", make=_net.make_tap)
