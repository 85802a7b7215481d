# SPDX-License-Identifier: MIT
"""With 20 ms of delay each way and the kernel on reno, info() and `ss -ti` say the same of one connection: MSS, window scales, bytes acknowledged and received,
and the round-trip time within 10 %. Client and server, with timestamps and without."""
import _net
import _path
import _peer


def compare(pair, connects, timestamps):
    ours, theirs = pair.ours(), pair.theirs()
    where = f"strata {'connects' if connects else 'listens'}, timestamps {timestamps}: strata says {ours}, the kernel {theirs['text']}"
    _net.expect(" reno" in theirs["text"], where)
    _net.expect(ours["timestamps"] == timestamps, where)
    _net.expect(ours["mss"] == theirs["mss"] == (1448 if timestamps else 1460), f"mss: {where}")
    _net.expect((ours["send_scale"], ours["receive_scale"]) == (theirs["receive_scale"], theirs["send_scale"]), f"window scale: {where}")
    # RFC 4898's counter in the kernel begins at the ISS, so that the SYN of the side that connects is one byte of what was acknowledged. Ours counts data only.
    syn = 0 if connects else 1
    _net.expect(theirs["bytes_acked"] - syn == ours["bytes_received"] and ours["bytes_acked"] == theirs["bytes_received"], f"bytes: {where}")
    pairs = 30 * 2 * ours["mss"]
    _net.expect(ours["bytes_acked"] == 300_000 + pairs and ours["bytes_received"] == 200_000 + pairs, f"bytes sent: {where}")
    rtt, expected = ours["srtt_us"] / 1000, theirs["rtt"]
    _net.expect(abs(rtt - expected) <= 0.1 * expected and 40 <= rtt < 48, f"rtt {rtt} and {expected}: {where}")


def test(_):
    _path.prepare()
    _path.sysctl(tcp_congestion_control="reno")
    with _path.Relay("--delay", 20):
        for connects in (False, True):
            for timestamps in (0, 1):
                _path.sysctl(tcp_timestamps=timestamps)
                with _peer.Pair(connects) as pair:
                    pair.strata_sends(300_000)
                    pair.kernel_sends(200_000)
                    # Two full segments are acknowledged at once (RFC 9293 §3.8.6.3): no delayed ACK is part of what either side measures.
                    for _ in range(30):
                        pair.strata_sends(2 * (1448 if timestamps else 1460))
                        pair.kernel_sends(2 * (1448 if timestamps else 1460))
                    compare(pair, connects, timestamps)


_net.run(test, "ss")
