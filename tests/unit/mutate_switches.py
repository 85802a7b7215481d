# SPDX-License-Identifier: MIT
"""A mutant that is chosen while a program runs does what it does when it is compiled alone: a third of those of a small header, by what a program prints. mutate_switches.py SCRIPTS"""
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from mutants import Mutant, candidates  # noqa: E402
import mutate_switches as switches  # noqa: E402

HEADER = """#pragma once
struct pair { int a, b; };
inline int between(int low, int high) { return high - low; }
inline bool is_odd(const pair& p) { return p.a % 2 != 0 || p.b % 2 != 0; }
inline int several(int x, int y) {
  int sum = 0, last{3};
  if (const int d = x - y; d > 0 && !is_odd({x, y})) sum += d * 2;
  else if (x == y) return sum + 1;
  for (int i = 0; i < 3; ++i, sum += i, last = i) {
    if (i == y) continue;  // not this one
    sum += between(x, y) + last;
  }
  const auto f = [&](int z) { return z < x ? between(y, z) : z; };
  pair p{.a = x + sum, .b = f(y - last)};
  p.a = is_odd(p)  // it has a comment, and "a word"
            ? p.b : x;
  if (p.a >= p.b
      || last != 2) p.b -= last;
  while (sum > 100) sum = sum / 2;
  last <<= 1;
  return pair{p.a, p.b}.b - sum + last;
}
constexpr int fixed(int x) { return x < 10 ? x + 1 : 0; }
inline int known(int x) { constexpr int two = fixed(1); return x + two; }
"""
PROGRAM = """#include <cstdio>
#include "sample.hpp"
int main() {
  for (int x = -2; x < 5; ++x)
    for (int y = -2; y < 5; ++y) std::printf("%d %d ", several(x, y), known(x));
}
"""
compiler = shutil.which("g++-12") or shutil.which("g++")
if compiler is None:
    print("skipped: there is no g++")
    sys.exit(77)


def built(folder, name, header, more=()):
    with open(os.path.join(folder, "sample.hpp"), "w", encoding="utf-8") as file:
        file.write(header)
    program = os.path.join(folder, name)
    done = subprocess.run([compiler, "-std=c++20", "-Werror=return-type", f"-I{folder}", *more, os.path.join(folder, "program.cpp"), "-o", program], capture_output=True, text=True, check=False)
    return program if done.returncode == 0 else done.stderr


def says(program, **environment):
    try:
        return subprocess.run([program], env={**os.environ, **environment}, capture_output=True, timeout=2, check=False).stdout
    except subprocess.TimeoutExpired:
        return "for ever"


with tempfile.TemporaryDirectory() as folder:
    for name, text in (("program.cpp", PROGRAM), ("asked.hpp", switches.ASKED), ("answer.cpp", switches.ANSWER % 1000)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    mutants = [Mutant("sample.hpp", line, operator, lines, after, change)
               for line, lines, found in candidates(HEADER) for operator, those in found.items() for after, change in those][::3]
    alone = {}
    for number, mutant in enumerate(mutants, 1):
        program = built(folder, f"alone{number}", mutant.text)
        if program.endswith(f"alone{number}"):
            alone[number] = says(program)
    held = switches.choices(HEADER, [(n, mutants[n - 1]) for n in alone])
    text = switches.written(HEADER, held)
    assert text.count("\n") == HEADER.count("\n"), "a line moved"
    together = built(folder, "together", text, ["-include", os.path.join(folder, "asked.hpp"), os.path.join(folder, "answer.cpp")])
    assert together.endswith("together"), together
    plain = built(folder, "plain", HEADER)
    reached = os.path.join(folder, "reached")
    assert says(together, STRATA_REACHED=reached) == says(plain), "without a choice it is another program"
    with open(reached, "rb") as file:
        came_by = file.read()
    wrong = 0
    for choice in held:
        n = choice.number
        chosen = says(together, STRATA_MUTANT=str(n))
        if came_by[n] and chosen != alone[n]:
            wrong += 1
            print(f"FAILED: {mutants[n - 1].before.strip()} => {mutants[n - 1].after.strip()}")
        if not came_by[n] and chosen != says(plain):
            wrong += 1
            print(f"FAILED: not reached, and does something: {mutants[n - 1].after.strip()}")
    differ = sum(alone[c.number] != says(plain) for c in held)
    print(f"mutants={len(mutants)} alone={len(alone)} together={len(held)} reached={sum(came_by)} differ={differ} wrong={wrong}")
    sys.exit(0 if wrong == 0 and len(held) > 30 and differ > 20 else 1)
