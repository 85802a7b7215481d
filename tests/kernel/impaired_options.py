# SPDX-License-Identifier: MIT
"""Every combination of the kernel's timestamps, window scaling, SACK and ECN, over a path that delays, loses, reorders, doubles and corrupts: strata serves
curl and fetches from the kernel, up and down, and the bytes are equal. What the kernel's SYN says is looked at, so that each switch is known to have worked."""
import itertools

import _net
import _path

NAMES = ("tcp_timestamps", "tcp_window_scaling", "tcp_sack", "tcp_ecn")


def is_whole(frame):
    """Whether TCP's checksum is right: a capture has what was corrupted on the way too."""
    header = 14 + (frame[14] & 15) * 4
    segment = frame[header:14 + int.from_bytes(frame[16:18], "big")]
    text = frame[26:34] + bytes([0, 6]) + len(segment).to_bytes(2, "big") + segment + bytes(len(segment) % 2)
    total = sum(int.from_bytes(text[i:i + 2], "big") for i in range(0, len(text), 2))
    return total % 0xffff == 0


def syns_of_the_kernel(path):
    """What its SYNs offer: the four names. RFC 9293 §3.2, RFC 7323, RFC 2018 §2, RFC 3168 §6.1.1."""
    offers = []
    for frame in _net.frames(path):
        if frame[12:14] != b"\x08\x00" or frame[23] != 6 or frame[26:30] != bytes(map(int, _net.KERNEL.split("."))) or not is_whole(frame):
            continue
        segment = frame[14 + (frame[14] & 15) * 4:]
        flags = segment[13]
        if not flags & 2:
            continue
        kinds, options = set(), segment[20:(segment[12] >> 4) * 4]
        while options and options[0] != 0:
            kinds.add(options[0])
            options = options[1:] if options[0] == 1 else options[options[1]:]
        offers.append({"tcp_timestamps": int(8 in kinds), "tcp_window_scaling": int(3 in kinds), "tcp_sack": int(4 in kinds), "tcp_ecn": int(flags & 0xc0 == 0xc0)})
    # A SYN that is sent again asks for no ECN (RFC 3168 §6.1.1.1): one that does is enough.
    return max(offers, key=lambda o: o["tcp_ecn"]) if offers else None


def both_roles(folder, digest, up, name, capture=None):
    strata = {"interface": _path.STRATA_TAP}
    (folder / "stored").mkdir(exist_ok=True)
    pcap = ("--pcap", capture) if capture else ()
    with _net.Program("http_server", "--root", folder / "root", "--upload", folder / "stored", *pcap, **strata) as server:
        url = f"http://{_net.STRATA}:8080"
        _net.curl("-o", folder / "got", f"{url}/{name}")
        _net.expect(_net.sha256(folder / "got") == digest, "a download from strata differs")
        said = _net.curl("-T", folder / "root" / up, f"{url}/put")
        sent = _net.sha256(folder / "root" / up)
        _net.expect(said == sent + "\n" and _net.sha256(folder / "stored" / "put") == sent, "an upload to strata differs")
    down = _net.fetch("--output", folder / "fetched", f"http://{_net.KERNEL}:8081/{name}", **strata)
    _net.expect(down.returncode == 0 and f"sha256={digest}" in down.stdout and _net.sha256(folder / "fetched") == digest, f"a download by strata: {down.stdout}{down.stderr}")
    put = _net.fetch("--upload", folder / "root" / up, f"http://{_net.KERNEL}:8081/put", **strata)
    _net.expect(put.returncode == 0 and _net.sha256(folder / "root" / "put") == sent, f"an upload by strata: {put.stdout}{put.stderr}")
    return int(server.done["retransmitted"])


def test(folder):
    _path.prepare()
    digest = _net.random_file(folder / "root" / "down", 150_000)
    _net.random_file(folder / "root" / "up", 100_000)
    resent = 0
    with _path.KernelServer(folder / "root"), _path.Relay("--delay", 1, "--loss", 1, "--reorder", 2, "--duplicate", 2, "--corrupt", 1, "--seed", 1) as relay:
        for values in itertools.product((0, 1), repeat=4):
            wanted = dict(zip(NAMES, values))
            _path.sysctl(**wanted)
            resent += both_roles(folder, digest, "up", "down", folder / "capture")
            seen = syns_of_the_kernel(folder / "capture")
            _net.expect(seen == wanted, f"the kernel's SYNs offer {seen}, not {wanted}")
    _net.expect(resent > 0 and relay.by.get("loss", 0) > 20 and all(relay.done[k] > 20 for k in ("duplicated", "reordered", "corrupted")),
                f"the path was not bad: resent {resent}, {relay.done} {relay.by}")
    large = _net.random_file(folder / "root" / "large", 8 << 20)
    with _path.KernelServer(folder / "root"), _path.Relay("--delay", 1, "--loss", 0.1, "--reorder", 0.2, "--duplicate", 0.2, "--corrupt", 0.1, "--seed", 2) as relay:
        for values in ((1, 1, 1, 1), (0, 1, 0, 0), (1, 0, 1, 0)):
            _path.sysctl(**dict(zip(NAMES, values)))
            both_roles(folder, large, "large", "large")
    _net.expect(relay.by.get("loss", 0) > 20, f"no losses: {relay.done} {relay.by}")


_path.run(test, "curl")
