#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What scripts/mutate draws, prints and returns; the last case builds two mutants of the smallest layer. mutate_lines.sh SCRIPT
set -u
mutate=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*"; exit 1; }

"$mutate" --help >"$work/help" && grep -q -- --layer "$work/help" || fail "--help"
for wrong in "--layer nowhere" "--count 0" "--count x" "--seed -1" "--jobs 0" "--what" "--seed" "--files (" "--files nowhere"; do
  # shellcheck disable=SC2086  # a list of words
  "$mutate" $wrong >/dev/null 2>"$work/error"
  [ $? = 2 ] || fail "$wrong is taken"
  grep -q '^mutate: error: .* (options); ' "$work/error" || fail "$wrong: $(cat "$work/error")"
done
"$mutate" --layer nic >/dev/null 2>"$work/error"
[ $? = 2 ] && grep -q 'not yet' "$work/error" || fail "a layer that cannot be done yet"

# The seed alone says what is drawn, and each mutant is a line of code that differs from what it was.
"$mutate" --list --count 300 --seed 7 >"$work/a" && "$mutate" --list --count 300 --seed 7 >"$work/b" && "$mutate" --list --count 300 --seed 8 >"$work/c" || fail "--list"
cmp -s "$work/a" "$work/b" || fail "the same seed draws others"
cmp -s "$work/a" "$work/c" && fail "another seed draws the same"
[ "$(grep -cE '^tcp/[a-z_/]+\.hpp:[0-9]+ (negate|off_by_one|swap|drop|constant)$' "$work/a")" = 300 ] || fail "three hundred are wanted"
for operator in negate off_by_one swap drop constant; do grep -q " $operator\$" "$work/a" || fail "no $operator"; done
awk '/^  - / { before = substr($0, 5) } /^  \+ / { if (substr($0, 5) == before) exit 1; if (before ~ /^(\/\/|#|static_assert|using )/) exit 1 }' "$work/a" || fail "no change, or no code"

"$mutate" --list --count 40 --files '^tcp/(ack|rtt)' | grep -E '^tcp/' | grep -vqE '^tcp/(ack|acks|rtt)\.hpp:' && fail "--files takes others too"

"$mutate" --layer link --count 2 --seed 3 --only-layer --no-install >"$work/two" 2>"$work/error"
case $? in
  0) ;;
  77) tail -n 1 "$work/error"; exit 77 ;;
  *) fail "two mutants: $(cat "$work/error")" ;;
esac
[ "$(grep -cE '^mutant=[12] file=link/[a-z_]+\.hpp line=[0-9]+ (caught|SURVIVED) ' "$work/two")" = 2 ] || fail "two lines are wanted: $(cat "$work/two")"
grep -qE "^mutate mutants=2 caught=$(grep -c ' caught ' "$work/two")\$" "$work/two" || fail "the last line: $(cat "$work/two")"
