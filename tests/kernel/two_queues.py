# SPDX-License-Identifier: MIT
"""Two stacks on one interface, each with a receive queue and an address of its own, in processes of their own: both serve at once; one ends, is killed, and comes
back, and the other does not notice. Which queue a frame comes by is the peer's choice: here its transmit queue, and that by the processor that sends (XPS)."""
import os
import pathlib
import subprocess
import sys

import _net

if "--nic" not in sys.argv:
    _net.NIC, _net.INTERFACE = "xdp_driver", "strata0"
    sys.argv += ["--nic", "xdp_driver"]
ADDRESS = (_net.STRATA, "10.9.0.3")


class On:
    """A server on a queue, and everything for it on the processor of that number."""

    def __init__(self, folder, queue):
        self.queue, self.folder = queue, folder

    def start(self):
        words = [*_net.apart, "taskset", "-c", self.queue, _net.EXAMPLES / "http_server", "--nic", *_net.NICS[_net.NIC], "--interface", "strata0", "--queue", self.queue,
                 "--address", f"{ADDRESS[self.queue]}/24", "--root", self.folder / "root"]
        self.process = subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        ready = self.process.stdout.readline()
        _net.expect(ready.startswith(f"ready proto=http address={ADDRESS[self.queue]} "), f"queue {self.queue}: {ready}{self.process.poll()}")
        return self

    def get(self):
        return subprocess.Popen(["taskset", "-c", str(self.queue), "curl", "-sS", "--fail", "--max-time", "20", "-o", str(self.folder / f"got{self.queue}"),
                                 f"http://{ADDRESS[self.queue]}:8080/large"], stderr=subprocess.PIPE, text=True)

    def has(self, client, digest):
        _net.expect(client.wait(30) == 0, f"queue {self.queue}: curl: {client.stderr.read()}")
        _net.expect(_net.sha256(self.folder / f"got{self.queue}") == digest, f"queue {self.queue}: the file differs")

    def stop(self):
        self.process.terminate()
        out, error = self.process.communicate(timeout=10)
        _net.expect(self.process.returncode == 0 and " chunks_in_use=0" in out, f"queue {self.queue}: {out}{error}")


def test(folder):
    if os.cpu_count() < 2 or len(os.sched_getaffinity(0)) < 2:
        _net.skip("there is one processor, and no way to choose between queues")
    (folder / "sys").mkdir()
    _net.sh("mount", "-t", "sysfs", "sysfs", folder / "sys")  # of this namespace
    try:
        queues = pathlib.Path(folder / "sys/class/net/tap0/queues")
        if not (queues / "tx-1" / "xps_cpus").exists():
            _net.skip("the kernel has no XPS, or the pair no two queues")
        for n in (0, 1):
            (queues / f"tx-{n}" / "xps_cpus").write_text(f"{1 << n:x}")
        mac = _net.on_strata_s_end("ip", "link", "show", "strata0").split("link/ether ")[1].split()[0]
        for address in ADDRESS:  # nobody asks, so no answer comes by the wrong queue
            _net.sh("ip", "neighbour", "replace", address, "lladdr", mac, "dev", "tap0", "nud", "permanent")
        digest = _net.random_file(folder / "root" / "large", 8 << 20)
        first, second = On(folder, 0).start(), On(folder, 1).start()
        both = first.get(), second.get()
        first.has(both[0], digest)
        second.has(both[1], digest)
        first.stop()  # the one that attached the program
        second.has(second.get(), digest)
        first.start()
        first.has(first.get(), digest)
        second.process.kill()
        second.process.wait()
        first.has(first.get(), digest)
        second.start()
        second.has(second.get(), digest)
        first.stop()
        second.stop()
    finally:
        _net.sh("umount", folder / "sys", check=False)


_net.run(test, "curl", "taskset", make=lambda: _net.make_veth(queues=2))
