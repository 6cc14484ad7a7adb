#!/usr/bin/env bash
# fuzz.sh [SECONDS [TARGET...]]: every fuzz target in turn, or those, an hour in all unless told otherwise. Whatever breaks
# one is left in fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/../.."

tools=$PWD/target/fuzz-tools
export PATH="$tools/bin:$PATH"
command -v cargo-fuzz >/dev/null || cargo install --quiet --locked --root "$tools" cargo-fuzz
# The sanitiser's flags are for nightly compilers alone; panics and hangs are found without it as well.
toolchain=+stable sanitizer=none
if cargo +nightly --version >/dev/null 2>&1; then toolchain=+nightly sanitizer=address; fi
command -v rustup >/dev/null || toolchain=

seconds=${1:-${LANDFALL_FUZZ_SECONDS:-3600}}
targets=("${@:2}")
[ "${#targets[@]}" -gt 0 ] || mapfile -t targets < <(sed -n 's/^name = "\(.*\)"/\1/p' fuzz/Cargo.toml | tail -n +2)
each=$((seconds / ${#targets[@]}))
for target in "${targets[@]}"; do
  echo "== $target: $each s"
  # What is found goes into the first folder, where the next run goes on from; the second is what is known to be good.
  folders=("fuzz/corpus/$target")
  mkdir -p "${folders[0]}"
  [ ! -d "fuzz/seeds/$target" ] || folders+=("fuzz/seeds/$target")
  # shellcheck disable=SC2086
  cargo $toolchain fuzz run --sanitizer "$sanitizer" "$target" "${folders[@]}" -- \
    -max_total_time="$each" -max_len=4096 -timeout=10 -verbosity=0 -print_final_stats=1
done
