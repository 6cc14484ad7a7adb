#!/usr/bin/env bash
# What policies cost: one evaluation by policies of several sizes, and calls of a user who has many next to root's.
cd "$(dirname "$0")/../.." && . tests/bench/parts/bench.sh
set -e
fast_cargo run --quiet --profile "$profile" -p landfall-policy --example speed
fast_cargo build --quiet --profile "$profile" -p landfall
LANDFALL_BIN=$(realpath "$built/landfall") bench policies "$@"
