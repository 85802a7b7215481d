# SPDX-License-Identifier: MIT
# What the scripts share: names of programs and files that they need, and their installation. Sourced by bash; prints nothing by itself.
#
#   need compiler tests      installs what is missing of these sets, or names it in $missing and returns 1
#   build_errors FILE        the lines of a build's log that say what went wrong
#   newest_line FILE         the last line that is not empty
#
# STRATA_NO_INSTALL=1: nothing is installed. The command is printed before it runs. Nothing but packages is changed.

strata_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
missing=""

# set package probe: a command, or a file (the first pattern that exists)
strata_packages() {
  cat <<'TABLE'
compiler g++ g++
compiler cmake cmake
compiler ninja-build ninja
compiler python3 python3
tests libcatch2-dev /usr/include/catch2/catch_test_macros.hpp /usr/local/include/catch2/catch_test_macros.hpp
examples libcli11-dev /usr/include/CLI/CLI.hpp /usr/local/include/CLI/CLI.hpp
examples libssl-dev /usr/include/openssl/evp.h
bench libbenchmark-dev /usr/include/benchmark/benchmark.h /usr/local/include/benchmark/benchmark.h
clang clang-16 clang++-16
clang libclang-rt-16-dev /usr/lib/llvm-16/lib/clang/16*/lib/linux/libclang_rt.asan*.a
demo curl curl
demo iproute2 ip
soak nftables nft
kernel curl curl
kernel iproute2 ip
kernel nftables nft
kernel nginx-light nginx
kernel socat socat
kernel iputils-ping ping
kernel nmap nmap
kernel hping3 hping3
embedded qemu-system-arm qemu-system-arm
embedded gcc-arm-none-eabi arm-none-eabi-g++
embedded libnewlib-dev /usr/include/newlib/stdint.h /usr/lib/arm-none-eabi/include/stdint.h
embedded libstdc++-arm-none-eabi-dev /usr/include/newlib/c++/*/cstdint /usr/lib/arm-none-eabi/include/c++/*/cstdint
gate valgrind valgrind
zero_copy qemu-system-x86 qemu-system-x86_64
TABLE
}

strata_is_here() {
  local probe
  for probe in "$@"; do
    case $probe in
      /*) compgen -G "$probe" >/dev/null && return 0 ;;
      *) PATH="$PATH:/usr/sbin:/sbin" command -v "$probe" >/dev/null 2>&1 && return 0 ;;
    esac
  done
  return 1
}

# The packages of the sets named that are not here, on one line.
strata_missing() {
  local set package probes
  while read -r set package probes; do
    case " $* " in
      # Patterns must reach the probe unexpanded: a file whose pattern matches nothing is missing.
      *" $set "*) (set -f; strata_is_here $probes) || printf '%s ' "$package" ;;
    esac
  done < <(strata_packages)
}

# strata_suites FOLDER SUITE...: apt's lists of these suites in FOLDER, by the very mirror that is configured for this release: nothing of the system's own
# sources or lists is touched. $apt_options are what apt-get and apt-cache then want; the folder is the caller's to remove.
strata_suites() {
  local folder=$1 here suite uri options
  shift
  here=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
  read -r uri options < <(
    cat /etc/apt/sources.list.d/*.sources 2>/dev/null | awk -v suite="$here" '
      function flush() { if (on && uri) { print uri, (key ? "[signed-by=" key "]" : ""); exit } on = 0; uri = key = "" }
      /^[ \t]*$/ { flush() }
      /^URIs:/ { uri = $2 }  /^Signed-By:/ { key = $2 }
      /^Suites:/ { for (i = 2; i <= NF; ++i) if ($i == suite) on = 1 }
      END { flush() }'
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | awk -v suite="$here" '
      $1 == "deb" { o = ""; i = 2; if ($2 ~ /^\[/) { while ($i !~ /\]$/) o = o $i++ " "; o = o $i++ } if ($(i + 1) == suite) { print $i, o; exit } }'
  )
  [ -n "${uri:-}" ] || { echo "no mirror of $here is configured" >&2; return 1; }
  mkdir -p "$folder/sources" "$folder/lists/partial" || return 1
  for suite in "$@"; do printf 'deb %s %s %s main\n' "${options:-}" "$uri" "$suite"; done >"$folder/sources/suites.list"
  apt_options=(-o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$folder/sources" -o "Dir::State::Lists=$folder/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=)
  apt-get "${apt_options[@]}" -qq update </dev/null
}

# Debian 12's Catch2 is a version 2: this release comes from backports.
strata_install_catch2() {
  local folder suite code
  suite=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
  folder=$(mktemp -d) && chmod 755 "$folder"
  echo "+ apt-get install -y --no-install-recommends -t $suite-backports libcatch2-dev"
  strata_suites "$folder" "$suite-backports" "$suite" &&
    DEBIAN_FRONTEND=noninteractive apt-get "${apt_options[@]}" install -y -qq --no-install-recommends -t "$suite-backports" libcatch2-dev </dev/null >"$folder/log" 2>&1
  code=$?
  [ $code -eq 0 ] || tail -n 5 "$folder/log" >&2
  rm -rf "$folder"
  return $code
}

# nginx is wanted as a program; its service is not to be started on the port of somebody else.
strata_install() {
  local policy=/usr/sbin/policy-rc.d log code mine=""
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy && mine=yes
  fi
  log=$(mktemp)
  echo "+ apt-get install -y --no-install-recommends $*"
  apt-get -qq update </dev/null >"$log" 2>&1
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >>"$log" 2>&1
  code=$?
  [ -z "$mine" ] || rm -f $policy
  [ $code -eq 0 ] || tail -n 5 "$log" >&2
  rm -f "$log"
  return $code
}

need() {
  local wanted plain
  missing=$(strata_missing "$@")
  [ -n "$missing" ] || return 0
  if [ -n "${STRATA_NO_INSTALL:-}" ] || [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    return 1
  fi
  wanted=" $missing"
  plain=${wanted/ libcatch2-dev / }
  # shellcheck disable=SC2086  # a list of words
  [ -z "${plain// /}" ] || strata_install $plain
  if [ "$plain" != "$wanted" ]; then
    if apt-cache policy libcatch2-dev 2>/dev/null | grep -q 'Candidate: [3-9]'; then
      strata_install libcatch2-dev
    else
      strata_install_catch2
    fi
  fi
  missing=$(strata_missing "$@")
  [ -z "$missing" ]
}

# What went wrong in a build, out of the log of cmake and ninja.
build_errors() { grep -E 'CMake Error|^FAILED|error:|undefined reference|multiple definition|No space' "$1" | cut -c 1-240 | head -n 40; }

newest_line() { awk 'NF { line = $0 } END { print line }' "$1"; }
