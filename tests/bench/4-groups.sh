#!/usr/bin/env bash
# TCP through a group with a thousand rules that refers to one with a thousand members, next to one rule that allows
# everything, and to plain Linux forwarding.
cd "$(dirname "$0")/../.." && . tests/bench/parts/bench.sh || exit 1
needs_root nft ip unshare
fast_cargo run --quiet --release -p landfall-node --example network -- traffic
