#!/usr/bin/env bash
# What the audit costs: calls a second next to a build of the same source that records nothing, in interleaved rounds.
cd "$(dirname "$0")/../.." && . tests/bench/parts/bench.sh
folder=${CARGO_TARGET_DIR:-target}
fast_cargo build --quiet --release -p landfall --features without-audit
cp "$folder/release/landfall" "$folder/release/landfall-without-audit"
fast_cargo build --quiet --release -p landfall
LANDFALL_UNAUDITED=$PWD/$folder/release/landfall-without-audit bench audit "$@"
