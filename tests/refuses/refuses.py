#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""refuses.py INCLUDE_DIR PRECOMPILED_DIR CASE.cpp: wrong code is refused, in words that help.
refuses.py INCLUDE_DIR PRECOMPILED_DIR: the umbrella header is precompiled there for the cases, half of whose time it would take.

With -DFIXED the case compiles without a warning. Without it the compiler fails, and its message holds the text of each line

    // expect: TEXT            both compilers
    // expect g++: TEXT        one of them (g++ or clang)

with at most 12 lines that say `error:` before it. Exit code 77 when neither compiler is here; a missing one is named.
"""
import os
import re
import shutil
import subprocess
import sys

FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Werror", "-fno-exceptions", "-fno-rtti",
         "-fdiagnostics-color=never", "-O0", "-c", "-o", "/dev/null"]
COMPILERS = {"g++": ("g++-12", "g++"), "clang": ("clang++-16", "clang++")}
MOST_ERRORS_BEFORE = 12


UMBRELLA = "#include <strata/strata.hpp>\n"


def compile_case(compiler, include, case, *more):
    done = subprocess.run([compiler, *FLAGS, "-I" + include, *more, case], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin:/usr/local/bin", "LC_ALL": "C"})
    return done.returncode, done.stdout + done.stderr


def precompiled(name, folder):
    """What a compiler is told of the umbrella header that was precompiled for it, and where that is."""
    header = os.path.join(folder, "umbrella.hpp")
    if name == "clang":
        return ["-include-pch", header + ".pch"], header + ".pch"
    return ["-include", header], header + ".gch"


def precompile(here, include, folder):
    os.makedirs(folder, exist_ok=True)
    header = os.path.join(folder, "umbrella.hpp")
    with open(header, "w", encoding="utf-8") as file:
        file.write(UMBRELLA)
    for name, compiler in here.items():
        code, text = compile_case(compiler, include, header, "-x", "c++-header", "-o", precompiled(name, folder)[1])
        if code != 0:
            print(text)
            return 1
    return 0


def main():
    include, folder, *cases = sys.argv[1:]
    here = {name: path for name, candidates in COMPILERS.items() for path in [next(filter(None, map(shutil.which, candidates)), None)] if path}
    if not cases:
        return precompile(here, include, folder)
    case = cases[0]
    with open(case, encoding="utf-8") as source:
        text = source.read()
    wanted = re.findall(r"^// expect(?: (g\+\+|clang))?: (.*\S)\s*$", text, re.M)
    has_umbrella = UMBRELLA in text
    failed = []
    for name, compiler in here.items():
        known, file = precompiled(name, folder)
        if not has_umbrella or not os.path.exists(file):
            known = []
        code, text = compile_case(compiler, include, case, *known, "-DFIXED")
        if code != 0:
            failed.append(f"{name}: the fixed case does not compile:\n{text}")
        code, text = compile_case(compiler, include, case, *known)
        if code == 0:
            failed.append(f"{name}: the wrong case compiles")
            continue
        texts = [words for only, words in wanted if only in ("", name)]
        if not texts:
            failed.append(f"{name}: the case expects no text")
        # What the source itself says is no message: a compiler quotes it behind a line number (g++) or as it is (clang).
        with open(case, encoding="utf-8") as source:
            own = {line.strip() for line in source if line.strip()}
        lines = [line for line in text.splitlines() if line.strip() not in own and not re.match(r"\s*\d* \|", line)]
        for words in texts:
            at = next((n for n, line in enumerate(lines) if words in line), None)
            if at is None:
                failed.append(f"{name}: never says `{words}':\n{text}")
                continue
            before = sum("error:" in line for line in lines[:at])
            if before > MOST_ERRORS_BEFORE:
                failed.append(f"{name}: says `{words}' after {before} errors")
    for name in COMPILERS:
        if name not in here:
            print(f"{name} is not installed")
    print("\n".join(failed))
    if failed:
        return 1
    if not here:
        print("skipped: neither g++ nor clang++-16 is installed")
        return 77
    return 0


sys.exit(main())
