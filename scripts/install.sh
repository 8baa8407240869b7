#!/bin/sh
# Installs Sluice: finds or brings a Node, and hands over to the program, which
# shows what it will do and asks (src/faces/install).
#
#   scripts/install.sh                       from a checkout, after npm ci
#   install.sh sluice-0.1.0.tgz              from what `npm pack` made, no network needed
#   package/scripts/install.sh               from that tarball, unpacked
#
# Options: --yes (ask nothing), --mode observe|enforce, --[no-]capture,
# --[no-]web, --[no-]import, --root DIR (install below a folder, start nothing),
# --node FILE (Node's own tarball, node-v24.*-linux-*.tar.xz, fetched elsewhere),
# --node-mirror URL (instead of https://nodejs.org/dist), --node-keys URL (a folder
# of its releasers' keys), --uninstall [options].
set -eu
umask 022

say() { echo "install.sh: $*" >&2; }
die() {
  say "$*"
  exit 1
}

scratch=
trap '[ -z "$scratch" ] || rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP

make_scratch() {
  [ -n "$scratch" ] || scratch=$(mktemp -d "${TMPDIR:-/tmp}/sluice-install.XXXXXX")
}

# --- the words -------------------------------------------------------------

tarball=
node_file=
mirror=https://nodejs.org/dist
keys=https://raw.githubusercontent.com/nodejs/release-keys/HEAD/keys
root=/
yes=
uninstall=
want() { [ "$2" -ge 2 ] || die "Cannot read the options: $1 expects a value"; }

read_options() {
  # What is not ours is the program's, and it knows what is wrong with it.
  count=$#
  while [ "$count" -gt 0 ]; do
    word=$1
    shift
    count=$((count - 1))
    case $word in
    --node | --node-mirror | --node-keys | --root | --mode | --config)
      want "$word" $((count + 1))
      value=$1
      shift
      count=$((count - 1))
      case $word in
      --node) node_file=$value ;;
      --node-mirror) mirror=${value%/} ;;
      --node-keys) keys=${value%/} ;;
      --root) root=$value && set -- "$@" "$word" "$value" ;;
      *) set -- "$@" "$word" "$value" ;;
      esac
      ;;
    --uninstall) uninstall=yes ;;
    --help | -h) sed -n '2,/^set -eu/{/^#/s/^# \{0,1\}//p;}' "$0" && exit 0 ;;
    --yes) yes=--yes && set -- "$@" "$word" ;;
    -*) set -- "$@" "$word" ;;
    *)
      [ -z "$tarball" ] || die "Cannot read the options: expected one tarball, got \"$tarball\" and \"$word\""
      tarball=$word
      ;;
    esac
  done
  run "$@"
}

# --- the package -------------------------------------------------------------

# Sets $package to a folder that has all of the program in it.
find_package() {
  here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
  if [ -z "$tarball" ] && [ -f "$here/src/cli.ts" ]; then
    [ -d "$here/node_modules/typescript" ] ||
      die "Cannot install from the checkout \"$here\": run npm ci in it first, or give a tarball"
    make_scratch
    say "packing the checkout"
    (cd "$here" && npm pack --silent --pack-destination "$scratch" >/dev/null) ||
      die "Cannot pack \"$here\": npm pack failed"
    tarball=$(echo "$scratch"/sluice-*.tgz)
  fi
  if [ -n "$tarball" ]; then
    [ -f "$tarball" ] || die "Cannot install from \"$tarball\": there is no such file"
    make_scratch
    tar -xzf "$tarball" -C "$scratch" --no-same-owner || die "Cannot unpack \"$tarball\""
    package=$scratch/package
  else
    package=$here
  fi
  [ -f "$package/dist/cli.js" ] ||
    die "Cannot install from \"$package\": expected what npm pack makes, and it has no dist/cli.js"
}

# --- all of it ---------------------------------------------------------------

run() {
  [ "$(id -u)" = 0 ] || die "Cannot install: expected root (sudo)"
  if [ -n "$uninstall" ]; then
    shim=${root%/}/usr/local/bin/sluice
    [ -x "$shim" ] || die "Cannot uninstall: there is no $shim"
    # The node and the program it names are below the same root.
    command=$(sed -n 's/^SLUICE_CALLED_AS=sluice exec \(.*\) "\$@"$/\1/p' "$shim")
    set -- "$@"
    words=
    for word in $command; do
      case $word in /opt/*) word=${root%/}$word ;; esac
      words="$words $word"
    done
    # shellcheck disable=SC2086
    exec $words uninstall "$@"
  fi
  find_package
  # shellcheck source=scripts/bring-node.sh
  . "$package/scripts/bring-node.sh"
  find_node
  # From here on the program knows what an interrupt may end.
  trap '' INT TERM HUP
  status=0
  # shellcheck disable=SC2086
  "$node" "$package/dist/cli.js" install --node "$node" $copy --node-origin "$origin" "$@" || status=$?
  exit "$status"
}

read_options "$@"
