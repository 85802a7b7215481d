#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the tests of one build folder and counts Catch2's cases and script tests alike: what scripts/test calls.

run_tests.py BUILD_DIR [--label L]... [--no-skip L]... [--regex R] [--jobs N] [--title T] --counts FILE

A script test says 77 when it cannot run here, with the reason in its last line. Appends `passed failed skipped` to FILE.
"""
import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as tree

out = threading.Lock()


class Result:
    def __init__(self):
        self.passed = 0
        self.failed = []    # (name, text)
        self.skipped = []   # (name, reason)


def one_line(text):
    return " ".join(text.split())


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def run(command, env, timeout, cwd):
    """Exit code (None: timed out) and everything that was printed."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, cwd=cwd, start_new_session=True)
    try:
        text = process.communicate(timeout=timeout)[0]
        return process.returncode, text.decode(errors="replace")
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 15)
        try:
            text = process.communicate(timeout=10)[0]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            text = process.communicate()[0]
        return None, text.decode(errors="replace") + f"\nno end after {timeout} s"


def quoted(name):
    """A case's name as Catch2's input file takes it: nothing in it is a pattern."""
    return '"' + re.sub(r'([\\",\[\]*~])', r"\\\1", name) + '"'


def catch2_cases(test, matches):
    """The names of the cases that match, or None for all."""
    if matches is None or matches.search(test["name"]):
        return None
    listing = subprocess.run(test["command"] + ["--list-tests", "--reporter", "xml"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    names = [node.text for node in tree.fromstring(listing.stdout).iter("Name")]
    return [name for name in names if name and matches.search(f"{test['name']}: {name}")]


def run_catch2(test, cases, result, folder):
    report = os.path.join(folder, test["name"] + ".xml")
    command = test["command"] + ["--reporter", f"xml::out={report}", "--reporter", "console"]
    if cases is not None:
        chosen = os.path.join(folder, test["name"] + ".cases")
        with open(chosen, "w", encoding="utf-8") as file:
            file.writelines(quoted(name) + "\n" for name in cases)
        command += ["--input-file", chosen]
    code, text = run(command, test["env"], test["timeout"], test["cwd"])
    failed = 0
    last = None
    try:
        for event, node in tree.iterparse(report, events=("start", "end")):
            if node.tag != "TestCase":
                continue
            last = node.get("name") if event == "start" else None
            if event == "start":
                continue
            name, overall = node.get("name"), node.find("OverallResult")
            if overall.get("success") != "true":
                failed += 1
                result.failed.append((f"{test['name']}: {name}", ""))
            elif int(overall.get("skips", "0")) > 0:
                reason = next((one_line(skip.text or "") for skip in node.iter("Skip")), "no reason given")
                result.skipped.append((f"{test['name']}: {name}", reason))
            else:
                result.passed += 1
    except (tree.ParseError, OSError):
        pass  # cut short: the code below says so
    if code not in (0, 4) and failed == 0:
        result.failed.append((f"{test['name']}: {last or 'the program'} (exit code {code})", ""))
    if result.failed:
        result.failed[-1] = (result.failed[-1][0], text)


def run_script(test, result):
    code, text = run(test["command"], test["env"], test["timeout"], test["cwd"])
    if code == 0:
        result.passed += 1
    elif code == test["skip"]:
        result.skipped.append((test["name"], last_line(text)))
    else:
        result.failed.append((test["name"], text + f"\nexit code {code}"))


def run_test(test, cases, no_skip, folder):
    result, start = Result(), time.monotonic()
    if "catch2" in test["labels"]:
        run_catch2(test, cases, result, folder)
    else:
        run_script(test, result)
    with out:
        for name, reason in result.skipped:
            print(f"skipped {name}: {reason}")
        if no_skip & set(test["labels"]):
            result.failed += [(f"{name}: must not be skipped here", reason) for name, reason in result.skipped]
            result.skipped = []
        for name, text in result.failed:
            print(f"FAILED {name}" + ("\n" + text.rstrip() if text else ""))
        print(f"{test['name']}: {result.passed} passed, {len(result.failed)} failed, {len(result.skipped)} skipped ({time.monotonic() - start:.1f} s)", flush=True)
    return result


def read_tests(build, labels):
    """What ctest knows, in one dict a test."""
    listing = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    tests = []
    for entry in json.loads(listing.stdout)["tests"]:
        properties = {p["name"]: p["value"] for p in entry.get("properties", [])}
        if labels and not labels & set(properties.get("LABELS", [])):
            continue
        env = dict(os.environ)
        env.update(variable.split("=", 1) for variable in properties.get("ENVIRONMENT", []))
        env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
        tests.append({
            "name": entry["name"], "command": entry.get("command"), "labels": properties.get("LABELS", []), "env": env,
            "timeout": float(properties.get("TIMEOUT", 600)), "cwd": properties.get("WORKING_DIRECTORY", build),
            "skip": int(properties.get("SKIP_RETURN_CODE", 77)), "locks": set(properties.get("RESOURCE_LOCK", [])),
        })
    return tests


def run_all(pool, jobs, work, run_one):
    """The results of run_one(test, cases) for all of `work`, `jobs` at a time. A test whose lock another one holds lets those behind it pass."""
    waiting, running, results = list(work), {}, []
    while waiting or running:
        for entry in list(waiting):
            held = set().union(*(test["locks"] for test, _ in running.values()))
            if len(running) < jobs and not held & entry[0]["locks"]:
                waiting.remove(entry)
                running[pool.submit(run_one, *entry)] = entry
        done = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED).done
        for job in done:
            del running[job]
            results.append(job.result())
    return results


def main():
    options = argparse.ArgumentParser()
    options.add_argument("build")
    options.add_argument("--label", action="append", default=[])
    options.add_argument("--no-skip", action="append", default=[])
    options.add_argument("--regex")
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--counts", required=True)
    given = options.parse_args()
    matches = re.compile(given.regex) if given.regex else None

    work, results = [], []
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
        for test in read_tests(given.build, set(given.label)):
            if not test["command"] or not os.path.exists(test["command"][0]):
                result = Result()
                result.failed.append((test["name"], "was not built"))
                print(f"FAILED {test['name']}: was not built", flush=True)
                results.append(result)
                continue
            cases = None
            if "catch2" in test["labels"]:
                cases = catch2_cases(test, matches)
                if cases == []:
                    continue
            elif matches and not matches.search(test["name"]):
                continue
            work.append((test, cases))
        results += run_all(pool, given.jobs, work, lambda test, cases: run_test(test, cases, set(given.no_skip), folder))
    with open(given.counts, "a", encoding="utf-8") as counts:
        counts.write(f"{sum(r.passed for r in results)} {sum(len(r.failed) for r in results)} {sum(len(r.skipped) for r in results)}\n")
    return 0


sys.exit(main())
