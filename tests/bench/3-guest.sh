#!/usr/bin/env bash
# From the RunInstances call to the guest's first output, next to the same QEMU command line started by hand.
cd "$(dirname "$0")/../.." && . tests/bench/parts/bench.sh || exit 1
needs_root qemu-system-x86_64 qemu-img nft unshare
[ -n "${LANDFALL_MINI_IMAGE:-}" ] || skip "LANDFALL_MINI_IMAGE says where a mini image is"
bench guest images="$(dirname "$LANDFALL_MINI_IMAGE")"
