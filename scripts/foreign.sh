# shellcheck shell=bash
# Other systems that tests run the program on, made from Debian's packages. To be sourced after lib.sh.

# What builds packages, runs other machines' programs, and makes the systems below.
need_foreign() {
  need_packages git=git rpmbuild=rpm debootstrap=debootstrap systemd-nspawn=systemd-container \
    systemd-analyze=systemd qemu-aarch64=qemu-user readelf=binutils busybox=busybox-static \
    aarch64-linux-gnu-ld=binutils-aarch64-linux-gnu /lib/ld-musl-x86_64.so.1=musl \
    /usr/aarch64-linux-gnu/lib/libc.so.6=libc6-arm64-cross \
    /usr/lib/gcc/x86_64-linux-gnu/12/libstdc++_pic.a=libstdc++-12-pic \
    /usr/lib/gcc-cross/aarch64-linux-gnu/12/libstdc++_pic.a=libstdc++-12-pic-arm64-cross
  need_debian
  need_musl_arm64
}

# Kept between runs: they take a minute to make.
foreign=/var/cache/fail2ban-cloudflare-test

# Exports FAIL2BAN_CLOUDFLARE_DEBIAN: a Debian with systemd and fail2ban, and nothing of what developers have.
need_debian() {
  local suite=bookworm root=$foreign/debian
  if [ ! -e "$root/ready" ]; then
    say "Making a Debian with systemd and fail2ban in $root"
    rm -rf "$root"
    mkdir -p "$root"
    # Without the packages' services being started here.
    debootstrap --variant=minbase --include=systemd-sysv,fail2ban,rpm "$suite" "$root/root" >"$root/log" 2>&1 </dev/null || {
      cat "$root/log" >&2
      die "debootstrap failed"
    }
    rm -rf "$root"/root/var/cache/apt/archives/*.deb
    touch "$root/ready"
  fi
  export FAIL2BAN_CLOUDFLARE_DEBIAN=$root/root
}

# Exports FAIL2BAN_CLOUDFLARE_MUSL_ARM64: Debian's musl for arm64, unpacked.
need_musl_arm64() {
  local root=$foreign/musl-arm64
  if [ ! -e "$root/ready" ]; then
    rm -rf "$root"
    mkdir -p "$root/lists/partial" "$root/cache/archives/partial"
    # Lists of its own: this machine's apt does not learn of another architecture.
    local apt=(apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o "Dir::State=$root"
      -o "Dir::State::lists=$root/lists" -o "Dir::Cache=$root/cache" -o APT::Sandbox::User=root)
    "${apt[@]}" update </dev/null 2>"$root/log"
    (cd "$root" && "${apt[@]}" download musl:arm64 && dpkg-deb -x musl_*_arm64.deb root) </dev/null >>"$root/log" 2>&1 || {
      cat "$root/log" >&2
      die "Cannot get musl for arm64"
    }
    rm -rf "$root/lists" "$root/cache"
    touch "$root/ready"
  fi
  export FAIL2BAN_CLOUDFLARE_MUSL_ARM64=$root/root
}
