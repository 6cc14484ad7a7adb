#!/usr/bin/env bash
# Volumes of a real guest next to a raw file that the same machine has as a disk, encrypted ones too; making volumes of 8 and
# of 800 GiB; a snapshot after a change of one in a hundred blocks next to a full one. `ROUNDS`, `MS` and `GIB` change the size.
cd "$(dirname "$0")/../.." && . tests/bench/parts/bench.sh || exit 1
[ -n "${LANDFALL_BIN:-}" ] || { fast_cargo build --quiet --profile "$profile" -p landfall && export LANDFALL_BIN=$PWD/$built/landfall; }
# Volumes lie where a disk is, and not in memory.
TMPDIR=${TMPDIR:-/var/tmp} exec tests/e2e/guest.sh tests/bench/volumes
