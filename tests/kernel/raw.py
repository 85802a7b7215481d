# SPDX-License-Identifier: MIT
"""Raw sockets between strata and the kernel on a TAP: strata pings the kernel through one, small and in fragments, and hears the answers while it answers the
kernel's pings itself; either hears what the other sends by protocol 253, with time to live and DSCP as they were set; and strata hears that nobody has the protocol
when the kernel's program is gone."""
import socket
import subprocess

import _net
import _told


def test(_):
    peer = _told.Peer("raw_peer")
    try:
        peer.tell(f"ping {_net.KERNEL} 1 56")
        peer.wait_for(f"heard {_net.KERNEL} ttl=64 bytes=64 type=0 code=0 number=1 data=same")
        peer.tell(f"ping {_net.KERNEL} 2 60000")
        peer.wait_for(f"heard {_net.KERNEL} ttl=64 bytes=60008 type=0 code=0 number=2 data=same")

        said = subprocess.run(["ping", "-c", "2", "-i", "0.2", "-W", "2", _net.STRATA], capture_output=True, text=True)
        _net.expect(said.returncode == 0, f"the kernel's ping is not answered: {said.stdout}{said.stderr}")
        peer.wait_for(f"heard {_net.KERNEL} ttl=64 bytes=64 type=8", 2)

        kernel = socket.socket(socket.AF_INET, socket.SOCK_RAW, 253)
        kernel.settimeout(5)
        peer.tell(f"connect {_net.KERNEL}")
        peer.tell("options 46 7")
        peer.tell(f"send {_net.KERNEL} from-strata")
        packet, sender = kernel.recvfrom(2000)
        _net.expect(sender[0] == _net.STRATA and packet[20:] == b"from-strata" and packet[1] == 46 << 2 and packet[8] == 7, f"the kernel got {packet!r}")
        kernel.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 9)
        kernel.sendto(b"from-the-kernel", (_net.STRATA, 0))
        peer.wait_for(f"heard {_net.KERNEL} ttl=9 bytes=15 text=from-the-kernel")
        kernel.close()
        peer.tell(f"send {_net.KERNEL} to-nobody")
        peer.wait_for("error 2 mtu=0")  # protocol unreachable
        peer.wait_for(f"heard {_net.KERNEL} ttl=64 bytes=37 type=3 code=2")  # what the error quotes: the IP header and nine bytes

        peer.process.stdin.close()
        peer.wait_for("done chunks_in_use=0")
        _net.expect(peer.process.wait(10) == 0, "raw_peer failed")
    finally:
        peer.process.kill()


_net.run(test, "ping")
