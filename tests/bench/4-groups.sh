#!/usr/bin/env bash
# Throughput through a security group with a thousand rules, next to one that allows everything.
cd "$(dirname "$0")/../.." && . tests/bench/parts/bench.sh || exit 1
needs_root nft ip unshare
fast_cargo run --quiet --release -p landfall-node --example group_throughput
