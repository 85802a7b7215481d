#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What demo and soak share: a network namespace of their own, the server in it, and an end that leaves nothing behind. Sourced by bash after lib.sh.
PATH="$PATH:/usr/sbin:/sbin"

# strata_build TARGET...: builds these targets of the release preset; $why says what is wrong if it returns 1, and 77 if packages are missing.
strata_build() {
  local log=build/release/scripts_build.log target all=yes
  for target in "$@"; do [ -x "build/release/examples/${target#example_}" ] || [ -x "build/release/tests/kernel/$target" ] || all=""; done
  if [ -n "$all" ] && [ ! -w build/release ]; then return 0; fi  # somebody else's build
  # Preset and generator look for all of these when they configure, whatever is then built.
  if ! need compiler tests examples bench; then
    [ -z "$all" ] || return 0
    why="packages are missing: ${missing% }"
    return 77
  fi
  if ! mkdir -p build/release; then why="build/release cannot be written"; return 1; fi
  if ! { cmake --preset release && cmake --build build/release --parallel 2 --target "$@"; } >"$log" 2>&1 </dev/null; then
    grep -E "CMake Error|error:|undefined reference" "$log" | cut -c 1-240 | head -n 10 >&2
    why="the build fails; see $log"
    return 1
  fi
}

# strata_find_namespace ROOT NIC: how a namespace can be had in which NIC (tap, af_packet, af_xdp) has an interface: a TAP, or a veth pair. Sets $namespace to
# the words of unshare, or leaves it empty and says why in $why. ROOT empty: as somebody who is not root.
strata_find_namespace() {
  local words probe=(ip link add strata_probe type veth peer name strata_probe2) what="veth pair"
  namespace=() why=""
  if [ "$2" = tap ]; then probe=(ip tuntap add dev strata_probe mode tap) what="TAP interface"; fi
  if [ "$(id -u)" -eq 0 ] && [ -n "$1" ]; then
    words=(--net)
  elif [ "$2" = tap ] && [ "$(id -u)" -eq 0 ] && ! setpriv --reuid 65534 --regid 65534 --clear-groups test -w /dev/net/tun 2>/dev/null; then
    why="without root: /dev/net/tun cannot be opened"
    return 1
  else
    words=(--user --map-root-user --net)
  fi
  if [ "$2" = tap ] && [ ! -c /dev/net/tun ]; then why="there is no /dev/net/tun"; return 1; fi
  if ! unshare "${words[@]}" true 2>/dev/null; then why="no network namespace can be made"; return 1; fi
  if ! unshare "${words[@]}" "${probe[@]}" 2>/dev/null; then why="no $what can be made"; return 1; fi
  namespace=("${words[@]}")
}

# strata_run_inside COMMAND...: runs it in $namespace, as the first process of a process namespace: whatever ends it ends everything in there, interfaces too.
strata_run_inside() {
  local code
  unshare "${namespace[@]}" --pid --fork --kill-child --mount-proc "$@" &
  inside=$!
  wait "$inside"
  code=$?
  inside=""
  return $code
}

# To be called once, outside: a folder $scratch that goes, and so does what strata_run_inside started, however the script ends.
# unshare does not hear SIGTERM while it waits; killed, it takes the first process of its namespace with it, and that one all others.
strata_scratch() {
  inside=""
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/strata.XXXXXX") || exit 1
  trap 'code=$?; trap "" INT TERM HUP; [ -z "$inside" ] || { kill -KILL "$inside" 2>/dev/null; wait "$inside" 2>/dev/null; }; rm -rf "$scratch"; exit $code' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

# Inside. strata_make_interface NIC: what has to be there before the server. $apart are the words that start a program on strata's end, $kernel_side is the
# interface at which the kernel is. A TAP is the server's to make; of a veth pair strata's end is in a namespace of its own, where the kernel has no address.
strata_make_interface() {
  local holder
  apart=() kernel_side=strata0
  ip link set lo up
  [ "$1" != tap ] || return 0
  kernel_side=strata_peer
  unshare --net sleep infinity &
  holder=$!
  while [ "$(readlink "/proc/$holder/ns/net")" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
  apart=(nsenter "--net=/proc/$holder/ns/net")
  if ! { ip link add strata_peer type veth peer name strata0 netns "$holder" && strata_quiet strata_peer && "${apart[@]}" ip link set strata0 up &&
    ip address add 10.9.0.1/24 dev strata_peer && ip link set strata_peer up; }; then
    why="the veth pair cannot be set up"
    return 1
  fi
}
# No IPv6 there, of which strata has none: its reports would be frames that nobody expects.
strata_quiet() { [ ! -e "/proc/sys/net/ipv6/conf/$1" ] || echo 1 >"/proc/sys/net/ipv6/conf/$1/disable_ipv6" 2>/dev/null || true; }

# Inside, after strata_make_interface. strata_serve LOG NIC OPTION...: http_server on `strata0`, 10.9.0.2; the kernel has 10.9.0.1. Sets $server. If it does not
# get ready, $why and 1, or 77 where that is for want of a privilege or of something in the kernel.
strata_serve() {
  local log=$1 nic=$2 i code checksum=()
  shift 2
  [ "$nic" = tap ] || checksum=(--receive-checksum accept_partial)  # a veth pair is no wire: the kernel computes none
  : >"$log"  # here, and not only by the server's own redirection: an older server's `ready` may not be taken for this one's
  "${apart[@]}" build/release/examples/http_server --nic "$nic" --interface strata0 --address 10.9.0.2/24 "${checksum[@]}" "$@" >"$log" 2>&1 </dev/null &
  server=$!
  for ((i = 0; i < 500; ++i)); do
    if grep -q '^ready ' "$log"; then
      [ "$nic" = tap ] || return 0
      ip address add 10.9.0.1/24 dev strata0 && ip link set strata0 up && return 0
      why="the kernel's side of the interface cannot be set"
      return 1
    fi
    kill -0 "$server" 2>/dev/null || break
    sleep 0.02
  done
  why="http_server does not start: $(newest_line "$log")"
  wait "$server"
  code=$?
  [ $code -ne 77 ] || { why=$(sed -n 's/^http_server: skipped: //p' "$log"); return 77; }
  return 1
}

# Inside. Ends the server in order and waits for it; its exit code. $done_line is what it said last.
strata_stop() {
  local code
  kill -INT "$server" 2>/dev/null
  wait "$server"
  code=$?
  done_line=$(grep '^done ' "$1" | tail -n 1)
  [ -n "$done_line" ] || { [ $code -ne 0 ] || code=1; }
  return $code
}

# value KEY LINE: of a record.
value() { sed -n "s/.*[ ]$1=\([^ ]*\).*/\1/p" <<<" $2"; }
