# SPDX-License-Identifier: MIT
"""The programs that judge mutants: each suite with all of them inside, or units with one that is compiled alone."""
import concurrent.futures
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

import mutate_switches as switches
from mutate_suites import ROOT

COMPILER = shutil.which("g++-12") or shutil.which("g++")
FLAGS = ["-std=c++20", "-fno-exceptions", "-fno-rtti", "-Werror=return-type", f'-DSTRATA_TESTS_DIR="{ROOT}/tests"', f'-DSTRATA_BUILD_DIR="{ROOT}/build/release"']
# What most units read before strata's headers: precompiled, a fifth of the time of a mutant is saved.
COMMON = "".join(f"#include <{h}>\n" for h in "algorithm array atomic functional map memory optional set source_location span string vector catch2/catch_test_macros.hpp".split())
TYPES_DIFFER = "operands to|no match for|invalid|cannot (?:convert|bind)|could not convert|no matching|lvalue required|use of deleted"
NO_RETURN = "control reaches end of non-void function"
PLAYERS, FIRST_NUMBERS = "tests/script/player.hpp", "tests/script/player_v4.cpp"


def limited():
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


stopped = threading.Event()


def run(command, seconds, output=subprocess.DEVNULL, **environment):
    """Exit code, or None when the time is over; and the CPU seconds that its end has cost, by its own clock."""
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                               preexec_fn=limited)
    until = time.monotonic() + seconds
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid != 0:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, usage.ru_utime + usage.ru_stime
        if stopped.is_set() or time.monotonic() > until:
            os.killpg(process.pid, signal.SIGKILL)
            _, _, usage = os.wait4(process.pid, 0)
            process.returncode = -signal.SIGKILL
            return None, usage.ru_utime + usage.ru_stime
        time.sleep(0.01)


def errors(log):
    """(header, line, text) of each error: the place in our headers where it is, or from where what has it was instantiated."""
    called = None
    for place, line, text in re.findall(r"^(\S+?):(\d+):\d+: +(required from|error: .*)", log, re.M):
        ours = re.search(r"/include/strata/(\S+)$", place)
        if text == "required from":
            called = called or (ours and (ours[1], line))
            continue
        at = (ours[1], line) if ours else called
        if at:
            yield (*at, text.removeprefix("error: "))
        called = None


class Bench:
    """One mutant at a time that is compiled alone, in a folder with a copy of the headers."""

    def __init__(self, folder, shared):
        self.folder, self.shared = folder, shared
        self.cpu, self.own = 0.0, {}
        os.makedirs(folder)
        shutil.copytree(os.path.join(ROOT, "include"), os.path.join(folder, "include"))

    def mutate(self, header, text):
        self.own = {}
        with open(os.path.join(self.folder, "include/strata", header), "w", encoding="utf-8") as file:
            file.write(text)

    def mutated(self, source, optimise):
        """The unit with the mutant, compiled once however many suites have it; None if it does not compile."""
        key = source + optimise
        if key not in self.own:
            target = os.path.join(self.folder, re.sub(r"\W", "_", key) + ".o")
            done, cpu = self.shared.compile(source, os.path.join(self.folder, "include"), optimise, target)
            self.cpu += cpu
            self.own[key] = target if done else None
        return self.own[key]

    def meet(self, suite, header):
        """None: it does not compile. True: the tests have noticed. False: they have not."""
        own, objects = [], []
        for source in units_of(suite):
            sees = source in suite.players if suite.players else self.shared.includes(source, header)
            if not sees:
                objects.append(self.shared.object(source, suite.optimise))
                continue
            target = self.mutated(source, suite.optimise)
            if target is None:
                return None
            own.append(target)
        if not own:
            return False
        program = os.path.join(self.folder, suite.name)
        code, cpu = self.shared.link([*own, *objects, *self.shared.stubs(suite)], program)
        self.cpu += cpu
        if code != 0:
            return None
        code, cpu = run([program, "--abort", "--allow-running-no-tests"], self.shared.patience(suite))
        self.cpu += cpu
        os.remove(program)
        return code != 0

    def judge(self, suites, mutant):
        """The verdict (None: it does not compile) and by whom."""
        if not any(self.shared.includes(s, mutant.header) for suite in suites for s in suite.players or suite.sources):
            return None, "none"
        self.mutate(mutant.header, mutant.text)
        verdict, by = False, "none"
        for suite in suites:
            self.shared.prepare(suite)
            verdict = self.meet(suite, mutant.header)
            if verdict is None:
                break
            if verdict:
                by = suite.name
                break
        with open(os.path.join(ROOT, "include/strata", mutant.header), encoding="utf-8") as file:
            self.mutate(mutant.header, file.read())
        return verdict, by


def units_of(suite):
    """A script that says what a SYN's first numbers are asks player_v4 in any case."""
    return [s for s in suite.sources if not suite.players or "/player_" not in s or s in suite.players or s == FIRST_NUMBERS]


class Shared:
    """Each suite as a program, made when it is needed first, with all mutants inside of which one can be chosen as it runs."""

    def __init__(self, folder, jobs, mutants):
        self.folder, self.jobs, self.takes, self.reached, self.needs = folder, jobs, {}, {}, {}
        self.lock, self.first, self.reading, self.making = threading.Lock(), threading.Lock(), threading.Lock(), {}
        self.include = os.path.join(folder, "include")
        shutil.copytree(os.path.join(ROOT, "include"), self.include)
        self.precompiled, self.held, self.written = {}, {}, 0
        for number, mutant in enumerate(mutants, 1):
            mutant.number = number
            self.held.setdefault(mutant.header, []).append(mutant)
        for header, those in self.held.items():
            self.held[header] = switches.choices(self.original(header), [(m.number, m) for m in those])
            self.write(header)
        self.answer = os.path.join(folder, "answer.cpp")
        with open(self.answer, "w", encoding="utf-8") as file:
            file.write(switches.ANSWER % (len(mutants) + 1))

    @staticmethod
    def original(header):
        with open(os.path.join(ROOT, "include/strata", header), encoding="utf-8") as file:
            return file.read()

    def write(self, header):
        path = os.path.join(self.include, "strata", header)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(switches.written(self.original(header), self.held[header]))
        os.replace(path + ".new", path)

    def holds(self, mutant):
        return any(c.number == mutant.number for c in self.held.get(mutant.header, ()))

    def without(self, header, those):
        self.held[header] = [c for c in self.held.get(header, []) if c not in those]
        if those:
            self.write(header)
        return len(those)

    def put_out(self, log, written):
        """What can't be compiled beside the others is out: it is compiled alone. Whether another try makes sense; `written`: how often that was done before the first."""
        with self.lock:
            if self.written != written:
                return True
            guilty = 0
            for header, line, text in errors(log):
                there, at = self.held.get(header, []), int(line)
                those = [c for c in there if at in c.lines]
                if NO_RETURN in text:  # told where the function ends
                    those = sorted((c for c in there if c.drops and c.lines.start <= at), key=lambda c: c.begin)[-1:]
                elif guilty != 0 and not re.match(TYPES_DIFFER, text):
                    continue  # it follows from another one
                elif not those and guilty == 0:  # what is missed here was to be said before
                    those = sorted((c for c in there if c.lines.start < at), key=lambda c: c.begin)[-1:]
                guilty += self.without(header, those)
            if guilty == 0:  # what is named on the way to the error is suspected
                for header, line in set(re.findall(r"/include/strata/(\S+?):(\d+):", log)):
                    guilty += self.without(header, [c for c in self.held.get(header, []) if int(line) in c.lines])
            self.written += guilty
            return guilty != 0

    def common(self, optimise):
        with self.reading:
            if optimise not in self.precompiled:
                header = os.path.join(self.folder, f"common{optimise}.hpp")
                with open(header, "w", encoding="utf-8") as file:
                    file.write(COMMON + switches.ASKED)
                run([COMPILER, *FLAGS, optimise, "-x", "c++-header", header, "-o", header + ".gch"], 300)
                self.precompiled[optimise] = ["-include", header]
            return self.precompiled[optimise]

    def compile(self, source, include, optimise, target, log=subprocess.DEVNULL):
        if os.path.exists(target):
            os.remove(target)
        command = [COMPILER, *FLAGS, optimise, *self.common(optimise), f"-I{include}", f"-I{ROOT}/tests", "-c", os.path.join(ROOT, source), "-o", target]
        code, cpu = run(command, 300, log)
        return code == 0, cpu

    @staticmethod
    def link(objects, program):
        return run([COMPILER, *objects, "-lCatch2Main", "-lCatch2", "-o", program], 120)

    def prepare(self, suite):
        """The tests pass without a mutant; how long that takes and which mutants they come by is known."""
        with self.first:
            if suite.name in self.takes:
                return
            with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:  # the other jobs will soon want it too
                objects = list(pool.map(lambda source: self.object(source, suite.optimise), units_of(suite)))
            program = os.path.join(self.folder, suite.name)
            reached = program + ".reached"
            began = None
            if self.link([*objects, *self.stubs(suite)], program)[0] == 0:
                began = time.monotonic()
                code, _ = run([program, "--abort", "--allow-running-no-tests"], suite.seconds, STRATA_REACHED=reached)
            if began is None or code != 0:
                raise RuntimeError(f"the tests of {suite.name} fail without a mutant; mend them first")
            with open(reached, "rb") as file:
                self.reached[suite.name] = file.read()
            self.takes[suite.name] = time.monotonic() - began

    def patience(self, suite):
        return 5 + 5 * self.takes[suite.name]

    def includes(self, source, header):
        with self.lock:
            if source not in self.needs:
                text = subprocess.run([COMPILER, *FLAGS, f"-I{ROOT}/include", f"-I{ROOT}/tests", "-MM", os.path.join(ROOT, source)], capture_output=True, text=True, check=True).stdout
                self.needs[source] = set(re.findall(r"/include/strata/(\S+)", text))
        return header in self.needs[source]

    def object(self, source, optimise):
        target = os.path.join(self.folder, re.sub(r"\W", "_", source) + optimise + ".o")
        with self.lock:
            making = self.making.setdefault(target, threading.Lock())
        with making:
            while not os.path.exists(target):
                written = self.written
                with open(target + ".log", "wb") as file:
                    done, _ = self.compile(source, self.include, optimise, target, file)
                with open(target + ".log", encoding="utf-8", errors="replace") as file:
                    log = file.read()
                if not done and (stopped.is_set() or not self.put_out(log, written)):
                    sys.stderr.write(log[:4000])
                    raise RuntimeError(f"{source} does not compile as it is")
        return target

    def stubs(self, suite):
        """What answers the switches, and players of other Configs, which pass everything: they have their turn with the survivors."""
        made = [self.object(self.answer, "-O0")]
        if not suite.players:
            return made
        text = '#include <script/player.hpp>\nnamespace strata::script {\n'
        players = "".join(open(os.path.join(ROOT, p), encoding="utf-8").read() for p in units_of(suite) if "/player_" in p)
        for name in re.findall(r"^std::string (play_\w+)\(const script_file& script, variation v\);", open(os.path.join(ROOT, PLAYERS), encoding="utf-8").read(), re.M):
            if f"std::string {name}(" not in players:
                text += f"std::string {name}(const script_file&, variation) {{ return {{}}; }}\n"
        source = os.path.join(self.folder, f"stubs_of_{suite.name}.cpp")
        with self.lock:
            if not os.path.exists(source):
                with open(source, "w", encoding="utf-8") as file:
                    file.write(text + "}\n")
        return [*made, self.object(source, "-O0")]

    def judge(self, suites, mutant):
        """The verdict on a mutant that is chosen as the programs run, by whom and its cost; None if none of them comes by, or it can't be compiled beside the others."""
        spent, came_by = 0.0, False
        for suite in suites:
            self.prepare(suite)
            if not self.holds(mutant):
                return None, "none", spent
            if self.reached[suite.name][mutant.number] == 0:
                continue
            came_by = True
            code, cpu = run([os.path.join(self.folder, suite.name), "--abort", "--allow-running-no-tests"], self.patience(suite), STRATA_MUTANT=str(mutant.number))
            spent += cpu
            if code != 0:
                return True, suite.name, spent
        return (False if came_by else None), "none", spent
