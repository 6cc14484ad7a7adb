#!/usr/bin/env bash
# Calls a second, in memory and durable, next to moto_server.
cd "$(dirname "$0")/../.." && . tests/bench/parts/bench.sh && bench api
