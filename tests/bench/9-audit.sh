#!/usr/bin/env bash
# What the audit costs: calls a second next to a build of the same source that records nothing, in interleaved rounds.
cd "$(dirname "$0")/../.." && . tests/bench/parts/bench.sh
set -e
fast_cargo build --quiet --profile "$profile" -p landfall --features without-audit
cp "$built/landfall" "$built/landfall-without-audit"
fast_cargo build --quiet --profile "$profile" -p landfall
LANDFALL_BIN=$(realpath "$built/landfall") LANDFALL_UNAUDITED=$(realpath "$built/landfall-without-audit") bench audit "$@"
