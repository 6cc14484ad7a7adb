#!/usr/bin/env bash
# Real guests, from the first to the last: what they see, what they may, what they may not, and what is left of them.
# `guest.sh FOLDER` plays another one instead.
# Everything happens in namespaces of its own: no other cloud on this machine notices, and all of it ends with this script.
set -uo pipefail
cd "$(dirname "$0")/../.."
play=${1:-tests/e2e/guest}

skip() { echo "skipped: $*"; exit 77; }

[ "$(id -u)" = 0 ] || skip "real guests need root"
for program in qemu-system-x86_64 nft ip ssh ssh-keygen rustc unshare; do
  command -v "$program" >/dev/null || skip "$program isn't installed"
done
[ -x target/venv/bin/python3 ] && export PATH="$PWD/target/venv/bin:$PATH"
python3 -c 'import boto3' 2>/dev/null || skip "python3 has no boto3"
unshare -n -m -p -f --mount-proc true 2>/dev/null || skip "this machine gives no namespaces"

export LANDFALL_BIN=${LANDFALL_BIN:-$PWD/${CARGO_TARGET_DIR:-target}/debug/landfall}
[ -x "$LANDFALL_BIN" ] || skip "there is no $LANDFALL_BIN: cargo build -p landfall"
work=$(mktemp -d)
# Control groups are the kernel's and outlive namespaces: those of guests that were cut off go here.
clean() {
  local guest group try
  for guest in $(cat "$work/guests" 2>/dev/null); do
    for group in $(find /sys/fs/cgroup -type d -name "$guest"); do
      # Processes that were killed a moment ago may still be in it.
      for try in 1 2 3 4 5 6 7 8 9 10; do rmdir "$group" 2>/dev/null && break; sleep 0.1; done
    done
  done
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 143' TERM INT

if [ -z "${LANDFALL_MINI_IMAGE:-}" ]; then
  "$LANDFALL_BIN" image build mini --state "$work" || skip "no image can be built here"
  kernel=$(find "$work/images" -name 'landfall-mini-*.vmlinuz')
  export LANDFALL_MINI_IMAGE=${kernel%.vmlinuz}
fi
# A build that goes on meanwhile must not change what is being looked at.
cp "$LANDFALL_BIN" "$work/landfall"
export LANDFALL_BIN=$work/landfall
# What a guest is to run besides: files without libraries.
for source in $(find tests/e2e/guest "$play" -name '*.rs' | sort -u); do
  rustc --edition 2024 -C opt-level=s -C target-feature=+crt-static -C strip=symbols -o "$work/$(basename "$source" .rs)" "$source" || exit 1
done

export PYTHONDONTWRITEBYTECODE=1
# The first process of the new namespace takes in whom others left behind; when it ends, all in it ends.
unshare -n -m -p -f --mount-proc --kill-child --propagation private \
  bash -c 'python3 "$1" "$0"; exit $?' "$work" "$play"
