# SPDX-License-Identifier: MIT
"""A network namespace with one TAP, strata on its far side and the kernel on the near one. A test is a function in a file of its own that calls run();
the file starts itself again inside a namespace that ends with it, so that no other interface is ever touched. Exit code 77 with the reason in the last
line where that cannot be done."""
import hashlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

KERNEL, STRATA = "10.9.0.1", "10.9.0.2"
EXAMPLES = pathlib.Path(os.environ.get("STRATA_BUILD_DIR", "build/release")) / "examples"
os.environ["PATH"] += ":/usr/sbin:/sbin"


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


def random_file(path, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(size))
    return sha256(path)


class Program:
    """One of our examples on the TAP. `with Program("echo") as p:` waits for its ready line; leaving sends SIGTERM and checks how it ended."""

    def __init__(self, name, *options):
        self.name, self.words = name, [str(EXAMPLES / name), "--nic", "tap", "--interface", "tap0", "--address", f"{STRATA}/24", *map(str, options)]
        self.log = pathlib.Path(tempfile.mkstemp(prefix=f"strata-{name}-")[1])
        self.done = {}

    def __enter__(self):
        self.output = open(self.log, "w")
        self.process = subprocess.Popen(self.words, stdout=self.output, stderr=subprocess.STDOUT)
        end = time.monotonic() + 20
        while not any(line.startswith("ready ") for line in self.text().splitlines()):
            if self.process.poll() is not None or time.monotonic() > end:
                raise Failed(f"{self.name} is not ready: {self.text().strip()[-300:]}")
            time.sleep(0.02)
        return self

    def text(self):
        return self.log.read_text()

    def records(self, word):
        return [dict(re.findall(r"(\w+)=(\S+)", line)) for line in self.text().splitlines() if line.startswith(word + " ")]

    def __exit__(self, kind, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = "none within 10 s"
        self.output.close()
        text = self.text()
        self.log.unlink()
        if kind is None:
            done = [line for line in text.splitlines() if line.startswith("done ")]
            expect(code == 0 and done, f"{self.name} ended with {code}: {text.strip()[-300:]}")
            self.done = dict(re.findall(r"(\w+)=(\S+)", done[-1]))
            expect(self.done.get("chunks_in_use") == "0", f"{self.name} kept chunks: {done[-1]}")
        elif text:
            print(text.strip()[-1000:], file=sys.stderr)


def curl(*options, timeout=120):
    return sh("curl", "-sS", "--fail", "--max-time", timeout, *options, timeout=timeout + 5)


def run(test, *programs):
    """Runs `test(folder)` in a namespace; `programs` are what it needs beside ip."""
    if os.geteuid() != 0:
        skip("network namespaces and TAPs need root")
    if not os.path.exists("/dev/net/tun"):
        skip("there is no /dev/net/tun")
    for program in ("ip", "unshare", *programs):
        if not shutil.which(program):
            skip(f"{program} is not installed")
    if sys.argv[1:] != ["--inside"]:
        if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode != 0:
            skip("network namespaces are refused here")
        sys.exit(subprocess.run(["unshare", "--net", "--", sys.executable, sys.argv[0], "--inside"]).returncode)
    sh("ip", "link", "set", "lo", "up")
    sh("ip", "tuntap", "add", "dev", "tap0", "mode", "tap")
    pathlib.Path("/proc/sys/net/ipv6/conf/tap0/disable_ipv6").write_text("1")
    sh("ip", "address", "add", f"{KERNEL}/24", "dev", "tap0")
    sh("ip", "link", "set", "tap0", "up")
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
