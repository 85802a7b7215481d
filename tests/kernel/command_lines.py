# SPDX-License-Identifier: MIT
"""What the programs say to good, odd and bad options: exit codes 0, 1, 2 and 77, an error as one line on stderr, --help on stdout."""
import os
import re
import subprocess

import _net

ADDRESS = ("--interface", "tap0", "--address", f"{_net.STRATA}/24")
ERROR = re.compile(r"\w+: error: .+ \([^()]+\); .+\n")
WARNINGS = re.compile(r"^\w+: warning: .+\n", re.M)  # what AF_XDP finds doubtful about an interface
SKIPPED = re.compile(r"\w+: skipped: .+; .+\n")


def run(name, *words, user=None):
    words = [str(_net.EXAMPLES / name), *map(str, words)]
    if user is not None:
        words = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *words]
    done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30)
    done.stderr = WARNINGS.sub("", done.stderr)
    return done


def says(code, name, *words, text="", user=None):
    """The program ends with `code`, and with an error says it in one line that has `text`."""
    done = run(name, *words, user=user)
    where = f"{name} {' '.join(map(str, words))}: {done.returncode} {done.stdout[-200:]!r} {done.stderr!r}"
    _net.expect(done.returncode == code, where)
    wanted = {1: ERROR, 2: ERROR, 77: SKIPPED}.get(code)
    _net.expect(wanted.fullmatch(done.stderr) and done.stderr.startswith(name + ": ") if wanted else done.stderr == "", where)
    _net.expect(text in done.stderr, f"no {text!r}: {where}")
    return done.stdout


def usage():
    for name in ("http_server", "fetch", "echo", "journey", "swap", "relay", "route", "top"):
        _net.expect("--help" in says(0, name, "--help"), f"{name} --help")
    serve = ("http_server", *ADDRESS, "--for", "0.05")
    rooted = (*serve, "--root", "/")
    says(2, *serve, text="--root")
    says(2, *rooted, "--nonsense")
    says(2, *rooted, "stray")
    says(2, *rooted, "--port")
    for option, values in {
        "--port": ("", "0", "65536", "70000", "-1", "x", "80x", "0x50", " 80", "1e3"),
        "--mac": ("", "x", "02:00:00:00:00", "02:00:00:00:00:00:00", "02-00-00-00-00-01", "00:00:00:00:00:00", "01:00:00:00:00:01", "ff:ff:ff:ff:ff:ff"),
        "--mtu": ("", "0", "67", "65536", "-1", "x", "60000"),
        "--gateway": ("", "x", "10.10.0.1", _net.STRATA, f"{_net.KERNEL}/24", "0.0.0.0", "255.255.255.255", "::1"),
        "--seed": ("", "-1", "x", "1.5", "18446744073709551616"),
        "--max-requests": ("", "-1", "x", "1.5", "99999999999999999999"),
        "--nic": ("", "x", "eth"), "--config": ("", "x"), "--xdp-mode": ("", "x"), "--zero-copy": ("", "x"), "--cores": ("", "0", "9", "-1", "x"),
        "--pcap": ("", "-"), "--upload": ("",), "--queue": ("", "-1", "x"), "--receive-checksum": ("", "x"), "--stats-socket": ("", "-"),
    }.items():
        for value in values:
            says(2, *rooted, option, value)
    for seconds in ("", "-1", "x", "nan", "inf", "1e300", "1e3", ".", "1.2.3"):
        says(2, "http_server", *ADDRESS, "--root", "/", "--for", seconds, text="--for")
    for address in ("", "x", _net.STRATA, f"{_net.STRATA}/", f"{_net.STRATA}/33", f"{_net.STRATA}/-1", f" {_net.STRATA}/24", "10.9.0.256/24", "::1/64", "0.0.0.0/0",
                    "127.0.0.1/8", "224.0.0.1/4", "10.9.0.0/24", "10.9.0.255/24", "255.255.255.255/32", "10.9.0.2\n/24"):
        says(2, "http_server", "--interface", "tap0", "--root", "/", "--for", "0.05", "--address", address, text="--address")
    for interface in ("", "a/b", "a b", "a:b", "tap%d", ".", "..", "a\nb", "1234567890123456"):
        says(2, "http_server", "--interface", interface, "--root", "/", "--for", "0.05", "--address", f"{_net.STRATA}/24", text="--interface")
    for words in (("--nic", "af_xdp", "--config", "low_latency"), ("--nic", "af_packet", "--config", "embedded"), ("--address6", "fd00::1/64"),
                  ("--cores", "2", "--nic", "tun"), ("--cores", "2", "--config", "low_latency"), ("--nic", "tun", "--config", "embedded")):
        says(2, *rooted, *words, text="not yet")
    for nic in ("af_packet", "af_xdp"):
        says(2, *rooted, "--nic", nic, "--vnet", text="--vnet is an option of --nic tap and tun")
    for nic in ("tap", "af_packet"):
        for words in (("--queue", "1"), ("--xdp-mode", "driver"), ("--zero-copy", "require")):
            says(2, *rooted, "--nic", nic, *words, text=f"{words[0]} is an option of --nic af_xdp")

    for url in ("", "http://", "http://host/", "https://10.9.0.1/", "http://10.9.0.1:0/", "http://10.9.0.1:70000/", "http://10.9.0.1:/", "http://10.9.0.1:x/", "http://1.2.3/",
                "http://10.9.0.1/a b"):
        says(2, "fetch", *ADDRESS, url)
    for words in (("--connections", "0"), ("--connections", "1001"), ("--connections", "2", "--output", "x"), ("--timeout", "0"), ("--timeout", "nan"), ("--timeout", "1e300")):
        says(2, "fetch", *ADDRESS, *words, "http://10.9.0.1:1/")
    for words in (("--text", ""), ("--way", "x"), ("--way", "0"), ("--way", ""), ("--format", "x"), ("--format", "1"), ("--seed", "-1"), ("--without", ""), ("--without", "x"),
                  ("--pcap", "")):
        says(2, "journey", *words)
    for words in ((), ("",), ("x", "--format", "x"), ("x", "y")):
        says(2, "top", *words)
    for words in (("--bytes", "0"), ("--bytes", "x"), ("--format", "x")):
        says(2, "swap", *words)


def run_time(folder):
    serve = ("http_server", *ADDRESS, "--for", "0.05")
    for root in ("", folder / "none", "/etc/passwd", "/a\nb"):
        says(1, *serve, "--root", root, text="(open, errno E")
    says(1, *serve, "--root", "/", "--upload", folder / "none", text="ENOENT")
    says(1, *serve, "--root", "/", "--pcap", folder / "none" / "x", text="ENOENT")
    says(1, *serve, "--root", "/", "--pcap", folder, text="EISDIR")
    says(1, *serve, "--root", "/", "--pcap", "/dev/full", text="capture")
    says(1, *serve, "--root", "/", "--stats-socket", folder / "none" / "x", text="(bind, errno ENOENT)")
    says(1, *serve, "--root", "/", "--stats-socket", "/etc/passwd", text="(bind, errno EADDRINUSE)")
    says(1, *serve, "--root", "/", "--stats-socket", "/" + "x" * 107, text="(bind, errno ENAMETOOLONG)")
    says(1, "top", folder / "none", text="(connect, errno ENOENT)")
    says(1, "journey", "--pcap", "/dev/full", text="capture")
    for words in (("journey",), ("swap", "--bytes", "1"), (*serve, "--root", "/")):
        with open("/dev/full", "w") as full:
            done = subprocess.run([str(_net.EXAMPLES / words[0]), *map(str, words[1:])], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
        _net.expect(done.returncode == 1 and ERROR.fullmatch(done.stderr), f"{words} to a full disk: {done.returncode} {done.stderr!r}")
    says(1, "fetch", *ADDRESS, "--upload", folder / "none", "http://10.9.0.1:1/", text="ENOENT")
    says(1, "fetch", *ADDRESS, "--upload", folder, "http://10.9.0.1:1/")
    says(1, "fetch", *ADDRESS, "--output", folder / "none" / "x", "http://10.9.0.1:1/", text="ENOENT")
    says(1, "fetch", *ADDRESS, "http://192.168.7.7/", text="no route")
    says(1, "fetch", *ADDRESS, "http://224.0.0.1/", text="EINVAL")
    says(1, "fetch", *ADDRESS, "--timeout", "0.3", "--gateway", _net.KERNEL, "http://192.168.7.7/", text="ETIMEDOUT")
    says(1, "fetch", *ADDRESS, "--for", "0.3", "--gateway", _net.KERNEL, "http://192.168.7.7/", text="ETIMEDOUT")

    _net.sh("ip", "tuntap", "add", "dev", "tun9", "mode", "tun")
    says(1, "http_server", "--interface", "tun9", "--address", "10.8.0.2/24", "--root", "/", "--for", "0.05", text="EINVAL")
    with _net.Program("echo"):
        says(1, *serve, "--root", "/", text="EBUSY")
    for interface, text in (("none", "ENODEV"), ("tun9", "EINVAL")):
        says(1, "echo", "--nic", "af_packet", "--interface", interface, "--address", "10.8.0.2/24", "--for", "0", text=text)
    says(1, "echo", "--nic", "af_packet", "--interface", "lo", "--address", "10.8.0.2/24", "--for", "0", text="does not fit in a chunk")
    says(1, "echo", "--nic", "af_packet", *ADDRESS, "--mtu", "1501", "--for", "0", text="EMSGSIZE")
    xdp = ("echo", "--nic", "af_xdp", "--for", "0", "--address", "10.8.0.2/24", "--interface")
    says(1, *xdp, "none", text="ENODEV")
    says(1, *xdp, "strata0", "--queue", "7", text="no such receive queue")
    says(1, *xdp, "strata0", "--mtu", "1501", text="options.mtu")
    says(77, *xdp, "strata0", "--zero-copy", "require", text="zero-copy")  # veth has none
    with _net.Program("echo", nic="xdp_driver", interface="strata0"):
        says(1, *xdp, "strata0", text="EBUSY")


def without_privilege():
    nobody = 65534
    if os.access(_net.EXAMPLES / "echo", os.X_OK) and run("journey", user=nobody).returncode == 126:
        return  # the build folder cannot be entered by others
    for name, *words in (("http_server", "--root", "/"), ("fetch", "http://10.9.0.1/"), ("echo",)):
        says(77, name, *ADDRESS, *words, user=nobody)
        says(77, name, "--nic", "af_packet", *ADDRESS, *words, text="CAP_NET_RAW", user=nobody)
        says(77, name, "--nic", "af_xdp", *ADDRESS, *words, text="CAP_", user=nobody)
    says(0, "journey", user=nobody)


def good(folder):
    """What is accepted, and the records: a `ready` with what was asked for, a `done` that ends as it must."""
    for nic, config, interface in (("tap", "server", "tap0"), ("tap", "low_latency", "tap0"), ("tap", "embedded", "tap0"), ("tap", "server", 'a"b=c'), ("tun", "server", "tun8"),
                                   ("af_packet", "server", "tap0"), ("af_xdp", "server", "strata0")):
        mode = "generic" if nic == "af_xdp" else "none"
        out = says(0, "http_server", "--nic", nic, "--config", config, "--interface", interface, "--address", "10.9.0.2/24", "--gateway", "10.9.0.1", "--mtu", "1400", "--port", "80",
                   "--seed", "7", "--for", "0.05", "--root", "/", "--pcap", folder / "pcap", "--queue", "0", "--xdp-mode", mode.replace("none", "auto"), "--zero-copy", "auto", "--cores", "1")
        ready, done = out.splitlines()
        shown = '"a\\"b=c"' if '"' in interface else interface
        _net.expect(ready == f"ready proto=http address=10.9.0.2 port=80 nic={nic} mode={mode} copy=yes interface={shown}", ready)
        _net.expect(re.fullmatch(r"done requests=0 bytes=0 .*retransmitted=0 drops=0 chunks_in_use=0", done), done)
        _net.expect((folder / "pcap").read_bytes()[:4] == b"\xa1\xb2\x3c\x4d", "no pcap with nanoseconds")
    for words, proto in ((("--tcp",), "tcp"), (("--udp",), "udp"), (("--tcp", "--udp"), "tcp,udp"), ((), "tcp,udp")):
        out = says(0, "echo", *ADDRESS, "--for", "0", *words)
        _net.expect(out.startswith(f"ready proto={proto} address=10.9.0.2 port=7 "), out)
        _net.expect(re.search(r"\ndone tcp_bytes=0 udp_datagrams=0 .*retransmitted=0 drops=0 chunks_in_use=0\n$", out), out)


def test(folder):
    _net.sh("ip", "link", "add", "strata0", "type", "veth", "peer", "name", "strata1")
    for name in ("strata0", "strata1"):
        _net.sh("ip", "link", "set", name, "up")
    usage()
    run_time(folder)
    without_privilege()
    good(folder)


_net.run(test, "setpriv")
