#!/usr/bin/env bash
# kill.sh [POINTS [SEED]]: kills the real server at every step that it can be killed at, with real guests (see kill/).
# `make torture` runs it whole; tests/e2e/kill.sh takes a few deaths.
set -uo pipefail
cd "$(dirname "$0")/../.."

skip() { echo "skipped: $*"; exit 77; }

[ "$(id -u)" = 0 ] || skip "real guests need root"
for program in qemu-system-x86_64 nft ip unshare python3; do
  command -v "$program" >/dev/null || skip "$program isn't installed"
done
unshare -n -m -p -f --mount-proc true 2>/dev/null || skip "this machine gives no namespaces"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The points are in no other build. It shares its libraries with the others, and gives the binary's place back to them.
debug=${CARGO_TARGET_DIR:-target}/debug
if [ -z "${LANDFALL_CRASH_BIN:-}" ]; then
  [ ! -e "$debug/landfall" ] || mv "$debug/landfall" "$debug/landfall.usual"
  cargo build --quiet -p landfall --features crash-points
  built=$?
  LANDFALL_CRASH_BIN=$work/landfall
  [ "$built" != 0 ] || mv "$debug/landfall" "$LANDFALL_CRASH_BIN"
  [ ! -e "$debug/landfall.usual" ] || mv "$debug/landfall.usual" "$debug/landfall"
  [ "$built" = 0 ] || exit 1
fi

if [ -n "${LANDFALL_MINI_IMAGE:-}" ]; then
  images=$(dirname "$LANDFALL_MINI_IMAGE")
else
  "$LANDFALL_CRASH_BIN" image build mini --state "$work" || skip "no image can be built here"
  images=$work/images
fi

python3 tests/torture/kill --binary "$LANDFALL_CRASH_BIN" --images "$images" \
  --points "${1:-200}" ${2:+--seed "$2"} ${SAMPLE:+--sample}
