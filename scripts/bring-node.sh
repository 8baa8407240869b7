# shellcheck shell=sh disable=SC2034,SC2154
# Sourced by install.sh: finds a Node that services may run, or brings Node's own
# build, and says what of it was checked.
#
# Reads $node_file, $mirror, $keys, $root, $yes, $package, $scratch.

# What Sluice was tried with, and what it needs at least.
NODE_VERSION=24.21.0
NODE_NEEDS=24.15

new_enough() {
  [ -x "$1" ] && "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number);
    const [c, d] = process.argv[1].split(".").map(Number);
    process.exit(a > c || (a === c && b >= d) ? 0 : 1)' "$NODE_NEEDS" 2>/dev/null
}

# One that units may run: not below a home, which their services cannot see, nor
# the repackaged one of the development's packages.
for_services() {
  case $(readlink -f "$1") in
  /root/* | /home/* | /tmp/* | */node_modules/*) return 1 ;;
  esac
}

# Sets $node, $origin (a sentence) and $copy ("" for the host's own).
find_node() {
  copy=
  if [ -z "$node_file" ]; then
    host=$(command -v node || true)
    if [ -n "$host" ] && for_services "$host" && new_enough "$host"; then
      node=$host
      origin="It is the host's own; nothing is downloaded."
      return
    fi
    own=${root%/}/opt/sluice/node/bin/node
    if new_enough "$own"; then
      node=$own
      copy=--copy-node
      origin="It came with Sluice before; nothing is downloaded."
      return
    fi
    download_node
  else
    [ -f "$node_file" ] || die "Cannot take Node from \"$node_file\": there is no such file"
    sums=$(dirname "$node_file")/SHASUMS256.txt
    if [ -f "$sums" ]; then
      check_sum "$node_file" "$sums"
      check_signature "$sums"
    else
      checked="Neither its sum nor a signature was checked: SHASUMS256.txt is not beside it."
    fi
  fi
  unpack_node
}

processor() {
  case $(uname -m) in
  x86_64) echo x64 ;;
  aarch64 | arm64) echo arm64 ;;
  *) die "Cannot bring Node for $(uname -m): expected x86_64 or aarch64" ;;
  esac
}

fetch() { # URL FILE
  if command -v curl >/dev/null 2>&1; then
    curl -fsSL --retry 2 --connect-timeout 15 -o "$2" "$1"
  elif command -v wget >/dev/null 2>&1; then
    wget -q --tries=3 --timeout=15 -O "$2" "$1"
  else
    die "Cannot download anything: expected curl or wget; --node FILE takes a Node fetched elsewhere"
  fi
}

# Prints "29 MB", or "about 30 MB" where nobody tells.
download_size() { # URL
  length=
  if command -v curl >/dev/null 2>&1; then
    length=$(curl -fsSIL --connect-timeout 15 "$1" 2>/dev/null | tr -d '\r' |
      sed -n 's/^[Cc]ontent-[Ll]ength: *//p' | tail -n 1)
  fi
  if [ "${length:-0}" -gt 0 ] 2>/dev/null; then
    echo "$(((length + 1048575) / 1048576)) MB"
  else
    echo "about 30 to 55 MB"
  fi
}

download_node() {
  ending=tar.gz
  command -v xz >/dev/null 2>&1 && ending=tar.xz
  name=node-v$NODE_VERSION-linux-$(processor).$ending
  url=$mirror/v$NODE_VERSION/$name
  found=$(node --version 2>/dev/null || echo none)
  size=$(download_size "$url")
  echo "Sluice needs Node $NODE_NEEDS or newer that its services can run; this host has $found."
  echo "Node's own build would be downloaded: $size, from $url"
  if [ -z "$yes" ]; then
    [ -t 0 ] || die "Cannot ask whether to download: expected a terminal, --yes, or --node FILE"
    printf 'Download it? [y/N] '
    read -r reply
    case $reply in
    y | Y | yes) ;;
    *) die "Nothing was changed. --node FILE takes a tarball fetched elsewhere" ;;
    esac
  fi
  make_scratch
  node_file=$scratch/$name
  fetch "$url" "$node_file" ||
    die "Cannot download $url. Nothing was changed; --node FILE takes a tarball fetched elsewhere"
  fetch "$mirror/v$NODE_VERSION/SHASUMS256.txt" "$scratch/SHASUMS256.txt" ||
    die "Cannot download the sums of $url. Nothing was changed"
  fetch "$mirror/v$NODE_VERSION/SHASUMS256.txt.asc" "$scratch/SHASUMS256.txt.asc" 2>/dev/null || true
  check_sum "$node_file" "$scratch/SHASUMS256.txt"
  check_signature "$scratch/SHASUMS256.txt"
}

check_sum() { # FILE SUMS
  name=$(basename "$1")
  expected=$(awk -v name="$name" '$2 == name { print $1 }' "$2")
  got=$(sha256sum "$1" | cut -d ' ' -f 1)
  [ -n "$expected" ] || die "Cannot check $name: $2 has no line for it. Nothing was changed"
  [ "$expected" = "$got" ] ||
    die "Cannot use $name: expected SHA-256 $expected, got $got. Nothing was changed"
  checked="Its SHA-256 is the one in SHASUMS256.txt."
}

# The list of sums, signed by one of Node's releasers. Keys are taken from wherever
# they can be had, since each is told by its fingerprint (scripts/node-release-keys).
check_signature() { # SUMS
  if [ ! -f "$1.asc" ]; then
    checked="$checked Its signature was not checked: there is no SHASUMS256.txt.asc."
    return
  fi
  if ! command -v gpg >/dev/null 2>&1; then
    checked="$checked Its signature was not checked: there is no gpg here."
    return
  fi
  make_scratch
  GNUPGHOME=$scratch/gnupg
  export GNUPGHOME
  mkdir "$GNUPGHOME"
  chmod 700 "$GNUPGHOME"
  releasers=$(sed -n 's/^\([0-9A-F]\{40\}\) .*/\1/p' "$package/scripts/node-release-keys")
  missing=
  for key in $releasers; do
    if fetch "$keys/$key.asc" "$scratch/key.asc" 2>/dev/null; then
      gpg --batch --quiet --import "$scratch/key.asc" 2>/dev/null || true
    else
      missing=yes
    fi
  done
  said=$(gpg --batch --status-fd 1 --output "$scratch/signed" --decrypt "$1.asc" 2>/dev/null || true)
  gpgconf --kill all >/dev/null 2>&1 || true
  # The last word is the primary key, whichever subkey signed.
  signer=$(echo "$said" | sed -n 's/^\[GNUPG:\] VALIDSIG .* \([0-9A-F]\{40\}\)$/\1/p')
  if [ -z "$signer" ] && [ -n "$missing" ] && echo "$said" | grep -q 'GNUPG:. NO_PUBKEY'; then
    checked="$checked Its signature was not checked: not all keys of Node's releasers could be fetched from $keys."
    return
  fi
  if [ -z "$signer" ] || ! echo "$releasers" | grep -qx "$signer"; then
    die "Cannot use this Node: expected SHASUMS256.txt.asc to be signed by one of Node's releasers, and it is not. Nothing was changed"
  fi
  cmp -s "$1" "$scratch/signed" ||
    die "Cannot use this Node: SHASUMS256.txt is not what was signed. Nothing was changed"
  checked="$checked That list is signed by Node's releaser $signer."
}

unpack_node() {
  make_scratch
  mkdir -p "$scratch/node"
  tar -xf "$node_file" -C "$scratch/node" --strip-components=1 --no-same-owner ||
    die "Cannot unpack \"$node_file\". $checked Nothing was changed"
  node=$scratch/node/bin/node
  copy=--copy-node
  origin="From $(basename "$node_file"). $checked"
  "$node" --version >/dev/null 2>&1 ||
    die "Cannot run the Node in \"$node_file\" on this host ($(uname -m)), or programs in $scratch (TMPDIR names another place). Nothing was changed"
}
