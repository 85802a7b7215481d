# SPDX-License-Identifier: MIT
"""A download and an upload at once. Over a veth pair also with a peer that leaves checksums and segmentation to a NIC which is not there: accepted if asked for,
else dropped and counted; and super-frames that reach strata whole are dropped, counted, and hurt nobody else."""
import subprocess
import time

import _net

URL = f"http://{_net.STRATA}:8080"
SIZE = 12 << 20


def both_ways(folder, digests, *options):
    with _net.Program("http_server", "--root", folder / "root", "--upload", folder / "stored", *options) as server:
        started = time.monotonic()
        down = subprocess.Popen(["curl", "-sS", "--fail", "--max-time", "60", "-o", str(folder / "got"), f"{URL}/down"], stderr=subprocess.PIPE, text=True)
        up = subprocess.run(["curl", "-sS", "--fail", "--max-time", "60", "-T", str(folder / "up"), f"{URL}/up"], capture_output=True, text=True)
        _net.expect(down.wait(60) == 0 and up.returncode == 0, f"curl: {down.stderr.read()}{up.stderr}")
        seconds = time.monotonic() - started
        _net.expect(_net.sha256(folder / "got") == digests[0] and _net.sha256(folder / "stored" / "up") == digests[1], "bytes differ")
    print(f"nic={_net.NIC} options={' '.join(options) or 'none'} mbit_per_s_each={SIZE * 8 / seconds / 1e6:.0f} retransmitted={server.done['retransmitted']} drops={server.done['drops']}")
    return server


def test(folder):
    digests = _net.random_file(folder / "root" / "down", SIZE), _net.random_file(folder / "up", SIZE)
    (folder / "stored").mkdir()
    both_ways(folder, digests)
    if _net.NIC == "tap":
        return
    _net.offload("tap0", True, _net.CHECKSUMS)
    with _net.Program("http_server", "--root", folder / "root") as server:
        refused = subprocess.run(["curl", "-sS", "--max-time", "1.5", "-o", "/dev/null", f"{URL}/down"], capture_output=True)
        _net.expect(refused.returncode == 28, f"without checksums: {refused}")
    _net.expect(int(server.done["drops"]) > 0 and server.done["requests"] == "0", f"{server.done}")

    accepting = ("--receive-checksum", "accept_partial")
    _net.offload("tap0", True, _net.GENERIC_SEGMENTS, _net.SEGMENTS)
    if _net.NIC == "xdp_driver":  # there the kernel cuts them before the program sees them
        both_ways(folder, digests, *accepting)
        return
    with _net.Program("http_server", "--root", folder / "root", "--upload", folder / "stored", *accepting) as server:
        whole = subprocess.Popen(["curl", "-sS", "--max-time", "1.5", "-T", str(folder / "up"), f"{URL}/whole"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _net.curl("-o", folder / "got", f"{URL}/down")
        _net.expect(_net.sha256(folder / "got") == digests[0], "a download beside super-frames differs")
        _net.expect(whole.wait(10) == 28, "super-frames came through")
    _net.expect(int(server.done["drops"]) > 0, f"super-frames are not counted: {server.done}")
    _net.offload("tap0", False, _net.SEGMENTS, _net.GENERIC_SEGMENTS)
    both_ways(folder, digests, *accepting)
    both_ways(folder, digests, "--receive-checksum", "trust")


_net.run(test, "curl")
