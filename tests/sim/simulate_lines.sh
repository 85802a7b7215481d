#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The lines and exit codes that others read. simulate_lines.sh PROGRAM
set -u
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*"; exit 1; }

"$program" --seeds 3-5 >"$work/out" || fail "three seeds do not pass: $(cat "$work/out")"
[ "$(grep -cE '^seed=[345] scenario=[a-z_]+ ok ' "$work/out")" = 3 ] || fail "three lines are wanted: $(cat "$work/out")"
[ "$(tail -n 1 "$work/out")" = "simulate seeds=3 failed=0" ] || fail "the last line"

"$program" --seed 4 --pcap "$work/a.pcap" >"$work/one" && "$program" --seed 4 --pcap "$work/b.pcap" >/dev/null || fail "a replay"
cmp "$work/a.pcap" "$work/b.pcap" || fail "the same seed is not the same run"
[ "$(od -An -tx1 -N4 "$work/a.pcap" | tr -d ' \n')" = a1b23c4d ] || fail "no capture"
grep -q "$(grep '^seed=4 ' "$work/out")" "$work/one" || fail "a replay is another run"

"$program" --help >"$work/help" && grep -q -- --seeds "$work/help" || fail "--help"
for name in $(awk '/^scenarios:/ { on = 1; next } /^policies:/ { exit } on' "$work/help"); do
  "$program" --seed 9 --scenario "$name" >"$work/out" || fail "scenario $name: $(cat "$work/out")"
  grep -qE "^seed=9 scenario=$name ok " "$work/out" || fail "the row of $name: $(cat "$work/out")"
done
for wrong in "--seeds 5" "--seeds 5-3" "--scenario nowhere" "--policy none" "--seed x" "--pcap file" "--seed" "--what 3"; do
  # shellcheck disable=SC2086  # a list of words
  "$program" $wrong >/dev/null 2>"$work/error"
  [ $? = 2 ] || fail "$wrong is taken"
  grep -q '^simulate: error: .* (options); ' "$work/error" || fail "$wrong: $(cat "$work/error")"
done
