# SPDX-License-Identifier: MIT
"""Bulk over a TAP with a virtio header beside bulk without: curl down, up and both at once, bytes equal. With it the kernel sends and takes frames of up to 64 KB without
checksums, which is seen by how few they are. Only over a TAP: a veth pair has no such header. How fast it is: bench/tap.cpp."""
import json
import subprocess

import _net

URL = f"http://{_net.STRATA}:8080"
SIZE = 24 << 20


def frames():
    """So far: what the kernel handed to strata, and what it got."""
    counts = json.loads(_net.sh("ip", "-s", "-j", "link", "show", "tap0"))[0]["stats64"]
    return counts["tx"]["packets"], counts["rx"]["packets"]


def transfer(folder, digests, *options):
    """How many frames an upload took on its way in, and a download on its way out."""
    with _net.Program("http_server", "--root", folder / "root", "--upload", folder / "stored", *options) as server:
        before = frames()
        _net.curl("-T", folder / "up", f"{URL}/up")
        between = frames()
        _net.curl("-o", folder / "got", f"{URL}/down")
        after = frames()
        for path, way in ((folder / "stored" / "up", "up"), (folder / "got", "down")):
            _net.expect(_net.sha256(path) == digests[way], f"{way} {options}: bytes differ")
        down = subprocess.Popen(["curl", "-sS", "--fail", "--max-time", "60", "-o", str(folder / "got"), f"{URL}/down"], stderr=subprocess.PIPE, text=True)
        _net.curl("-T", folder / "up", f"{URL}/both")
        _net.expect(down.wait(60) == 0, f"curl: {down.stderr.read()}")
        _net.expect(_net.sha256(folder / "got") == digests["down"] and _net.sha256(folder / "stored" / "both") == digests["up"], f"both {options}: bytes differ")
    counts = between[0] - before[0], after[1] - between[1]
    print(f"options={' '.join(map(str, options)) or 'none'} frames_in={counts[0]} frames_out={counts[1]} retransmitted={server.done['retransmitted']} drops={server.done['drops']}")
    _net.expect(server.done["drops"] == "0", f"drops: {server.done}")
    return counts


def test(folder):
    if _net.NIC != "tap":
        _net.skip("only a TAP has a virtio header")
    digests = {"down": _net.random_file(folder / "root" / "down", SIZE), "up": _net.random_file(folder / "up", SIZE)}
    (folder / "stored").mkdir()
    single, joined = transfer(folder, digests), transfer(folder, digests, "--vnet")
    _net.expect(single[0] > SIZE // 1460 and single[1] > SIZE // 1460, f"frames of one segment: {single}")
    _net.expect(joined[0] < single[0] / 5 and joined[1] < single[1] / 5, f"few frames of many segments: {joined} beside {single}")
    capture = folder / "pcap"
    transfer(folder, digests, "--vnet", "--pcap", capture)
    longest = max(map(len, _net.frames(capture)))
    _net.expect(longest > 20000, f"the longest frame of the capture has {longest} bytes")


_net.run(test, "curl")
