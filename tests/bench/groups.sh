#!/usr/bin/env bash
# Throughput between two ports through a security group with a thousand rules, next to one that allows everything.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "$(id -u)" = 0 ] || { echo "SKIPPED groups.sh: network namespaces need root"; exit 77; }
exec cargo run --quiet --release -p landfall-node --example group_throughput
