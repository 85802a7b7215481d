# SPDX-License-Identifier: MIT
"""journey and swap, which need no network and no privilege: rows in the kernel's order and with its names, both formats, texts of every kind, one seed one
journey; every Config of swap delivers the same bytes."""
import json
import re
import subprocess

import _net

# A write's way down and a frame's way up, as the kernel's functions are called.
DOWN = ["security_socket_sendmsg", "lock_sock", "sk_stream_memory_free", "tcp_stream_alloc_skb", "tcp_skb_entail", "skb_copy_to_page_nocache", "tcp_push", "tcp_write_xmit",
        "skb_clone", "__tcp_transmit_skb", "tcp_v4_send_check", "__ip_queue_xmit", "ip_send_check", "ip_local_out", "ip_finish_output", "ip_finish_output2", "__dev_queue_xmit",
        "__qdisc_run", "dev_hard_start_xmit", "tcp_wfree"]
# The data, then the acknowledgment's way back.
UP = ["napi_poll", "eth_type_trans", "ip_rcv", "ip_local_deliver_finish", "__inet_lookup_skb", "tcp_rcv_established", "tcp_data_queue", "sk_data_ready", "tcp_send_ack",
      "napi_poll", "tcp_rcv_established", "tcp_ack"]
ONLY_SOMETIMES = {"tso_fragment", "validate_xmit_skb", "__tcp_retransmit_skb", "tcp_rcv_state_process", "sk_add_backlog", "tcp_gro_receive", "nf_hook_slow",
                  "ip_do_fragment", "ip_forward", "ip_defrag", "icmp_rcv", "raw_sendmsg", "raw_local_deliver"}


def run(name, *words, code=0):
    done = subprocess.run([str(_net.EXAMPLES / name), *words], capture_output=True, text=True, timeout=120)
    _net.expect(done.returncode == code, f"{name} {words}: {done.returncode} {done.stderr}")
    return done.stdout.splitlines()


def is_part_of(wanted, names):
    rest = iter(names)
    return all(name in rest for name in wanted)


def journeys(folder):
    plain = run("journey")
    *rows, last = plain
    fields = [row.split(maxsplit=6) for row in rows]
    _net.expect(last == f"journey delivered=5 of=5 equal=yes steps={len(rows)}", last)
    _net.expect([int(f[0]) for f in fields] == list(range(1, len(rows) + 1)), "rows are not numbered")
    times = [int(f[1]) for f in fields]
    _net.expect(times[0] == 0 and times == sorted(times), "time does not begin with the first row, or runs back")
    names = [f[5] for f in fields]
    _net.expect(is_part_of(DOWN, names) and is_part_of(UP, names), f"not in the kernel's order: {names}")

    listed = {row.split()[4] for row in run("journey", "--list")}
    _net.expect(listed - set(names) == ONLY_SOMETIMES, f"steps that are listed and not seen: {listed - set(names)}")
    order = [row.split()[4] for row in run("journey", "--list")]
    _net.expect(is_part_of(DOWN, order), f"the list is not in the kernel's order: {order}")
    _net.expect(len([json.loads(row) for row in run("journey", "--list", "--format", "jsonl")]) == len(order), "--list as JSON differs")

    *lines, last_of_json = run("journey", "--format", "jsonl")
    _net.expect(last_of_json == last, "the formats end differently")
    for row, line in zip(fields, map(json.loads, lines), strict=True):
        _net.expect({"n", "ns", "way", "layer", "function", "linux", "bytes", "seq", "ack", "chunk"} <= line.keys(), f"keys are missing: {line}")
        _net.expect([line["n"], line["way"], line["layer"], line["function"], line["linux"]] == [int(row[0]), *row[2:6]], f"the formats differ: {row} {line}")
    for way in ("down", "up"):
        *some, _ = run("journey", "--way", way)
        _net.expect([row.split()[3:6] for row in some] == [f[3:6] for f in fields if f[2] == way], f"--way {way} is not that part")

    without_time = lambda lines: [re.sub(r'^( *\d+) +\d+|"ns":\d+', r"\1", line) for line in lines]
    for seed in ("0", "1", "18446744073709551615"):
        first, again = (run("journey", "--seed", seed, "--text", "again", "--pcap", str(folder / name)) for name in ("first", "again"))
        _net.expect(without_time(first) == without_time(again), f"seed {seed}: another journey")
        _net.expect((folder / "first").read_bytes() == (folder / "again").read_bytes(), f"seed {seed}: other frames")
    _net.expect(any(b"again" in frame for frame in _net.frames(folder / "first")), "the text is not in the capture")
    _net.expect(without_time(run("journey", "--seed", "2")) != without_time(plain), "another seed is the same journey")

    for text in ("x", "\u00fc\u65e5\u672c", "a=b", "a b", "'\"\\", "\n\n", " ", "y" * 100_000):
        size = len(text.encode())
        for form in ("text", "jsonl"):
            last = run("journey", "--text", text, "--format", form)[-1]
            _net.expect(last.startswith(f"journey delivered={size} of={size} equal=yes steps="), f"{text[:9]!r}: {last}")
    for step in order:
        *some, last = run("journey", "--without", step)
        _net.expect("equal=yes" in last and not any(row.split()[5] == step for row in some), f"--without {step}")


def swaps():
    *lines, last = run("swap", "--format", "jsonl")
    rows = [json.loads(line) for line in lines]
    _net.expect(last == f"swap configs={len(rows)} delivered=all" and len(rows) > 5, last)
    _net.expect({row["sha256"] for row in rows} == {rows[0]["sha256"]} and {row["delivered"] for row in rows} == {1 << 20}, "the bytes differ")
    for row in rows:
        _net.expect((row["changed"] == "") == (row["config"] == "base") and row["stack_bytes"] > 0 and row["tcb_bytes"] > 0 and row["text_bytes"] > 0, f"a row lacks something: {row}")
        built = _net.EXAMPLES / "CMakeFiles" / "swap_units.dir" / "swap" / f"{row['config']}.cpp.o"
        if built.exists():
            sections = subprocess.run(["size", "-A", str(built)], capture_output=True, text=True).stdout
            _net.expect(row["text_bytes"] == sum(int(line.split()[1]) for line in sections.splitlines() if line.startswith(".text")), f"text_bytes is not the object file's: {row}")
    shown = run("swap", "--bytes", "1")
    _net.expect(re.match(r'config=base changed="" stack_bytes=\d+ tcb_bytes=\d+ text_bytes=\d+ delivered=1 sha256=[0-9a-f]{64}$', shown[0]), shown[0])


def test(folder):
    journeys(folder)
    swaps()


_net.in_a_folder(test)
