#!/usr/bin/env bash
# Start, memory and latencies with 1,000, 100,000 and (SIZES says which) 1,000,000 instances.
cd "$(dirname "$0")/../.." && . tests/bench/parts/bench.sh && bench scale sizes="${SIZES:-1000,100000,1000000}"
