# SPDX-License-Identifier: MIT
"""What scripts/bench does with numbers: merges results, writes the table, counts instructions against the baseline."""
import argparse
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BASELINE = ROOT / "bench" / "instructions.json"
FLAGS = "-std=c++20 -O3 -march=x86-64-v3 -DNDEBUG -fno-exceptions -fno-rtti"  # valgrind knows no AVX-512
GROWTH = 1.03
TRAINS = 0.6  # of the instructions of a segment by itself: what one in a train may cost
SLOWER = 1.10


def last(rows, slower, code):
    print(f"bench rows={rows} slower={slower}")
    sys.exit(code)


def times(work, skipped):
    old = {}
    target = work / "results.json"
    if target.exists():
        old = {b["name"]: b["real_time"] for b in json.loads(target.read_text())["benchmarks"]}
    merged = None
    for part in sorted(work.glob("*.json")):
        if part.name == "results.json":
            continue
        text = part.read_text()
        if not text.strip():
            continue
        data = json.loads(text)
        if merged is None:
            merged = data
        else:
            merged["benchmarks"] += data["benchmarks"]
        part.unlink()
    if skipped and (merged is None or not merged["benchmarks"]):
        last(0, 0, 77)
    if merged is None or not merged["benchmarks"]:
        print("bench: error: no row ran (filter); is there one that matches?", file=sys.stderr)
        last(0, 0, 1)
    target.write_text(json.dumps(merged, indent=1) + "\n")
    lines = ["| row | time | per segment | beside the first of its group | how |", "|---|---|---|---|---|"]
    slower = broken = 0
    for b in merged["benchmarks"]:
        if b.get("error_occurred"):
            broken += 1
            print(f"bench: error: {b['name']}: {b['error_message']} (run); it has no time", file=sys.stderr)
            lines.append(f"| {b['name']} | {b['error_message']} | | | |")
            continue
        per = f"{b['ns_per_segment']:.0f} ns" if "ns_per_segment" in b else ""
        beside = f"{b['more_ns']:+.0f} ns, x {b['times']:.2f}" if "times" in b else ""
        lines.append(f"| {b['name']} | {b['real_time']:.1f} {b['time_unit']} | {per} | {beside} | {b.get('label', '')} |")
        if b["name"] in old and b["real_time"] > old[b["name"]] * SLOWER:
            slower += 1
    (work / "table.md").write_text("\n".join(lines) + "\n")
    last(len(merged["benchmarks"]), slower, 1 if broken else 0)


def instructions(work, update, pattern):
    compiler = subprocess.run(["g++", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    number = re.search(r"(\d+)\.\d+\.\d+", compiler)
    compiler = f"g++ {number.group(1)}" if number else compiler
    baseline = json.loads(BASELINE.read_text()) if BASELINE.exists() else None
    if baseline and not update and baseline["compiler"] != compiler:
        print(f"bench: skipped: the baseline is of {baseline['compiler']}, this is {compiler}; update it with --instructions --update", file=sys.stderr)
        last(0, 0, 77)
    rows = []  # name, program, rounds
    for source in sorted((ROOT / "bench").glob("instructions*.cpp")):
        program = work / source.stem
        build = subprocess.run(["g++", *FLAGS.split(), f"-I{ROOT / 'include'}", str(source), "-o", str(program)])
        if build.returncode != 0:
            last(0, 0, 1)
        listed = subprocess.run([str(program)], capture_output=True, text=True).stdout.split("\n")
        rounds = int(next(line for line in listed if line.startswith("rounds ")).split()[1])
        rows += [(line, program, rounds) for line in listed if line and not line.startswith("rounds ") and (not pattern or re.search(pattern, line))]
    counts, slower = {}, 0
    for name, program, rounds in rows:
        run = subprocess.run(["valgrind", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=measured*",
                              f"--callgrind-out-file={work / 'callgrind.out'}", str(program), name], capture_output=True, text=True)
        found = re.search(r"Collected : (\d+)", run.stderr)
        if run.returncode != 0 or not found:
            print(run.stderr, file=sys.stderr)
            last(len(counts), slower, 1)
        counts[name] = round(int(found.group(1)) / rounds)
        before = baseline["rows"].get(name) if baseline else None
        grew = before is not None and not update and counts[name] > before * GROWTH
        slower += grew
        print(f"instructions row={name} count={counts[name]} baseline={before if before is not None else 'none'}{' GREW' if grew else ''}", flush=True)
    plain, trains = counts.get("tcp_bulk_segment"), counts.get("tcp_bulk_segment_trains")
    if plain and trains:
        print(f"instructions trains={100 * trains / plain:.1f}% of segments by themselves, at most {TRAINS:.0%}")
        slower += trains > TRAINS * plain
    if update:
        BASELINE.write_text(json.dumps({"compiler": compiler, "flags": FLAGS, "rows": counts}, indent=1) + "\n")
    last(len(counts), slower, 1 if slower or not counts else 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["times", "instructions"])
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--skipped", action="store_true", help="a program could not run here")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--filter", default="")
    args = parser.parse_args()
    if args.what == "times":
        times(args.work, args.skipped)
    else:
        instructions(args.work, args.update, args.filter)


main()
