#!/usr/bin/env bash
# Start to first answer, memory when idle, size of the binary, time of a reset.
cd "$(dirname "$0")/../.." && . tests/bench/parts/bench.sh && bench start
