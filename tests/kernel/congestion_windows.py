# SPDX-License-Identifier: MIT
"""The congestion windows of strata and of the kernel, each as the sender over the same scripted losses: after each recovery, with everything acknowledged, they
differ by at most two segments. Both are NewReno (RFC 6582): the kernel is on reno, without SACK.

What is made equal: the kernel acknowledges every segment (quickack on the route). strata opens by one segment an ACK in slow start (RFC 5681 equation (2)), the kernel
by what an ACK covers; with an ACK for each segment that is the same, and with strata's delayed ACKs the kernel counts both segments.
What stays different, by a segment or two: strata halves what is outstanding (RFC 5681 equation (4)), the kernel its cwnd; the kernel leaves recovery with cwnd =
ssthresh, strata with the smaller of that and what is outstanding + 1 (RFC 6582 §3.2 (3), its first way); strata's windows are bytes, so that a half segment may be
left. After a loss with too little behind it for three duplicates, which ends by a timeout, equation (4) takes strata's ssthresh to half of the few segments that
are outstanding, where the kernel takes half of its cwnd: no such tail is part of the script."""
import _net
import _path
import _peer

MSS = 1448
# Data segments that are lost, by number, and how many are sent until it is quiet again.
SCRIPTS = {"one": ("12", (60,)), "two of a window": ("12,15", (60,)), "one after the other": ("12,72,132", (60, 60, 60))}


def windows(sender, losses, rounds):
    found = []
    with _path.Relay("--delay", 5, "--drop-a" if sender == "strata" else "--drop-b", losses) as relay, _peer.Pair(False, reads_along=sender == "kernel") as pair:
        for n in rounds:
            (pair.strata_sends if sender == "strata" else pair.kernel_sends)(n * MSS)
            if sender == "strata":
                ours = pair.ours()
                found.append((ours["cwnd"] / MSS, ours["ssthresh"] / MSS, ours["retransmitted"]))
            else:
                theirs = pair.theirs()
                _net.expect(theirs["mss"] == MSS and " reno" in theirs["text"], theirs["text"])
                found.append((theirs["cwnd"], theirs["ssthresh"], theirs["bytes_retrans"] / MSS))
    wanted = losses.count(",") + 1
    _net.expect(relay.by == {"script": wanted} and found[-1][2] == wanted, f"{sender} lost {relay.by}, not {wanted}; sent again: {found}")
    return found


def test(_):
    _path.prepare()
    _path.sysctl(tcp_congestion_control="reno", tcp_sack=0, tcp_timestamps=1, tcp_no_metrics_save=1)
    _net.sh("ip", "route", "replace", f"{_net.STRATA}/32", "dev", "tap0", "src", _net.KERNEL, "quickack", "1")
    for name, (losses, rounds) in SCRIPTS.items():
        ours, theirs = windows("strata", losses, rounds), windows("kernel", losses, rounds)
        print(name, "cwnd, ssthresh, sent again: strata", ours, "kernel", theirs)
        for (a, *_), (b, *_) in zip(ours, theirs):
            _net.expect(abs(a - b) <= 2, f"{name}: cwnd of strata {a}, of the kernel {b}")


_net.run(test, "ss")
