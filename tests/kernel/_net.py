# SPDX-License-Identifier: MIT
"""A network namespace with the kernel's side of one interface, `tap0`, and strata on the other: a TAP, or, by `--nic af_packet`, `xdp_driver` or `xdp_generic`, a
veth pair whose far end `strata0` is in a namespace of its own, where the kernel has no address. A test is a function in a file of its own that calls run();
the file starts itself again inside a namespace that ends with it, so that no other interface is ever touched. Exit code 77 with the reason in the last
line where that cannot be done."""
import ctypes
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

KERNEL, STRATA = "10.9.0.1", "10.9.0.2"
EXAMPLES = pathlib.Path(os.environ.get("STRATA_BUILD_DIR", "build/release")) / "examples"
os.environ["PATH"] += ":/usr/sbin:/sbin"

NICS = {"tap": ("tap",), "af_packet": ("af_packet",), "xdp_driver": ("af_xdp", "--xdp-mode", "driver"), "xdp_generic": ("af_xdp", "--xdp-mode", "generic")}
NIC = sys.argv[sys.argv.index("--nic") + 1] if "--nic" in sys.argv else "tap"
INTERFACE = "tap0" if NIC == "tap" else "strata0"  # strata's
apart = []  # words that start a program where strata's end is, if that is another namespace


class Failed(Exception):
    pass


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def sh(*words, timeout=60, check=True):
    """Runs a command; its standard output."""
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=timeout)
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(map(str, words))}: exit code {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def expect(condition, what):
    if not condition:
        raise Failed(what)


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def less(size):
    """A quarter over the NICs for which a test is run again: together they have three minutes."""
    return size if NIC == "tap" else size // 4


def random_file(path, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(size))
    return sha256(path)


def words_of(name, options, nic=None, interface=None):
    """The command of one of our examples on strata's end."""
    return [*apart, str(EXAMPLES / name), "--nic", *NICS[nic or NIC], "--interface", interface or INTERFACE, "--address", f"{STRATA}/24", *map(str, options)]


class Program:
    """One of our examples. `with Program("echo") as p:` waits for its ready line; leaving sends SIGTERM and checks how it ended."""

    def __init__(self, name, *options, nic=None, interface=None):
        self.name, self.words = name, words_of(name, options, nic, interface)
        self.log = pathlib.Path(tempfile.mkstemp(prefix=f"strata-{name}-")[1])
        self.done = {}
        self.said = None  # everything, once it has ended
        self.stop_signal = signal.SIGTERM
        self.ended_in = None  # seconds from the signal to the end

    def __enter__(self):
        self.output = open(self.log, "w")
        self.process = subprocess.Popen(self.words, stdout=self.output, stderr=subprocess.STDOUT)
        end = time.monotonic() + 20
        while not any(line.startswith("ready ") for line in self.text().splitlines()):
            if self.process.poll() is not None or time.monotonic() > end:
                self.process.kill()
                self.process.wait()
                said = self.text().strip()[-300:]
                self.log.unlink()
                raise Failed(f"{self.name} is not ready: {said}")
            time.sleep(0.02)
        return self

    def text(self):
        return self.said if self.said is not None else self.log.read_text()

    def records(self, word):
        return [dict(re.findall(r"(\w+)=(\S+)", line)) for line in self.text().splitlines() if line.startswith(word + " ")]

    def __exit__(self, kind, *_):
        started = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
        try:
            code = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = "none within 10 s"
        self.ended_in = time.monotonic() - started
        self.output.close()
        text = self.said = self.text()
        self.log.unlink()
        if kind is None:
            done = [line for line in text.splitlines() if line.startswith("done ")]
            expect(code == 0 and done, f"{self.name} ended with {code}: {text.strip()[-300:]}")
            expect(re.search(r" retransmitted=\d+ drops=\d+ chunks_in_use=\d+$", done[-1]) and text.splitlines()[-1] == done[-1], f"{self.name} does not end with done: {text[-300:]}")
            self.done = dict(re.findall(r"(\w+)=(\S+)", done[-1]))
            expect(self.done.get("chunks_in_use") == "0", f"{self.name} kept chunks: {done[-1]}")
        elif text:
            print(text.strip()[-1000:], file=sys.stderr)


def fetch(*words, interface=None):
    """strata's client: exit code, stdout, stderr."""
    done = subprocess.run(words_of("fetch", words, interface=interface), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
    expect(re.search(r"(^|\n)done requests=\d+ bytes=\d+ .*retransmitted=\d+ drops=\d+ chunks_in_use=0\n$", done.stdout) or done.returncode == 2,
           f"fetch does not end with done: {done.stdout}{done.stderr}")
    return done


def frames(path):
    """The frames of a capture that --pcap wrote: bytes."""
    data = path.read_bytes()
    expect(data[:4] == b"\xa1\xb2\x3c\x4d", f"{path} is no capture")
    at, found = 24, []
    while at + 16 <= len(data):
        kept = int.from_bytes(data[at + 8:at + 12], "big")
        found.append(data[at + 16:at + 16 + kept])
        at += 16 + kept
    expect(at == len(data), f"{path} is cut")
    return found


def curl(*options, timeout=120):
    return sh("curl", "-sS", "--fail", "--max-time", timeout, *options, timeout=timeout + 5)


def in_a_folder(test):
    """Runs `test(folder)` and says how it went."""
    with tempfile.TemporaryDirectory(prefix="strata-kernel-") as folder:
        os.chmod(folder, 0o755)
        try:
            test(pathlib.Path(folder))
        except Failed as failure:
            print(f"failed: {failure}")
            sys.exit(1)
        except subprocess.TimeoutExpired as late:
            print(f"failed: {' '.join(map(str, late.cmd))} took longer than {late.timeout} s")
            sys.exit(1)
    print("passed")


CHECKSUMS, SEGMENTS, GENERIC_SEGMENTS = 0x17, 0x1f, 0x24  # ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO


def offload(interface, is_on, *what):
    """What the kernel leaves to the NIC of what it sends there: by default checksums, and with them segmentation."""
    with socket.socket() as s:
        for command in what or (CHECKSUMS,):
            value = ctypes.create_string_buffer(struct.pack("II", command, is_on))
            fcntl.ioctl(s, 0x8946, struct.pack("16sP16x", interface.encode(), ctypes.addressof(value)))  # SIOCETHTOOL


def on_strata_s_end(*words):
    """A command where strata's interface is."""
    return sh(*apart, *words)


def make_tap():
    sh("ip", "tuntap", "add", "dev", "tap0", "mode", "tap")


def make_veth(queues=1, near="tap0"):
    """The pair: `near` here, `strata0` apart. Nothing on strata's end but the interface, and checksums in all that the kernel sends."""
    holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    ours = os.readlink("/proc/self/ns/net")
    while os.readlink(f"/proc/{holder.pid}/ns/net") == ours:
        time.sleep(0.005)
    apart[:] = ["nsenter", f"--net=/proc/{holder.pid}/ns/net"]
    count = ("numrxqueues", queues, "numtxqueues", queues)
    sh("ip", "link", "add", near, *count, "type", "veth", "peer", "name", "strata0", *count, "netns", holder.pid)
    on_strata_s_end("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/strata0/disable_ipv6")
    on_strata_s_end("ip", "link", "set", "lo", "up")
    on_strata_s_end("ip", "link", "set", "strata0", "up")
    offload(near, False)


def run(test, *programs, make=None):
    """Runs `test(folder)` in a namespace; `programs` are what it needs beside ip."""
    if os.geteuid() != 0:
        skip("network namespaces and interfaces need root")
    if (NIC == "tap" or make is make_tap) and not os.path.exists("/dev/net/tun"):
        skip("there is no /dev/net/tun")
    for program in ("ip", "unshare", "nsenter", *programs):
        if not shutil.which(program):
            skip(f"{program} is not installed")
    if os.environ.get("STRATA_INSIDE") != "yes":
        # A process namespace too: whatever ends the test ends all that it started.
        inside = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
        if subprocess.run([*inside, "true"], capture_output=True).returncode != 0:
            skip("namespaces of networks and processes are refused here")
        sys.exit(subprocess.run([*inside, "--", sys.executable, *sys.argv], env={**os.environ, "STRATA_INSIDE": "yes"}).returncode)
    if NIC != "tap" and subprocess.run(["ip", "link", "add", "probe0", "type", "veth", "peer", "name", "probe1"], capture_output=True).returncode != 0:
        skip("the kernel makes no veth pair")
    sh("ip", "link", "delete", "probe0", check=False)
    sh("ip", "link", "set", "lo", "up")
    (make or (make_tap if NIC == "tap" else make_veth))()
    pathlib.Path("/proc/sys/net/ipv6/conf/tap0/disable_ipv6").write_text("1")
    sh("ip", "address", "add", f"{KERNEL}/24", "dev", "tap0")
    sh("ip", "link", "set", "tap0", "up")
    in_a_folder(test)
