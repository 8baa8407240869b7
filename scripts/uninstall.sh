#!/bin/sh
# Takes Sluice off again; options as of: sluice uninstall --help
exec "$(dirname -- "$0")/install.sh" --uninstall "$@"
