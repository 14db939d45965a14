#!/usr/bin/env bash
# Installs what is missing and runs every check and test. The last line says "N passed, N failed".
set -u

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/foreign.sh
. "$(dirname "${BASH_SOURCE[0]}")/foreign.sh"
cd "$root" || exit 1

# Far above what all tests take; a runner that hangs must not hang for ever.
deadline=3600

# Milliseconds that a test may take unless it says otherwise: it waits for conditions, on whatever else the machine does.
patience=60000

passed=0
failed=0
check() {
  local name=$1
  shift
  if "$@" </dev/null; then
    passed=$((passed + 1))
    say "ok: $name"
  else
    failed=$((failed + 1))
    say "FAILED: $name"
  fi
}

shell_scripts() {
  local scripts=()
  mapfile -t scripts < <(
    find . \( -name node_modules -o -name .git -o -name dist \) -prune -o -type f -print |
      while IFS= read -r file; do
        case $file in
        *.sh) say "$file" ;;
        *) head -c 64 "$file" | LC_ALL=C grep -aqE '^#! ?/[^ ]*[/ ](env )?(ba|da)?sh\b' && say "$file" ;;
        esac
      done
  )
  [ "${#scripts[@]}" -gt 0 ] && shellcheck -x "${scripts[@]}"
}

need_root
need_packages fail2ban-server=fail2ban nginx=nginx iptables=iptables ip=iproute2 unshare=util-linux ps=procps \
  shellcheck=shellcheck curl=curl jq=jq script=bsdutils sqlite3=sqlite3 tmux=tmux openssl=openssl \
  update-ca-certificates=ca-certificates apache2=apache2-bin promtool=prometheus zsh=zsh fish=fish groff=groff man=man-db \
  '/usr/lib/postgresql/*/bin/postgres=postgresql'
need_foreign
need_bun
need_apart

check "format" "$bun" fmt --check
# Not the script of that name in package.json, which formats too.
check "types" "$bun" check --no-script
check "shell scripts" shell_scripts
check "build" "$bun" scripts/build.ts

work=$(mktemp -d -t fail2ban-cloudflare-test.XXXXXX)
trap 'rm -rf "$work"' EXIT
report=$work/report.xml
check "release" "$bun" scripts/release.ts --output "$work/release"

export FAIL2BAN_CLOUDFLARE_BINARY="$root/dist/fail2ban-cloudflare"
export FAIL2BAN_CLOUDFLARE_RELEASE="$work/release"
# A network of their own: no test can reach another, nor the machine's own firewall. The name on lo says so to the tests.
# With CI, a snapshot that is not there yet is a failure.
# shellcheck disable=SC2016 # The inner shell expands these.
apart sh -c 'ip link set lo up alias fail2ban-cloudflare-test || exit; "$@"' sh \
  env CI=1 timeout --kill-after=10 "$deadline" "$bun" test --timeout "$patience" --reporter=junit \
  --reporter-outfile="$report" </dev/null
status=$?

"$bun" scripts/count.ts "$report" "$status" "$passed" "$failed" || exit 1
