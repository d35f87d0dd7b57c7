# Sourced by every script: the root of the repository as the working directory,
# the project's own tools first in PATH, and the functions they share.
set -euo pipefail

TRUNKLINE_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)"
cd "$TRUNKLINE_ROOT"

export PATH="$TRUNKLINE_ROOT/node_modules/.bin:$PATH"
export TRUNKLINE_CACHE="${TRUNKLINE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/trunkline}"
export WRANGLER_SEND_METRICS=false
# Nothing but loopback: no look-up of where this machine is.
export CLOUDFLARE_CF_FETCH_ENABLED=false

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# The comment at the head of the script: what `--help` prints.
print_help() {
  sed -n '2,/^[^#]/s/^# \{0,1\}//p' "scripts/${0##*/}"
}

# The script was not called as it must be: says why, and where it says how.
usage_error() {
  echo "${0##*/}: $*; see scripts/${0##*/} --help" >&2
  exit 2
}

# SHA-256 of file $1, in hex.
sha256_of() {
  if command -v sha256sum >/dev/null; then
    sha256sum "$1" | cut -d' ' -f1
  else
    shasum -a 256 "$1" | cut -d' ' -f1
  fi
}

# npm on the machine's own Node, whose settings it reads; ours may be what it
# replaces.
machine_npm() {
  PATH="${PATH//"$TRUNKLINE_ROOT/node_modules/.bin:"/}" npm "$@"
}

# Configures preset $1 when its build directory is missing or older than the
# presets, and builds it, or only the targets that follow. Silent when there is
# nothing to do. Two builds of a preset take turns.
cmake_build() (
  preset="$1"
  shift
  mkdir -p build
  if command -v flock >/dev/null; then
    exec 8>"build/.$preset-lock"
    flock 8
  fi
  if [[ ! "build/$preset/build.ninja" -nt CMakePresets.json ]]; then
    log="$(cmake --preset "$preset" 2>&1)" || { echo "$log" >&2; exit 1; }
  fi
  log="$(cmake --build --preset "$preset" ${1:+--target "$@"} 2>&1)" || { echo "$log" >&2; exit 1; }
)
