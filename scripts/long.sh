#!/usr/bin/env bash
# long.sh FOLDER: builds for release, and runs every script of a folder with what tests have at hand.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/parts.sh

from=$(date +%s.%N)
part "what it needs" scripts/install.sh build run test
export PATH="$PWD/target/venv/bin:$PATH"
part "release build" fast_cargo build --quiet --release -p landfall
target=${CARGO_TARGET_DIR:-target}
export LANDFALL_BIN=${LANDFALL_BIN:-$(realpath "$target/release/landfall")}
images=$PWD/target/test-images
part "a tiny image" "$LANDFALL_BIN" image build mini --state "$images"
kernel=$(find "$images" -name 'landfall-mini-*.vmlinuz' | sort | tail -1)
export LANDFALL_MINI_IMAGE=${kernel%.vmlinuz}
status=0
LIMIT_S=${LIMIT_S:-86400} scripts/each.sh "$1" || status=$?
printf '== everything: %s s\n' "$(since "$from")"
exit "$status"
