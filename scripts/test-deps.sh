#!/bin/sh
# Brings the programs that the tests meet for real: engines, kernel tools.
#
# Runs before `npm test` and says nothing when all is there. What cannot be had
# is named in a line and its tests are skipped; this script never fails a run.
# No service is started or left enabled by what it installs.
# SLUICE_TEST_DEPS=skip leaves the machine as it is.
set -u

# program:package, as Debian and Ubuntu name them
PROGRAMS="v2ray:v2ray ss:iproute2 strace:strace mkfs.ext4:e2fsprogs tmux:tmux unshare:util-linux
  nft:nftables iptables:iptables conntrack:conntrack ip:iproute2 nsenter:util-linux setpriv:util-linux
  sshd:openssh-server ssh:openssh-client dropbear:dropbear-bin sshpass:sshpass
  sudo:sudo crontab:cron at:at nginx:nginx-light tcpdump:tcpdump curl:curl openssl:openssl
  socat:socat gpg:gnupg xz:xz-utils groff:groff-base systemd-analyze:systemd script:bsdutils
  chromium:chromium openvpn:openvpn busybox:busybox debootstrap:debootstrap caddy:caddy"
# The real Xray 26.10.10 as a Python module; its version is not the engine's.
MODULE="Xray-core==1.8.26.13"

[ "${SLUICE_TEST_DEPS:-}" = skip ] && exit 0
cd "$(dirname "$0")/.." || exit 0
PATH="$PATH:/usr/sbin:/sbin"

say() { echo "test-deps: $*" >&2; }

missing_packages() {
  for entry in $PROGRAMS; do
    command -v "${entry%%:*}" >/dev/null 2>&1 || printf '%s ' "${entry##*:}"
  done
}

# What a package enables for the next start of the machine.
units_of() {
  case $1 in
  v2ray) echo v2ray.service ;;
  openssh-server) echo ssh.service ssh.socket ;;
  cron) echo cron.service ;;
  at) echo atd.service ;;
  nginx-light) echo nginx.service ;;
  caddy) echo caddy.service ;;
  openvpn) echo openvpn.service ;;
  esac
}

# The policy keeps package scripts from starting services; v2ray and sshd would listen at once.
install_packages() {
  policy=/usr/sbin/policy-rc.d
  ours=
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && ours=yes
  fi
  # shellcheck disable=SC2064
  [ -n "$ours" ] && trap "rm -f '$policy'" EXIT INT TERM
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  apt-get -qq update >"$log" 2>&1 || say "apt-get update failed: $(tail -n 1 "$log")"
  # One by one: a package that this release does not have must not keep the others away.
  for package in "$@"; do
    if ! apt-get -qq -y install --no-install-recommends "$package" >"$log" 2>&1; then
      say "could not install $package: $(tail -n 1 "$log")"
    elif command -v systemctl >/dev/null 2>&1; then
      for unit in $(units_of "$package"); do
        systemctl --quiet disable "$unit" >/dev/null 2>&1
      done
    fi
  done
  rm -f "$log"
  [ -n "$ours" ] && rm -f "$policy"
  trap - EXIT INT TERM
}

packages=$(missing_packages)
if [ -n "$packages" ]; then
  if [ "$(id -u)" != 0 ]; then
    say "not root, so these stay missing: $packages"
  elif ! command -v apt-get >/dev/null 2>&1; then
    say "no apt-get here, so these stay missing: $packages"
  else
    # shellcheck disable=SC2086
    install_packages $packages
  fi
fi

# An `xray` of the machine's own goes before the module.
venv=.venv/xray
[ -n "${XRAY_BIN:-}" ] && exit 0
command -v xray >/dev/null 2>&1 && exit 0
[ -x "$venv/bin/xray" ] && exit 0
if ! python3 -c 'import ensurepip' >/dev/null 2>&1 && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  install_packages python3-venv
fi
if ! python3 -c 'import ensurepip' >/dev/null 2>&1; then
  say "no xray: python3 with venv and pip is missing"
  exit 0
fi
log=$(mktemp)
if python3 -m venv "$venv" >"$log" 2>&1 &&
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --retries 1 --timeout 20 \
    --only-binary :all: "$MODULE" >"$log" 2>&1; then
  printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$PWD/$venv/bin/python" "$PWD/test/support/xray-launcher.py" \
    >"$venv/bin/xray"
  chmod 755 "$venv/bin/xray"
else
  say "no xray: could not install $MODULE: $(tail -n 1 "$log")"
fi
rm -f "$log"
exit 0
