# SPDX-License-Identifier: MIT
"""What scripts/mutate changes: where the code of a header is, which changes a line allows, and the order in which a seed draws them."""
import difflib
import glob
import os
import random
import re


class Mutant:
    """One change of one line; `begin`, `end` and `new` are what is replaced in it, by columns."""

    def __init__(self, header, line, operator, lines, after, change):
        self.header, self.line, self.operator = header, line, operator
        self.before, self.after = lines[line - 1], after
        self.begin, self.end, self.new = change
        self.original = "\n".join(lines) + "\n"
        self.text = "\n".join(lines[: line - 1] + [after] + lines[line:]) + "\n"

    def save(self, path):
        name = f"include/strata/{self.header}"
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(difflib.unified_diff(self.original.splitlines(True), self.text.splitlines(True), f"a/{name}", f"b/{name}"))


# ---- where the code is ----

def blanked(text, literals=False):
    """The text with comments, directives and, but if `literals` stay, the insides of literals as spaces: every character stays where it was."""
    def spaces(match):
        piece = match[0]
        if piece[0] in "\"'" and len(piece) > 1:
            return piece if literals else piece[0] + " " * (len(piece) - 2) + piece[-1]
        return re.sub(r"[^\n]", " ", piece)
    # A ' between digits separates them.
    text = re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', spaces, text, flags=re.S)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", spaces, text, flags=re.M)


TYPE = r"\b(?:struct|class|enum|union)\b"


def code_map(text):
    """For each character of blanked text, whether it is inside a function's body."""
    inside, scopes, head, parens = [], [], 0, 0
    for at, c in enumerate(text):
        in_body = bool(scopes) and scopes[-1] == "body"
        inside.append(in_body)
        if c == "(":
            parens += 1
        elif c == ")":
            parens -= 1
        elif c == "{":
            before = text[head:at].strip()
            if in_body and not re.search(TYPE + r"\s+\w+[^()=;]*$", before):
                scopes.append("body")
            elif re.search(r"\bnamespace\b|\bextern\b", before):
                scopes.append("namespace")
            elif re.search(r"\bconcept\b", before) or (re.search(r"\brequires\b", before) and not re.search(r"\)\s*(?:const\b)?\s*requires", before)):
                scopes.append("demand")
            elif re.search(TYPE, before) and "(" not in re.sub(r"alignas\([^)]*\)|\[\[.*?\]\]|template\s*<[^{}]*>", "", before):
                scopes.append("type")
            elif parens == 0 and ("(" in before or re.search(r"\boperator\b", before)) and not re.search(r"(?<![=<>!])=\s*[^=]*$", before.rsplit(")", 1)[-1]):
                scopes.append("body")
            else:
                scopes.append("value")
            head = at + 1
        elif c == "}":
            if scopes:
                scopes.pop()
            head = at + 1
            inside[-1] = bool(scopes) and scopes[-1] == "body"
        elif c == ";" and parens == 0:
            head = at + 1
    return inside


# ---- what may be changed: each yields (begin, end, replacement) on a line of blanked text ----

OPERAND = r"(?:[A-Za-z_][\w:]*(?:(?:\.|->)\w+|\(\)|\[\w+\])*|\d[\w']*|\([^()]*\))"


def closing(line, at):
    depth = 0
    for i in range(at, len(line)):
        depth += (line[i] == "(") - (line[i] == ")")
        if depth == 0:
            return i
    return None


def negate(line):
    for m in re.finditer(r"\b(?:if|while)\s*\(", line):
        end = closing(line, m.end() - 1)
        if end is None:
            continue
        inner = line[m.end():end]
        begin = m.end() + (inner.rindex(";") + 1 if ";" in inner else 0)
        if line[begin:end].strip() and not re.match(r"\s*const\b|\s*auto\b", line[begin:end]):
            yield begin, end, f"!({line[begin:end].strip()})"
    for m in re.finditer(r" (==|!=|&&|\|\|) ", line):
        yield m.start(1), m.end(1), {"==": "!=", "!=": "==", "&&": "||", "||": "&&"}[m[1]]
    for m in re.finditer(r"(?<![\w)\]])!(?=[\w(])", line):
        yield m.start(), m.end(), ""
    for m in re.finditer(r" (<=|>=|<|>) (?![&*>])", line):
        yield m.start(1), m.end(1), {"<": ">=", ">": "<=", "<=": ">", ">=": "<"}[m[1]]
    for m in re.finditer(r"\b(smaller_of|larger_of|earlier_of|later_of)\b(?=[(<])", line):
        yield m.start(1), m.end(1), {"smaller_of": "larger_of", "larger_of": "smaller_of", "earlier_of": "later_of", "later_of": "earlier_of"}[m[1]]


def off_by_one(line):
    for m in re.finditer(r" (<=|>=|<|>) (?![&*>])", line):
        yield m.start(1), m.end(1), {"<": "<=", ">": ">=", "<=": "<", ">=": ">"}[m[1]]
    for m in re.finditer(rf"(?<= [-+] ){OPERAND}(?![\w(\[.:]|->)", line):
        if not re.match(r"[\d(]", m[0]):
            yield m.end(), m.end(), " + 1"
    for m in re.finditer(rf"(?<== ){OPERAND}(?=[;,)])", line):
        if re.match(r"[A-Za-z_]", m[0]) and m[0] not in ("true", "false", "nullptr", "default", "delete"):
            yield m.end(), m.end(), " + 1"


def swap(line):
    for m in re.finditer(rf"({OPERAND}) (-|<|>|<=|>=|/|%) ({OPERAND})(?![\w(\[.:]|->)", line):
        if m[1] != m[3]:
            yield m.start(), m.end(), f"{m[3]} {m[2]} {m[1]}"
    for m in re.finditer(rf"({OPERAND}) \? ({OPERAND}) : ({OPERAND})", line):
        yield m.start(), m.end(), f"{m[1]} ? {m[3]} : {m[2]}"
    for m in re.finditer(rf"(?<=\()({OPERAND}), ({OPERAND})(?=[,)])", line):
        if m[1] != m[2] and not re.search(r"\b(?:(?:smaller|larger|earlier|later)_of(?:<[^<>()]*>)?|pseudo_header_sum)\($", line[:m.start()]):  # of which the order is none
            yield m.start(), m.end(), f"{m[2]}, {m[1]}"


def drop(line):
    """A whole statement: between `;`, `{`, `}`, a condition's end or the line's beginning, and its `;`."""
    for m in re.finditer(r"(?:^\s*|(?<=[;{}])\s+|(?<=\))\s+|\belse\s+)((?:\+\+|--)?[A-Za-z_(*][^;{}]*);", line):
        statement = m[1]
        if statement.count("(") != statement.count(")") or re.match(r"(?:using|static|constexpr|const|auto|typename|struct|case|default|else|for|if|while|do)\b", statement):
            continue
        if re.fullmatch(r"\(void\)\w+(?:, \(void\)\w+)*", statement):
            continue  # does nothing
        if re.match(r"[\w:<>,]+(?:\(\w+\)>)?(?:\s*[&*])?(?:\s+const)?\s+\w+\s*(?:=|\{|$)", statement) and not re.match(r"(?:return|delete)\b", statement):
            continue  # a declaration
        yield m.start(1), m.end(1), ""
    for m in re.finditer(r"(?:^\s*|(?<=[;{}])\s*|(?<=, ))([A-Za-z_][\w.>\[\]()-]* (?:=|\+=|-=|\|=|&=) [^,;{}()]*), ", line):
        if "(" not in m[1] or m[1].count("(") == m[1].count(")"):
            yield m.start(1), m.end(0), ""


def constant(line):
    for m in re.finditer(r"(?<![\w.'])(0x[0-9a-fA-F']+|\d[\d']*)([uUlL]*)(?![\w.'])", line):
        n = int(m[1].replace("'", ""), 0)
        for other in dict.fromkeys((n + 1, n - 1, 0, 2 * n)):
            if other != n and other >= 0:
                yield m.start(), m.end(), f"{other}{m[2]}"
    for m in re.finditer(r"\b(true|false)\b", line):
        yield m.start(), m.end(), "false" if m[1] == "true" else "true"


OPERATORS = {"negate": negate, "off_by_one": off_by_one, "swap": swap, "drop": drop, "constant": constant}


def candidates(text):
    """For each line of code: its number and, by operator, the lines that it may become, with what is replaced."""
    lines = text.splitlines()
    bare = blanked(text)
    inside, at = code_map(bare), 0
    for number, line in enumerate(lines, 1):
        plain = bare.split("\n")[number - 1]
        here = inside[at:at + len(line)]
        at += len(line) + 1
        if not plain.strip() or re.search(r"\bstatic_assert\b", plain):
            continue
        is_constant = re.match(r"\s*(?:static |inline )*constexpr\b[^()]*=", plain) is not None
        found = {}
        for name, operator in OPERATORS.items():
            for begin, end, new in operator(plain):
                if not (is_constant and name == "constant") and not (begin < len(here) and all(here[begin:max(end, begin + 1)])):
                    continue
                after = line[:begin] + new + line[end:]
                # What was blank in the part that is replaced is text again: a swap or a negation must not lose a literal.
                if plain[begin:end] == line[begin:end] and after != line:
                    found.setdefault(name, []).append((after, (begin, end, new)))
        if found:
            yield number, lines, found


def drawn(root, layer, seed, files=""):
    """Mutants without end, no line twice in the same way; of headers whose path under include/strata matches `files`."""
    dice = random.Random(seed)
    all_lines = []
    base = os.path.join(root, "include/strata")
    for path in sorted(glob.glob(os.path.join(base, layer, "**/*.hpp"), recursive=True)):
        header = os.path.relpath(path, base)
        if not re.search(files, header) or header.endswith("/archetype.hpp"):  # what checks a concept is never called by a stack
            continue
        with open(path, encoding="utf-8") as file:
            all_lines += [(header, *c) for c in candidates(file.read())]
    seen = set()
    misses = 0 if all_lines else 10_000
    while misses < 10_000:
        header, number, lines, found = dice.choice(all_lines)
        operator = dice.choice(sorted(found))
        after, change = dice.choice(found[operator])
        if (header, number, after) in seen:
            misses += 1
            continue
        misses = 0
        seen.add((header, number, after))
        yield Mutant(header, number, operator, lines, after, change)
