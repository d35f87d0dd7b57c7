# Sourced by those who need it, after env.sh.

# The npm packages that our stages are held against, in build/bench/npm: nothing
# else needs them.
install_bench_packages() {
  local stamp=build/bench/npm/node_modules/.lock-sha256 wanted
  wanted="$(sha256_of tests/bench/npm/package-lock.json)"
  if [[ -f $stamp && "$(<"$stamp")" == "$wanted" ]]; then return; fi
  mkdir -p build/bench/npm
  cp tests/bench/npm/package.json tests/bench/npm/package-lock.json .npmrc build/bench/npm/
  machine_npm ci --prefix build/bench/npm --ignore-scripts --no-audit --no-fund >&2
  echo "$wanted" >"$stamp"
}
