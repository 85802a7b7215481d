# SPDX-License-Identifier: MIT
"""Many mutants in one text of a header, of which a number chooses one while the program runs: what is compiled once judges them all."""
import re

from mutants import blanked

# What each mutated place asks. A constant expression can't ask a variable: there the code is as it was, and nothing is marked as reached.
ASKED = """#include <type_traits>
namespace strata_mutants {
extern int chosen;
extern unsigned char reached[];
constexpr bool is(int number) noexcept {
    if (std::is_constant_evaluated()) return false;
    reached[number] = 1;
    return chosen == number;
}
}
"""
# `STRATA_MUTANT` chooses; `STRATA_REACHED` is the file that gets a byte for each number, 1 where the program came by.
ANSWER = """#include <cstdio>
#include <cstdlib>
namespace strata_mutants {
int chosen;
unsigned char reached[%d];
namespace {
struct chooser {
    chooser() {
        if (const char* given = std::getenv("STRATA_MUTANT")) chosen = std::atoi(given);
    }
    ~chooser() {
        const char* path = std::getenv("STRATA_REACHED");
        std::FILE* file = path == nullptr ? nullptr : std::fopen(path, "wb");
        if (file == nullptr) return;
        std::fwrite(reached, 1, sizeof reached, file);
        std::fclose(file);
    }
};
[[gnu::init_priority(101)]] chooser chosen_by_environment;
}
}
"""

PAIRS = {"(": ")", "[": "]", "{": "}"}
CONTROL = r"\b(?:if|while|for|switch|constexpr)\s*$"
BEGINS = r"\b(?:return|else|case|do|throw|delete)\s*$"


def matching(bare, at, step):
    """Where the bracket at `at` is closed (step 1) or was opened (step -1)."""
    depth = 0
    while 0 <= at < len(bare):
        depth += (bare[at] in PAIRS) - (bare[at] in PAIRS.values())
        if depth == 0:
            return at
        at += step
    return None


def begin_of_expression(bare, at):
    while at > 0:
        c, two = bare[at - 1], bare[max(0, at - 2):at]
        if c in "([{,;?" or re.search(BEGINS, bare[max(0, at - 12):at]):
            break
        if c in ")]}":
            opened = matching(bare, at - 1, -1)
            before = bare[max(0, (opened or 0) - 40):opened]
            if opened is None or (c == ")" and re.search(CONTROL, before)) or (c == "}" and not re.search(r"(?<!\belse)(?<!\bdo)[\w>]\s*$", before.rstrip())):
                break
            at = opened
        elif c == ":" and two == "::":
            at -= 2
        elif c == "=" and two in ("==", "!=", "<=", ">=") and bare[max(0, at - 3):at] not in ("<<=", ">>="):
            at -= 2
        elif c in ":=":
            break
        else:
            at -= 1
    return at


def end_of_expression(bare, at):
    while at < len(bare):
        c, two = bare[at], bare[at:at + 2]
        if c in PAIRS:
            closed = matching(bare, at, 1)
            if closed is None:
                break
            at = closed + 1
        elif c in ")]},;?" or (c in "+-*/%&|^" and two[1:] == "=") or bare[at:at + 3] in ("<<=", ">>="):
            break
        elif two in ("::", "==", "!=", "<=", ">="):
            at += 2
        elif c in ":=":
            break
        else:
            at += 1
    return at


def expression(bare, begin, end):
    """The whole expression around a change: up to what binds weaker than any operator, so that the changed text means here what it means in its line."""
    begin, end = begin_of_expression(bare, begin), end_of_expression(bare, end)
    while begin < end and bare[begin].isspace():
        begin += 1
    while end > begin and bare[end - 1].isspace():
        end -= 1
    return begin, end


def is_in_parentheses(bare, at):
    while at > 0 and bare[at - 1] not in "({":
        at = (matching(bare, at - 1, -1) or 0) if bare[at - 1] in ")}" else at - 1
    return at > 0 and bare[at - 1] == "("


class Choice:
    """`text[begin:end]` as it was, or as mutant `number` has it."""

    def __init__(self, text, bare, mutant, number):
        start = sum(len(line) + 1 for line in text.split("\n")[: mutant.line - 1])
        begin, end = start + mutant.begin, start + mutant.end
        asked = f"::strata_mutants::is({number})"
        self.number, self.possible, self.drops = number, True, mutant.operator == "drop"
        if mutant.operator == "drop" and is_in_parentheses(bare, begin) and bare[end:end + 1] == ";":  # the condition of a for
            self.begin, self.end = begin, end
            self.written = lambda now: f"{asked} || static_cast<bool>({now})"
        elif mutant.operator == "drop" and bare[end:end + 1] == ";":
            self.begin, self.end = begin, end + 1
            self.written = lambda now: f"{{ if (!{asked}) {now} }}"
        elif mutant.operator == "drop":
            self.begin, self.end = begin, begin + bare[begin:end].rindex(",")
            self.written = lambda now: f"({asked} ? void() : void({now}))"
        elif mutant.operator == "negate" and mutant.new.startswith("!("):
            self.begin, self.end = begin, end
            self.written = lambda now: f"{asked} != static_cast<bool>({now})"
        else:
            around = begin, end
            if mutant.operator == "swap" and end_of_expression(bare, begin) < end and bare[end_of_expression(bare, begin)] == ",":
                around = begin - 1, (matching(bare, begin - 1, 1) or end) + 1  # two arguments: what has a value is the call
            self.begin, self.end = around if mutant.operator == "constant" else expression(bare, *around)
            line = blanked(text, literals=True).replace("\n", " ")
            other = line[self.begin:begin] + mutant.new + line[end:self.end]
            self.possible = self.begin <= begin and end <= self.end and self.begin < self.end and "#" not in text[self.begin:self.end]
            as_bool = "static_cast<bool>" if mutant.operator == "negate" and mutant.new == "" and not re.search(r" [-+*/%|^] ", other) else ""  # `!p` or `p`
            self.written = lambda now: f"({asked} ? {as_bool}({other}) : {as_bool}({now}))"
        self.lines = range(text.count("\n", 0, self.begin) + 1, text.count("\n", 0, self.end) + 2)

    def crosses(self, other):
        """Neither apart nor one within the other."""
        return self.begin < other.begin < self.end < other.end or other.begin < self.begin < other.end < self.end


def choices(text, mutants):
    """What of `mutants`, (number, mutant) of one header, can be chosen while the program runs."""
    bare, found = blanked(text), []
    for number, mutant in mutants:
        one = Choice(text, bare, mutant, number)
        if one.possible and not any(one.crosses(other) for other in found):
            found.append(one)
    return found


def written(text, found):
    """The header with all of them; no line is another one."""
    def within(begin, end, inner):
        out, at = "", begin
        while inner:
            outer = max(inner, key=lambda c: (c.begin == inner[0].begin, c.end))
            rest = [c for c in inner if c is not outer and c.begin < outer.end]
            inner = [c for c in inner if c.begin >= outer.end]
            out += text[at:outer.begin] + outer.written(within(outer.begin, outer.end, rest))
            at = outer.end
        return out + text[at:end]
    return within(0, len(text), sorted(found, key=lambda c: (c.begin, -c.end)))
