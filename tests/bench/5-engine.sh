#!/usr/bin/env bash
# Durable commits a second, next to the same rows written straight to SQLite in equally large groups.
cd "$(dirname "$0")/../.." && . tests/bench/parts/bench.sh && fast_cargo run --quiet --release -p landfall-state --example bench
