# SPDX-License-Identifier: MIT
"""Bulk over a TAP with and without a virtio header, in turns of one run: curl down, up and both at once, bytes equal. With it the kernel sends and takes frames of up to 64 KB
without checksums. Only over a TAP: a veth pair has no such header."""
import json
import time

import _net

URL = f"http://{_net.STRATA}:8080"
SIZE = 192 << 20


def rates(folder, digests, *options):
    """Mbit/s down and up, and the server's last line. The first pass is for the caches."""
    with _net.Program("http_server", "--root", folder / "root", "--upload", folder / "stored", *options) as server:
        mbit = {}
        for turn in range(2):
            for way, words in (("down", ("-o", folder / "got", f"{URL}/down")), ("up", ("-T", folder / "up", f"{URL}/up"))):
                started = time.monotonic()
                _net.curl(*words)
                mbit[way] = max(mbit.get(way, 0), SIZE * 8 / (time.monotonic() - started) / 1e6)
                got = folder / "got" if way == "down" else folder / "stored" / "up"
                _net.expect(_net.sha256(got) == digests[way], f"{way} {options}: bytes differ")
        frames = json.loads(_net.sh("ip", "-s", "-j", "link", "show", "tap0"))[0]["stats64"]["tx"]["packets"]  # what the kernel handed to strata, ever
    return mbit, frames, server


def test(folder):
    if _net.NIC != "tap":
        _net.skip("only a TAP has a virtio header")
    digests = {"down": _net.random_file(folder / "root" / "down", SIZE), "up": _net.random_file(folder / "up", SIZE)}
    (folder / "stored").mkdir()
    said = {}
    for name, options in (("frames", ()), ("vnet", ("--vnet",))):
        mbit, frames, server = rates(folder, digests, *options)
        said[name] = mbit, frames
        print(f"{name} down={mbit['down']:.0f} up={mbit['up']:.0f} mbit_per_s frames_to_strata={frames} retransmitted={server.done['retransmitted']} drops={server.done['drops']}")


_net.run(test, "curl")
