#!/usr/bin/env bash
# One more interface or rule on hosts with few and with thousands of them, and all of it from nothing.
cd "$(dirname "$0")/../.." && . tests/bench/parts/bench.sh || exit 1
needs_root nft ip unshare
fast_cargo run --quiet --release -p landfall-node --example network -- growth
