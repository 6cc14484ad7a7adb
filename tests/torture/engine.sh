#!/usr/bin/env bash
# The tests that `make test` takes a sample of, as long as they should be: killed processes, failing disks, policies held
# against another's evaluation, whole clouds that crash.
set -euo pipefail
cd "$(dirname "$0")/../.."
export LANDFALL_KILLS=${LANDFALL_KILLS:-200} LANDFALL_SEEDS=${LANDFALL_SEEDS:-10000}
export LANDFALL_ORACLE_CASES=${LANDFALL_ORACLE_CASES:-1000000}
cargo run --quiet --release -p landfall-testkit --example torture -- "${LANDFALL_RUNS:-10000}" ${LANDFALL_SEED:+"$LANDFALL_SEED"}
exec cargo test --release -p landfall-state -p landfall-policy -p landfall-node --no-fail-fast
