# SPDX-License-Identifier: MIT
"""The kernel goes on using its interface while strata has an address of its own there, in both modes of XDP: a session like ssh's that was open before, new ones,
calls from the kernel's side, DHCP's broadcasts, pings by IPv4, IPv6 and in a VLAN, addresses from router advertisements, gratuitous ARP; and after strata was killed."""
import contextlib
import functools
import hashlib
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import _net

THEIRS = "10.9.0.3"  # the kernel's address on the interface that strata uses
SIZE = 8 << 20


def serve():
    """The kernel's services beside strata: echo by TCP on ports 22 and 7 (strata has its own 7), a DHCP server's part on UDP 67."""
    def talk(connection):
        with connection:
            while data := connection.recv(65536):
                connection.sendall(data)

    def listen(port):
        with socket.create_server((THEIRS, port)) as server:
            while True:
                threading.Thread(target=talk, args=(server.accept()[0],), daemon=True).start()

    for port in (22, 7):
        threading.Thread(target=listen, args=(port,), daemon=True).start()
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"strata0")
        s.bind(("", 67))
        print("serving", flush=True)
        while True:
            data, _ = s.recvfrom(2048)
            s.sendto(b"offer " + data, ("255.255.255.255", 68))


def echoes(connection, text):
    connection.sendall(text)
    got = b""
    while len(got) < len(text):
        data = connection.recv(len(text) - len(got))
        _net.expect(data, f"the peer closed after {len(got)} bytes")
        got += data
    _net.expect(got == text, f"{got} is no echo of {text}")


def connect(address, port):
    return socket.create_connection((address, port), timeout=10)


@functools.cache
def has_vlans():
    """Not every kernel has CONFIG_VLAN_8021Q."""
    made = subprocess.run(["ip", "link", "add", "link", "tap0", "name", "probe0", "type", "vlan", "id", "9"], capture_output=True).returncode == 0
    _net.sh("ip", "link", "delete", "probe0", check=False)
    return made


def offer():
    """What DHCP does: from no address to all, and back."""
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"tap0")
        s.bind(("", 68))
        word = os.urandom(4).hex().encode()
        s.sendto(word, ("255.255.255.255", 67))
        _net.expect(s.recvfrom(2048)[0] == b"offer " + word, "no answer to a broadcast")


def bulk(address, port, results):
    """SIZE bytes there and back."""
    data = os.urandom(SIZE)
    with connect(address, port) as c:
        sender = threading.Thread(target=c.sendall, args=(data,))
        sender.start()
        digest, got = hashlib.sha256(), 0
        while got < SIZE and (block := c.recv(1 << 16)):
            digest.update(block)
            got += len(block)
        sender.join()
    results[(address, port)] = digest.digest() == hashlib.sha256(data).digest()


def ping(address, *options):
    _net.sh("ping", "-c", "1", "-W", "2", *options, address)


def address_of(words, wanted):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for line in words().splitlines():
            if wanted in line and "tentative" not in line:
                return line.split("inet6 ")[1].split("/")[0]
        time.sleep(0.1)
    raise _net.Failed(f"no address with {wanted}: {words()}")


def on_strata0():
    return _net.on_strata_s_end("ip", "-6", "-o", "address", "show", "dev", "strata0")


def advertise(prefix):
    """A router advertisement to all nodes: addresses of that prefix."""
    option = struct.pack("!BBBBIII16s", 3, 4, 64, 0xC0, 3600, 3600, 0, socket.inet_pton(socket.AF_INET6, prefix))
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as s:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        s.sendto(struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 0, 0, 0) + option, ("ff02::1", 0, 0, socket.if_nametoindex("tap0")))


def announce(mac):
    """Gratuitous ARP of the peer's address from a new MAC."""
    _net.sh("ip", "link", "set", "tap0", "address", mac)
    raw, address = bytes.fromhex(mac.replace(":", "")), socket.inet_aton(_net.KERNEL)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind(("tap0", 0))
        s.send(b"\xff" * 6 + raw + bytes.fromhex("0806 0001 0800 0604 0001") + raw + address + b"\0" * 6 + address)
    end = time.monotonic() + 5
    while mac not in (seen := _net.on_strata_s_end("ip", "neighbour", "show", _net.KERNEL)):
        _net.expect(time.monotonic() < end, f"the kernel did not hear that its peer has another MAC: {seen}")
        time.sleep(0.05)


def kernel_s_side(session, link_local, number):
    """All that the kernel does on the interface."""
    echoes(session, b"a session that was open before\n")
    with connect(THEIRS, 22) as c:
        echoes(c, b"a new one\n")
    offer()
    ping(THEIRS)
    ping(THEIRS, "-s", "4000")  # in fragments
    ping(f"{link_local}%tap0", "-6")
    if has_vlans():
        ping("10.9.5.3")
    # From the kernel's side: ARP and a connection that it opens.
    _net.on_strata_s_end("ip", "neighbour", "flush", "dev", "strata0")
    _net.on_strata_s_end("ping", "-c", "1", "-W", "2", _net.KERNEL)
    with socket.create_server((_net.KERNEL, 9000)) as server:
        caller = subprocess.Popen([*_net.apart, sys.executable, "-c", f"import socket; socket.create_connection(('{_net.KERNEL}', 9000), 5).sendall(b'from there')"])
        server.settimeout(5)
        with server.accept()[0] as c:
            _net.expect(c.recv(100) == b"from there", "the kernel's own connection does not carry")
        caller.wait(5)
    advertise(f"fd00:{number}::")
    ping(address_of(on_strata0, f"fd00:{number}:"), "-6")
    announce(f"02:00:00:00:00:{number:02x}")


def test(folder):
    for path, value in (("accept_ra", 1), ("autoconf", 1), ("accept_dad", 0), ("dad_transmits", 0)):
        _net.on_strata_s_end("sh", "-c", f"echo {value} > /proc/sys/net/ipv6/conf/strata0/{path}")
    _net.on_strata_s_end("sh", "-c", "echo 0 > /proc/sys/net/ipv6/conf/strata0/disable_ipv6")
    with open("/proc/sys/net/ipv6/conf/tap0/disable_ipv6", "w") as file:
        file.write("0")
    _net.on_strata_s_end("ip", "address", "add", f"{THEIRS}/24", "dev", "strata0")
    if has_vlans():
        for here, end, host in ((_net.on_strata_s_end, "strata0", 3), (_net.sh, "tap0", 1)):
            here("ip", "link", "add", "link", end, "name", "vlan5", "type", "vlan", "id", "5")
            here("ip", "address", "add", f"10.9.5.{host}/24", "dev", "vlan5")
            here("ip", "link", "set", "vlan5", "up")
    for number in (1, 2, 3, 4, 5):
        _net.sh("ip", "-6", "address", "add", f"fd00:{number}::1/64", "dev", "tap0", "nodad")

    service = subprocess.Popen([*_net.apart, sys.executable, os.path.abspath(__file__), "--serve"], stdout=subprocess.PIPE, text=True)
    try:
        _net.expect(service.stdout.readline() == "serving\n", "the kernel's services did not start")
        link_local = address_of(on_strata0, "fe80:")
        address_of(lambda: _net.sh("ip", "-6", "-o", "address", "show", "dev", "tap0"), "fe80:")
        with connect(THEIRS, 22) as session:
            kernel_s_side(session, link_local, 1)
            for number, mode in ((2, "driver"), (3, "generic")):
                with _net.Program("echo", nic=f"xdp_{mode}") as strata:
                    _net.expect(strata.records("ready")[0].get("mode") == mode, f"asked for {mode}, got {strata.records('ready')}")
                    kernel_s_side(session, link_local, number)
                    ping(_net.STRATA)
                    with connect(_net.STRATA, 7) as ours, connect(THEIRS, 7) as kernel_s:
                        echoes(ours, b"strata's port 7\n")
                        echoes(kernel_s, b"the kernel's port 7\n")
                    results = {}
                    threads = [threading.Thread(target=bulk, args=(*to, results)) for to in ((_net.STRATA, 7), (THEIRS, 22), (THEIRS, 7))]
                    for t in threads:
                        t.start()
                    for t in threads:
                        t.join(60)
                    _net.expect(len(results) == 3 and all(results.values()), f"bulk beside bulk: {results}")
                echoes(session, b"strata has gone\n")

            # Killed: the program goes with its process.
            killed = False
            with contextlib.suppress(_net.Failed), _net.Program("echo", nic="xdp_driver") as strata:
                ping(_net.STRATA)
                _net.expect("prog/xdp" in _net.on_strata_s_end("ip", "link", "show", "strata0"), "no program is attached")
                strata.process.send_signal(signal.SIGKILL)
                strata.process.wait(5)
                killed = True
            _net.expect(killed, "strata was not killed")
            _net.expect("prog/xdp" not in _net.on_strata_s_end("ip", "link", "show", "strata0"), "the program outlived its process")
            kernel_s_side(session, link_local, 4)
    finally:
        service.kill()
        service.wait()


if "--serve" in sys.argv:
    serve()
else:
    _net.NIC, _net.INTERFACE = "xdp_driver", "strata0"
    _net.run(test, "ping")
