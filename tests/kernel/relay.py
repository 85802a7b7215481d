# SPDX-License-Identifier: MIT
"""relay itself: what it attaches to, that each impairment does what it says, that a seed repeats a run, and how it ends."""
import ctypes
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import _net
import _path

SETNS = ctypes.CDLL(None).setns  # os.setns is there from Python 3.12 on
A, B = ("10.8.0.1", "10.8.0.2")


def says(code, *words, text="", user=None):
    command = [str(_net.EXAMPLES / "relay"), *map(str, words)]
    if user is not None:
        command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    kind = {1: "error", 2: "error", 77: "skipped"}.get(code)
    _net.expect(done.returncode == code and (kind is None or re.fullmatch(f"relay: {kind}: .+; .+\n", done.stderr)) and text in done.stderr,
                f"relay {words}: {done.returncode} {done.stdout}{done.stderr}")
    return done.stdout


def usage():
    help_text = says(0, "--help")
    for option in ("--delay", "--jitter", "--loss", "--reorder", "--duplicate", "--corrupt", "--rate", "--seed", "--queue", "--drop-a"):
        _net.expect(option in help_text, f"--help says nothing of {option}")
    says(2)
    says(2, "a")
    says(2, "a", "a", text="same interface")
    for name in ("", "a b", "1234567890123456", "tap:", "packet:", "x:y"):
        says(2, "a", name)
    for option, values in {"--loss": ("", "-1", "x", "100.1", "1e1"), "--delay": ("-1", "60001", "nan"), "--rate": ("-1", "1.5", "x"), "--queue": ("0", "4097"),
                           "--drop-a": ("", "0", "1,", ",1", "1,x"), "--seed": ("-1",), "--for": ("-1", "x")}.items():
        for value in values:
            says(2, "a", "b", option, value)
    says(1, "packet:nothere", "b0", "--for", "0.01", text="no such interface")
    says(1, "tap:lo", "b0", "--for", "0.01", text="of another kind")
    says(77, "a0", "b0", "--for", "0.01", user=65534)


class Hosts:
    """Two namespaces of the kernel's, joined by a relay on the far sides of their TAPs; UDP datagrams from the first to the second one."""

    def __init__(self, relay):
        self.spaces = []
        for name, address in (("a0", A), ("b0", B)):
            space = subprocess.Popen(["unshare", "--net", "sleep", "100"])
            _path.wait_until(lambda: os.readlink(f"/proc/{space.pid}/ns/net") != os.readlink("/proc/self/ns/net"), "a namespace")
            self.spaces.append(space)
            _net.sh("ip", "link", "set", name, "netns", space.pid)
            self.inside(space, "sh", "-c", f"echo 1 > /proc/sys/net/ipv6/conf/{name}/disable_ipv6; ip address add {address}/24 dev {name}; ip link set {name} up")
        macs = [re.search(r"ether (\S+)", self.inside(s, "ip", "link", "show", n))[1] for s, n in zip(self.spaces, ("a0", "b0"))]
        for space, name, address, mac in zip(self.spaces, ("a0", "b0"), (B, A), reversed(macs)):  # so that nothing but what is sent is on the way
            self.inside(space, "ip", "neighbour", "replace", address, "lladdr", mac, "dev", name, "nud", "permanent")
        self.relay = relay

    @staticmethod
    def inside(space, *words):
        return _net.sh("nsenter", "--target", space.pid, "--net", "--", *words)

    def socket_in(self, space):
        mine = os.open("/proc/self/ns/net", os.O_RDONLY)
        theirs = os.open(f"/proc/{space.pid}/ns/net", os.O_RDONLY)
        _net.expect(SETNS(theirs, 0) == 0, "setns")
        try:
            return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        finally:
            SETNS(mine, 0)
            os.close(mine)
            os.close(theirs)

    def send(self, count, size=100, gap=0.00001):
        """Numbered datagrams; which numbers come, in their order, and the seconds that the first one took."""
        with self.socket_in(self.spaces[0]) as out, self.socket_in(self.spaces[1]) as into:
            into.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            into.bind((B, 9))
            into.settimeout(0.3)
            out.connect((B, 9))
            got, started = [], time.monotonic()
            for i in range(count):
                out.send(i.to_bytes(4, "big") + bytes(size - 4))
                if gap:
                    time.sleep(gap)  # the queue of a TAP holds a thousand
            first = None
            try:
                while True:
                    got.append(int.from_bytes(into.recv(2000)[:4], "big"))
                    first = first if first is not None else time.monotonic() - started
                    last = time.monotonic() - started
            except TimeoutError:
                pass
            return got, first, last if got else None

    def end(self):
        for space in self.spaces:
            space.kill()
            space.wait()


def sent_through(*options, count=2000, **how):
    with _path.Relay(*options, sides=("a0", "b0")) as relay:
        _net.expect(relay.ready == "ready a=a0 a_by=tap b=b0 b_by=tap\n", relay.ready)
        hosts = Hosts(relay)
        try:
            answer = hosts.send(count, **how)
        finally:
            hosts.end()
    return (relay, *answer)


def impairments():
    relay, got, first, _ = sent_through()
    _net.expect(got == list(range(2000)) and relay.done["forwarded"] == 2000 and relay.done["dropped"] == 0, f"nothing asked for, and {relay.done}")

    relay, got, first, _ = sent_through("--delay", 50, count=1)
    _net.expect(got == [0] and 0.05 <= first < 0.15, f"50 ms took {first}")

    runs = [sent_through("--loss", 10, "--seed", seed) for seed in (5, 5, 6)]
    for relay, got, *_ in runs:
        _net.expect(got == sorted(got) and len(got) == 2000 - relay.by["loss"] and 120 < relay.by["loss"] < 280, f"10 % loss: {relay.done} {relay.by}")
    _net.expect(runs[0][1] == runs[1][1] != runs[2][1], "a seed does not repeat its run, or another one does")

    relay, got, *_ = sent_through("--duplicate", 5)
    _net.expect(len(got) == 2000 + relay.done["duplicated"] and sorted(set(got)) == list(range(2000)) and 50 < relay.done["duplicated"] < 160, f"5 % twice: {relay.done}")

    relay, got, *_ = sent_through("--reorder", 5, "--reorder-by", 1, gap=0.0001)
    late = sum(1 for i, n in enumerate(got) if n < max(got[:i + 1]))
    _net.expect(sorted(got) == list(range(2000)) and 30 < late and late == relay.done["reordered"], f"5 % overtaken: {late} of {relay.done}")

    relay, got, *_ = sent_through("--corrupt", 5)
    _net.expect(len(got) == 2000 - relay.done["corrupted"] and 50 < relay.done["corrupted"] < 160 and relay.done["forwarded"] == 2000, f"5 % corrupt: {relay.done}")

    # 1 Mbit/s: 142 bytes a frame are 1.136 ms; of 200 at once a hundred find room, and a few more while they are sent.
    relay, got, first, last = sent_through("--rate", 1_000_000, "--queue", 100, count=200, gap=0)
    _net.expect(got[:100] == list(range(100)) and len(got) <= 130 and relay.by["queue"] == 200 - len(got), f"a queue of 100: {len(got)} {relay.by}")
    _net.expect(0.95 < last / (0.001136 * len(got)) < 3, f"{len(got)} frames at 1 Mbit/s took {last:.3f} s")

    relay, got, *_ = sent_through("--delay", 5, "--jitter", 5, count=300, gap=0.0005)
    _net.expect(got == list(range(300)), "jitter reorders")

    with _path.Relay("--delay", 60000, sides=("a0", "b0")) as relay:  # what is on its way at the end
        hosts = Hosts(relay)
        hosts.send(7)
        with hosts.socket_in(hosts.spaces[1]) as back:
            for _ in range(3):
                back.sendto(b"x", (A, 9))
        time.sleep(0.1)
        hosts.end()
    _net.expect(relay.by == {"end": 10}, f"10 were on their way: {relay.by}")


def ticks_of(relay):
    """Hundredths of a second that it works in one second."""
    def so_far():
        fields = pathlib.Path(f"/proc/{relay.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])
    before = so_far()
    time.sleep(1)
    return so_far() - before


def attaches():
    _path.prepare()
    with _net.Program("echo", interface=_path.STRATA_TAP):  # another program has its far side: relay takes the near one by itself
        with _path.Relay("--delay", 10, sides=(_path.STRATA_TAP, _path.KERNEL_TAP)) as relay:
            _net.expect(relay.ready == "ready a=strata0 a_by=packet b=tap0 b_by=tap\n", relay.ready)
            said = _net.sh("ping", "-c", 3, "-i", 0.2, "-W", 2, _net.STRATA)
            times = [float(t) for t in re.findall(r"time=([\d.]+)", said)]
            _net.expect(len(times) == 3 and all(20 <= t < 60 for t in times), f"ping over 10 ms each way: {said}")
            _net.expect(ticks_of(relay) < 10, "relay is busy while nothing happens")
            _net.sh("ip", "link", "delete", _path.KERNEL_TAP)
            _net.expect(ticks_of(relay) < 10, "relay is busy with an interface that is gone")
            _net.expect(relay.process.poll() is None, "relay ended with its interface")
    relay = subprocess.Popen([str(_net.EXAMPLES / "relay"), "x0", "x1"], stdout=subprocess.PIPE, text=True)
    relay.stdout.readline()
    relay.send_signal(signal.SIGTERM)
    _net.expect(relay.communicate(timeout=5)[0].startswith("done forwarded=0 dropped=0 by=none ") and relay.returncode == 0, "SIGTERM")


def test(_):
    usage()
    impairments()
    attaches()


_net.run(test, "setpriv", "nsenter", "ping")
