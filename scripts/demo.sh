#!/usr/bin/env bash
# Shows the main job without a Cloudflare account: real requests, nginx, fail2ban and iptables, our action, and a local
# stand-in for Cloudflare. All of it in namespaces of its own: this machine's firewall, nginx and fail2ban stay as they are.
set -u

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root" || exit 1

# What a person sees: lines of ours, what was run, what it said.
heading() { printf '\n%s\n' "$*"; }
show() { sed "s#$work/root#ROOT#g; s/^/    /"; }
run() {
  printf '  $ %s\n' "$*" | sed "s#$work/root#ROOT#g"
  "$@" 2>&1 | show
  return "${PIPESTATUS[0]}"
}

failures=0
# expect TEXT COMMAND...: whether it is so.
expect() {
  local text=$1
  shift
  if "$@" >/dev/null 2>&1; then
    say "  ✓ $text"
  else
    say "  ✗ $text"
    failures=$((failures + 1))
  fi
}

# soon TEXT COMMAND...: whether it becomes so within some seconds.
soon() {
  local text=$1 until=$((SECONDS + 15))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$until" ] || {
      say "  ✗ $text"
      failures=$((failures + 1))
      return 1
    }
    sleep 0.05
  done
  say "  ✓ $text"
}

# --- the parts -------------------------------------------------------------------------------------------------------

jail=nginx-limit-req
server4=203.0.113.1 server6=2001:db8::1
edge=203.0.113.241
visitor=198.51.100.7 direct=2001:db8:bad::66 other=198.51.100.8

# Clients have a network namespace too, on a wire to the server's: what they send is filtered like anybody's packets.
start_network() {
  ip link set lo up
  unshare --net sleep infinity &
  clients=$!
  pids+=("$clients")
  soon_quietly in_another_network "$clients"
  ip link add to-clients type veth peer name to-server netns "$clients"
  ip address add "$server4/24" dev to-clients
  ip address add "$server6/32" dev to-clients nodad
  ip link set to-clients up
  ip route add 198.51.100.0/24 dev to-clients
  client ip link set to-server up
  client ip address add "$edge/24" dev to-server
  client ip address add "$direct/32" dev to-server nodad
}
in_another_network() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
client() { nsenter --net="/proc/$clients/ns/net" "$@"; }

start_cloudflare() {
  "$bun" test/support/fake-cloudflare-server.ts --zone example.com >"$work/cloudflare" 2>"$work/cloudflare.log" &
  pids+=("$!")
  soon_quietly test -s "$work/cloudflare"
  api=$(cat "$work/cloudflare")
}

start_nginx() {
  mkdir -p "$work/www" "$work/temp" "$work/log/nginx"
  echo hello >"$work/www/index.html"
  cat >"$work/nginx.conf" <<END
user root;
worker_processes 1;
daemon off;
pid $work/nginx.pid;
error_log $work/log/nginx/error.log error;
events { worker_connections 128; }
http {
    access_log off;
    client_body_temp_path $work/temp/1; proxy_temp_path $work/temp/2; fastcgi_temp_path $work/temp/3;
    uwsgi_temp_path $work/temp/4; scgi_temp_path $work/temp/5;
    set_real_ip_from $edge;
    real_ip_header CF-Connecting-IP;
    limit_req_zone \$binary_remote_addr zone=visitors:1m rate=6r/m;
    limit_req_status 429;
    server {
        listen $server4:80;
        listen [$server6]:80;
        root $work/www;
        location / { limit_req zone=visitors burst=1 nodelay; }
    }
}
END
  nginx -p "$work" -c "$work/nginx.conf" >"$work/nginx.log" 2>&1 &
  pids+=("$!")
  soon_quietly test -s "$work/nginx.pid"
}

# As an administrator does it, with another root; then only what differs from a real server is laid over it.
install_action() {
  local own=$work/root etc=$work/root/etc
  mkdir -p "$etc"
  cp -a /etc/fail2ban "$etc/fail2ban"
  # Not what this machine's administrator made of it.
  rm -rf "$etc"/fail2ban/jail.d "$etc"/fail2ban/fail2ban.d
  find "$etc/fail2ban" -name '*.local' -delete
  mkdir "$etc/fail2ban/jail.d" "$etc/fail2ban/fail2ban.d"
  run ./install.sh --root "$own" || return
  printf '%s\n' test-token-valid >"$etc/fail2ban-cloudflare/token"
  chmod 600 "$etc/fail2ban-cloudflare/token"
  cat >"$etc/fail2ban-cloudflare/config.toml" <<END
api_token_file = "$etc/fail2ban-cloudflare/token"
zones = ["example.com"]
host = "web1"
api_base = "$api"
journal = "$own/var/lib/fail2ban/cloudflare/journal.db"
log = "$work/log/courier.log"
fail2ban = "$etc/fail2ban"
END
  export FAIL2BAN_CLOUDFLARE_CONFIG="$etc/fail2ban-cloudflare/config.toml"
  PATH="$own/usr/local/bin:$PATH"
  printf '[Init]\ncfbin = %s\ncfconf = %s\n' "$own/usr/local/bin/fail2ban-cloudflare" "$FAIL2BAN_CLOUDFLARE_CONFIG" \
    >"$etc/fail2ban/action.d/cloudflare.local"
  printf '[%s]\nlogpath = %s\nusedns = no\n' "$jail" "$work/log/nginx/*error*.log" >"$etc/fail2ban/jail.d/$jail.local"
  cat >"$etc/fail2ban/fail2ban.local" <<END
[Definition]
logtarget = $work/log/fail2ban.log
syslogsocket = auto
socket = $work/fail2ban.sock
pidfile = $work/fail2ban.pid
dbfile = $work/fail2ban.sqlite3
END
}

start_fail2ban() {
  # With nothing in its environment but PATH, as systemd starts it.
  env -i PATH="$PATH" TZ=UTC fail2ban-server -c "$work/root/etc/fail2ban" -xf start >"$work/fail2ban.output" 2>&1 &
  pids+=("$!")
  soon_quietly fail2ban_answers
}
fail2ban-client() { command fail2ban-client -c "$work/root/etc/fail2ban" "$@"; }
fail2ban_answers() { fail2ban-client ping | grep -q pong; }

soon_quietly() {
  local said
  said=$(soon "waited for: $*" "$@") || {
    say "$said"
    exit 1
  }
}

# --- questions -------------------------------------------------------------------------------------------------------

# requests COUNT CURL_OPTION...: the statuses; 000 is a connection that the firewall refused.
requests() {
  local count=$1 _
  shift
  for _ in $(seq "$count"); do
    client curl -s -g -o /dev/null -w '%{http_code} ' --max-time 5 "$@"
  done
}
through_edge() { requests "$1" --interface "$edge" -H "CF-Connecting-IP: $2" "http://$server4/"; }
directly() { requests "$1" --interface "$direct" "http://[$server6]/"; }

has_both_actions() { fail2ban-client get "$jail" actions | grep -q "iptables-multiport, cloudflare"; }
no_error() { ! grep -E "ERROR|CRITICAL" "$work/log/fail2ban.log"; }
ban_line() { grep -E "NOTICE +\[$jail\] Ban $1\$" "$work/log/fail2ban.log"; }
firewall() { { iptables -S && ip6tables -S; } | grep -E "^-A f2b-$jail -s "; }
firewall_rejects() { firewall | grep -F -- "-s $1/"; }
firewall_forgot() { ! firewall_rejects "$1"; }

# The rules that "Cloudflare" has, one a line: created, id, mode, target, value, notes.
rules() {
  "$bun" -e '
    const { rules } = await (await fetch(new URL("/fake/state", process.argv[1]))).json();
    for (const { created_on, id, mode, configuration: { target, value }, notes } of rules)
      console.log([created_on, id, mode, target, value, notes].join("\t"));
  ' "$api"
}
rule_of() { rules | grep -E "	($1|$(expanded "$1"))	"; }
no_rule_of() { ! rule_of "$1"; }
# IPv6 stands in access rules in full.
expanded() {
  case $1 in
  *::*) "$bun" -e '
      const [head, tail] = process.argv[1].split("::").map((part) => part.split(":"));
      const all = [...head, ...Array(8 - head.length - tail.length).fill("0"), ...tail];
      console.log(all.map((group) => group.padStart(4, "0")).join(":"));
    ' "$1" ;;
  *) printf '%s\n' "$1" ;;
  esac
}
show_rule() {
  rule_of "$1" | while IFS='	' read -r _ id mode target value notes; do
    printf 'id      %s\nrule    %s %s %s\nnotes   %s\n' "$id" "$mode" "$target" "$value" "$notes"
  done | show
}

# Milliseconds from the line in fail2ban's log to the rule's own time.
delay_of() {
  local decided created
  decided=$(ban_line "$1" | tail -n 1 | sed -E 's/^([0-9-]+ [0-9:]+),([0-9]+) .*/\1.\2/')
  created=$(rule_of "$1" | cut -f 1)
  printf '%s\n' $(($(date -u -d "$created" +%s%3N) - $(date -u -d "$decided" +%s%3N)))
}

# --- the story -------------------------------------------------------------------------------------------------------

attacked() {
  local who=$1
  soon "fail2ban bans it" ban_line "$who" || return
  ban_line "$who" | show
  soon "the local firewall rejects it" firewall_rejects "$who" || return
  firewall_rejects "$who" | show
  soon "Cloudflare blocks it" rule_of "$who" || return
  show_rule "$who"
  say "    $(delay_of "$who") ms after fail2ban's decision, iptables included"
}

story() {
  heading "A server is set up: nginx with limit_req, fail2ban, and a stand-in for Cloudflare on loopback"
  start_network
  start_cloudflare
  start_nginx
  install_action || die "  ✗ install.sh failed"
  start_fail2ban
  run fail2ban-client get "$jail" actions
  expect "the jail has both actions" has_both_actions

  heading "An attacker, $visitor, sends requests through Cloudflare's edge, $edge"
  local answers
  answers=$(through_edge 5 "$visitor")
  say "    $answers"
  expect "nginx limits it" [ "$answers" = "200 200 429 429 429 " ]
  attacked "$visitor"
  answers=$(through_edge 1 "$other")
  expect "another visitor through the same edge is served" [ "$answers" = "200 " ]

  heading "Another attacker, $direct, comes directly"
  say "    $(directly 5)"
  attacked "$direct"
  answers=$(directly 1)
  expect "its next connection is refused" [ "$answers" = "000 " ]

  heading "What an administrator sees"
  run fail2ban-cloudflare status
  run fail2ban-cloudflare list

  heading "The bans are lifted"
  run fail2ban-client set "$jail" unbanip "$visitor" "$direct"
  local who
  for who in "$visitor" "$direct"; do
    soon "$who is gone from the local firewall" firewall_forgot "$who"
    soon "$who is gone from Cloudflare" no_rule_of "$who"
  done
  run fail2ban-cloudflare list
  expect "fail2ban met no error" no_error
}

clean_up() {
  local pid
  # What was started detached, as the courier, goes with the process namespace.
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
  rm -rf "$work"
}

if [ "${1:-}" != inside ]; then
  need_root
  need_packages fail2ban-server=fail2ban nginx=nginx iptables=iptables ip=iproute2 unshare=util-linux curl=curl
  need_bun
  need_apart
  say "Building the binary"
  "$bun" scripts/build.ts </dev/null || exit 1
  apart env -i PATH="$PATH" HOME=/ TZ=UTC bun="$bun" \
    bash "$root/scripts/demo.sh" inside "$(readlink /proc/self/ns/net)" </dev/null
  exit
fi

outside=${2:-}
if [ -z "$outside" ] || [ "$(readlink /proc/self/ns/net)" = "$outside" ]; then die "To be started as: $0"; fi
pids=()
work=$(mktemp -d -t fail2ban-cloudflare-demo.XXXXXX)
trap clean_up EXIT
trap 'exit 130' HUP INT TERM
started=$SECONDS
story
heading "It took $((SECONDS - started)) s"
if [ "$failures" -gt 0 ]; then
  say "$failures of the above failed. fail2ban's log and the courier's:"
  tail -n 30 "$work/log/fail2ban.log" "$work/log/courier.log" 2>&1 | show
  exit 1
fi
say "✓ Everything above is real but for Cloudflare itself"
