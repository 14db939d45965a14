# shellcheck shell=bash
# What the scripts share: they install what is missing before they use it. To be sourced.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PATH="${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin"
export PATH DEBIAN_FRONTEND=noninteractive

# npm and Bun know only the authorities that they bring along; behind a company's proxy those of the machine count.
authorities=/etc/ssl/certs/ca-certificates.crt
[ ! -r "$authorities" ] || export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$authorities}"

say() { printf '%s\n' "$*"; }

die() {
  printf '%s\n' "$*" >&2
  exit 1
}

need_root() {
  [ "$(id -u)" -eq 0 ] || die "Needs root, for packages and network namespaces: sudo $0"
}

is_there() {
  case $1 in
  /*) compgen -G "$1" >/dev/null ;;
  *) command -v "$1" >/dev/null 2>&1 ;;
  esac
}

# need_packages PROGRAM=PACKAGE...: installs from apt the packages whose programs, or files by patterns of their paths,
# are not there.
need_packages() {
  local pair missing=()
  for pair in "$@"; do
    is_there "${pair%%=*}" || missing+=("${pair#*=}")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  command -v apt-get >/dev/null 2>&1 ||
    die "Missing: ${missing[*]} (and there is no apt-get to install them with)"
  say "Installing from apt: ${missing[*]}"
  # In a subshell, so that the trap is its own. An unreachable source is no obstacle while the others serve.
  (
    apt_log=$(mktemp)
    ours=
    trap 'rm -f "$apt_log" ${ours:+"$ours"}' EXIT
    trap 'exit 1' HUP INT TERM
    forbid_services
    apt-get update -qq </dev/null >"$apt_log" 2>&1 || cat "$apt_log" >&2
    apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >"$apt_log" 2>&1 || {
      cat "$apt_log" >&2
      exit 1
    }
  ) || die "apt-get could not install: ${missing[*]}"
  hash -r
  for pair in "$@"; do
    is_there "${pair%%=*}" || die "Still missing after apt-get: ${pair%%=*}"
  done
}

# Packages start their servers; here nothing is to run but what the scripts start themselves.
forbid_services() {
  local policy=/usr/sbin/policy-rc.d
  [ ! -e "$policy" ] || return 0
  ours=$policy
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
}

# Sets $bun to the Bun of package.json, and makes node_modules what bun.lock says.
need_bun() {
  local wanted own="$root/node_modules/.bin/bun" bootstrap="$root/node_modules/.bootstrap"
  wanted=$(sed -n 's/^ *"bun": "\([0-9.]*\)",*$/\1/p' "$root/package.json")
  bun=$(first_bun "$wanted" bun "$own" "$bootstrap/node_modules/.bin/bun") || {
    # Another version can still install the right one.
    if bun=$(command -v bun); then
      say "Installing Bun $wanted with $bun"
    else
      need_packages npm=npm
      say "Installing Bun $wanted from npm"
      mkdir -p "$bootstrap"
      npm install --no-save --no-package-lock --no-audit --no-fund --loglevel=error \
        --prefix "$bootstrap" "bun@$wanted" </dev/null >/dev/null || die "npm could not install bun@$wanted"
      bun="$bootstrap/node_modules/.bin/bun"
    fi
  }
  # Takes milliseconds and no network where nothing is missing.
  (cd "$root" && "$bun" install --frozen-lockfile --silent </dev/null) || die "bun install failed"
  bun=$(first_bun "$wanted" "$own" "$bun") || die "Bun $wanted does not run on this machine"
}

# first_bun VERSION PROGRAM...: the path of the first that is of this version.
first_bun() {
  local wanted=$1 one path
  shift
  for one in "$@"; do
    path=$(command -v "$one") || continue
    [ "$("$path" --version 2>/dev/null)" = "$wanted" ] || continue
    printf '%s\n' "$path"
    return
  done
  return 1
}

# apart PROGRAM...: runs it where it has a network, processes and mounts of its own, and nothing outlives it.
apart() {
  unshare --net --mount --pid --fork --kill-child --mount-proc -- "$@"
}

need_apart() {
  apart true 2>/dev/null ||
    die "Cannot make network, mount and process namespaces here: in a container, run it privileged"
}
