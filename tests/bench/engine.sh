#!/usr/bin/env bash
# The engine under the value: durable commits next to the same rows written straight to SQLite, starts, memory, latency.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec cargo run --quiet --release -p landfall-state --example bench
