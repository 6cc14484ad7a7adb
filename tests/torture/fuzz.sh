#!/usr/bin/env bash
# fuzz.sh [SECONDS]: every fuzz target in turn, an hour in all unless told otherwise. Whatever breaks one is left in
# fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/../.."

tools=$PWD/target/fuzz-tools
export PATH="$tools/bin:$PATH"
command -v cargo-fuzz >/dev/null || cargo install --quiet --locked --root "$tools" cargo-fuzz
# The sanitiser's flags are for nightly compilers alone; panics and hangs are found without it as well.
toolchain=+stable sanitizer=none
if cargo +nightly --version >/dev/null 2>&1; then toolchain=+nightly sanitizer=address; fi
command -v rustup >/dev/null || toolchain=

mapfile -t targets < <(sed -n 's/^name = "\(.*\)"/\1/p' fuzz/Cargo.toml | tail -n +2)
each=$((${1:-${LANDFALL_FUZZ_SECONDS:-3600}} / ${#targets[@]}))
for target in "${targets[@]}"; do
  echo "== $target: $each s"
  # shellcheck disable=SC2086
  cargo $toolchain fuzz run --sanitizer "$sanitizer" "$target" -- -max_total_time="$each" -max_len=4096 -timeout=10 -verbosity=0
done
