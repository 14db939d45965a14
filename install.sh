#!/bin/sh
# Installs fail2ban-cloudflare from the binary beside this script, without a network; from a source checkout
# without one, it builds that first. Options are those of "fail2ban-cloudflare install --help", and --uninstall.
set -eu

say() { printf '%s\n' "install.sh: $*" >&2; }

# die STATUS MESSAGE: the binary's statuses: 2 usage, 3 what is installed or where, 5 what it takes is not there.
die() {
  status=$1
  shift
  say "$*"
  exit "$status"
}

need_cmd() { command -v "$1" >/dev/null 2>&1 || die 5 "Cannot go on without $1: install it first"; }

# Bun is built for these; on anything else the binary would only say "Exec format error" or "Illegal instruction".
check_machine() {
  system=$(uname -s)
  cpu=$(uname -m)
  [ "$system" = Linux ] || die 3 "Cannot run on $system: only Linux is supported"
  case $cpu in
    x86_64 | amd64)
      grep -qw sse4_2 /proc/cpuinfo ||
        die 3 "Cannot run on this CPU: it lacks SSE4.2 (on a virtual machine, give it the host's CPU model)"
      ;;
    aarch64 | arm64) ;;
    *) die 3 "Cannot run on CPU \"$cpu\": only x86_64 and aarch64 are supported" ;;
  esac
}

# find_binary: sets $binary, empty where there is none.
find_binary() {
  for binary in "$here/fail2ban-cloudflare" "$here/dist/fail2ban-cloudflare"; do
    [ ! -f "$binary" ] || return 0
  done
  binary=/usr/local/bin/fail2ban-cloudflare
  [ "$command" = uninstall ] && [ -f "$binary" ] || binary=
}

is_checkout() { [ -f "$here/package.json" ] && [ -d "$here/src" ]; }

find_bun() {
  if command -v bun >/dev/null 2>&1; then
    command -v bun
  elif [ -x "$here/node_modules/.bin/bun" ]; then
    printf '%s\n' "$here/node_modules/.bin/bun"
  elif command -v npm >/dev/null 2>&1; then
    version=$(sed -n 's/^ *"bun": "\([0-9.]*\)",*$/\1/p' "$here/package.json")
    (cd "$here" && npm install --no-save --no-package-lock --no-audit --no-fund "bun@$version") >&2
    printf '%s\n' "$here/node_modules/.bin/bun"
  else
    die 5 "Cannot build without Bun or npm: install npm, or copy the binary here from where it was built"
  fi
}

build() {
  say "Building fail2ban-cloudflare"
  bun=$(find_bun)
  # What is locked includes the Bun to build with.
  (cd "$here" && "$bun" install --frozen-lockfile && PATH="$here/node_modules/.bin:$PATH" bun run build) >&2 ||
    die 5 "Cannot build: see above"
  binary="$here/dist/fail2ban-cloudflare"
  [ -f "$binary" ] || die 5 "Cannot find \"$binary\" though it was built"
}

# Nothing of the binary is executed before this.
check_sum() {
  sums="$(dirname -- "$binary")/SHA256SUMS"
  [ -f "$sums" ] || sums="$here/SHA256SUMS"
  [ -f "$sums" ] || return 0
  need_cmd sha256sum
  # The name may carry a directory, and a "*" that says "binary".
  wanted=$(sed -n 's/^\([0-9a-f]\{64\}\) [ *]\(.*\/\)\{0,1\}fail2ban-cloudflare$/\1/p' "$sums")
  [ -n "$wanted" ] || die 3 "Cannot trust \"$binary\": \"$sums\" has no sum for it"
  found=$(sha256sum <"$binary")
  [ "${found%% *}" = "$wanted" ] ||
    die 3 "Cannot trust \"$binary\": its SHA-256 sum is not the one in \"$sums\"; copy both here again"
}

main() {
  PATH="${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
  export PATH
  umask 022
  # These would make another program of the binary.
  unset BUN_OPTIONS BUN_BE_BUN
  here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
  command=install
  privileged=yes
  for argument; do
    shift
    case $argument in
      --uninstall)
        command=uninstall
        continue
        ;;
      --root | --root=* | --dry-run | --help) privileged=no ;;
    esac
    set -- "$@" "$argument"
  done
  check_machine
  [ "$privileged" = no ] || [ "$(id -u)" = 0 ] || die 2 "Cannot $command without root: sudo $0"
  find_binary
  if [ -z "$binary" ]; then
    is_checkout || die 3 "Cannot find the binary: copy fail2ban-cloudflare to \"$here\""
    build
  fi
  check_sum
  [ -x "$binary" ] || chmod 755 "$binary"
  "$binary" --version >/dev/null 2>&1 ||
    die 3 "Cannot run \"$binary\": it is damaged, or built for another CPU or C library"
  exec "$binary" "$command" "$@"
}

main "$@"
