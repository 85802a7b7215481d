#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""mixed_builds.py INCLUDE_DIR WORK_DIR: which units link with which, under both compilers.

Units that share a strata type and differ in instruction set or checks do not link; units that share none live side by side.
"""
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
COMPILERS = {"g++": ("g++-12", "g++"), "clang": ("clang++-16", "clang++")}
CHECK = "-DSTRATA_LINK_CHECK"
MIXED = "strata_abi_is_mixed"

# what, source, flags of one unit, flags of the other, what the linker must say (nothing: it links and the program returns 0)
CASES = [
    ("the same flags", "passes.cpp", [], [], None),
    ("the same instruction set", "passes.cpp", ["-mavx2"], ["-mavx2"], None),
    ("STRATA_CHECKS set, NDEBUG differs", "passes.cpp", ["-DSTRATA_CHECKS=1", "-DNDEBUG"], ["-DSTRATA_CHECKS=1"], None),
    ("another instruction set", "passes.cpp", ["-mavx2"], [], "chunks_of"),
    ("another instruction set, the other way round", "passes.cpp", [], ["-mavx2"], "chunks_of"),
    ("other checks", "passes.cpp", ["-DSTRATA_CHECKS=0"], ["-DSTRATA_CHECKS=1"], "chunks_of"),
    ("NDEBUG differs and nobody says STRATA_CHECKS", "passes.cpp", ["-DNDEBUG"], [], "chunks_of"),
    ("hidden, the same flags", "hides.cpp", [CHECK], [CHECK], None),
    ("hidden, STRATA_CHECKS set, NDEBUG differs", "hides.cpp", [CHECK, "-DSTRATA_CHECKS=0", "-DNDEBUG"], [CHECK, "-DSTRATA_CHECKS=0"], None),
    ("hidden, another instruction set", "hides.cpp", [CHECK, "-mavx2"], [CHECK], MIXED),
    ("hidden, other checks", "hides.cpp", [CHECK, "-DSTRATA_CHECKS=1"], [CHECK, "-DSTRATA_CHECKS=0"], MIXED),
    ("nothing shared, other checks", "shares_none.cpp", ["-DSTRATA_CHECKS=1"], ["-DSTRATA_CHECKS=0"], None),
    ("nothing shared, other checks, optimised", "shares_none.cpp", ["-O2", "-DSTRATA_CHECKS=1"], ["-O2", "-DSTRATA_CHECKS=0"], None),
]
AVX2_CASE = ("nothing shared, other checks and instruction set", "shares_none.cpp", ["-DSTRATA_CHECKS=1"], ["-mavx2", "-DSTRATA_CHECKS=0"], None)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def main():
    include, work = sys.argv[1:]
    os.makedirs(work, exist_ok=True)
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        cases = CASES + ([AVX2_CASE] if " avx2 " in info.read() else [])
    failed = tried = 0
    for name, candidates in COMPILERS.items():
        compiler = next(filter(None, map(shutil.which, candidates)), None)
        if compiler is None:
            print(f"{name} is not installed")
            continue
        tried += 1
        compiled = {}
        for what, source, first, second, wanted in cases:
            units = []
            program = os.path.join(work, name + ".program")
            for flags in (tuple(first), ("-DOTHER", *second)):
                unit = compiled.get((source, flags))
                if unit is None:
                    unit = compiled[source, flags] = os.path.join(work, f"{name}.{len(compiled)}.o")
                    code, text = run(compiler, "-std=c++20", "-I" + include, *flags, "-c", os.path.join(HERE, source), "-o", unit)
                    if code != 0:
                        print(f"{name}: {what}: does not compile:\n{text}")
                        return 1
                units.append(unit)
            code, text = run(compiler, *units, "-o", program)
            if wanted is None:
                ok = code == 0
                if ok:
                    code, text = run(program)
                    ok = code == 0
                    text = text or f"the program returned {code}"
            else:
                ok = code != 0 and wanted in text
                text = text or "it links"
            if not ok:
                failed += 1
                print(f"{name}: {what}: {text}")
    if tried == 0:
        print("skipped: neither g++ nor clang++-16 is installed")
        return 77
    return 1 if failed else 0


sys.exit(main())
