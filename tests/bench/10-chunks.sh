#!/usr/bin/env bash
# The chunk store in a folder: backup and restore of a disk next to `qemu-img convert` and restic on the same data, and the
# snapshot after a change of one in a hundred blocks, in interleaved rounds. Ratios are of medians; more than 1 means that we
# are faster. `GIB` and `ROUNDS` change the size; `SEALED=1` seals the chunks.
set -euo pipefail
cd "$(dirname "$0")/../.." && . tests/bench/parts/bench.sh
gib=${GIB:-4} rounds=${ROUNDS:-3}
for program in qemu-img restic; do
  command -v $program >/dev/null || as_root apt-get install -y -qq --no-install-recommends "${program/qemu-img/qemu-utils}" >/dev/null ||
    skip "$program isn't installed"
done
fast_cargo build --quiet --release -p landfall-chunks --example bench
ours=$PWD/${CARGO_TARGET_DIR:-target}/release/examples/bench
work=$(mktemp -d "${TMPDIR:-/var/tmp}/landfall-chunks.XXXXXX")
trap 'rm -rf "$work"' EXIT
export RESTIC_PASSWORD=bench RESTIC_REPOSITORY=$work/restic RESTIC_CACHE_DIR=$work/cache

# timed NAME COMMAND...: what it took, in seconds, as a line of $work/times. What others wrote before is on the disk first.
timed() {
  local name=$1 from
  shift
  sync
  from=$(date +%s.%N)
  "$@" >"$work/out" 2>"$work/err" || { cat "$work/out" "$work/err"; exit 1; }
  awk -v name="$name" -v from="$from" -v to="$(date +%s.%N)" 'BEGIN { printf "%s %.3f\n", name, to - from }' >>"$work/times"
}

# Whole and on the disk, as ours and restic's are.
converted() { qemu-img convert -f "$1" -O "$2" "$3" "$4" && sync "$4"; }

# median NAME
median() { awk -v name="$1" '$1 == name { print $2 }' "$work/times" | sort -n | awk '{ a[NR] = $1 } END { print (a[int((NR + 1) / 2)] + a[int((NR + 2) / 2)]) / 2 }'; }

blocks=$((gib * 2048)) changed=$((gib * 2048 / 100))
"$ours" make "$work/disk" "$gib"
cat "$work/disk" >/dev/null
for round in $(seq "$rounds"); do
  rm -rf "$work"/{store,restic,cache,copy.qcow2,restored,plain} && mkdir "$work/plain"
  restic init --repository-version 2 -q

  timed backup "$ours" backup "$work/store" "$work/disk" 1 -
  root=$(cat "$work/out") full=$(du -sB1 "$work/store" | cut -f1)
  timed backup-qemu converted raw qcow2 "$work/disk" "$work/copy.qcow2"
  timed backup-restic restic backup -q "$work/disk"

  timed restore "$ours" restore "$work/store" "$root" "$work/restored"
  cmp "$work/disk" "$work/restored" && rm "$work/restored"
  timed restore-qemu converted qcow2 raw "$work/copy.qcow2" "$work/restored"
  rm "$work/restored"
  timed restore-restic restic restore -q latest --target "$work/plain"
  rm -rf "$work/plain" "$work/copy.qcow2"

  # One block in a hundred, next to each other, as a dirty bitmap tells us and nobody tells restic.
  "$ours" change "$work/disk" $((round * changed)) "$changed"
  timed change "$ours" backup "$work/store" "$work/disk" 2 "$root" $((round * changed)) "$changed"
  next=$(cat "$work/out") part=$(($(du -sB1 "$work/store" | cut -f1) - full))
  timed reread "$ours" backup "$work/store" "$work/disk" 3 "$next"
  timed change-restic restic backup -q "$work/disk"
  timed collect "$ours" collect "$work/store" 4 "$next"
  "$ours" restore "$work/store" "$next" "$work/restored" && cmp "$work/disk" "$work/restored"
  rm "$work/restored"
done

bytes=$((gib << 30)) restic=$(du -sB1 "$work/restic" | cut -f1)
report() { awk -v what="$1" -v s="$(median "$2")" -v t="$(median "$3")" -v u="$(median "$4")" -v b="$bytes" 'BEGIN {
  printf "%-34s %6.2f s, %5.0f MiB/s; qemu-img %6.2f s (ratio %.2f), restic %6.2f s (ratio %.2f)\n", what, s, b / s / 1048576, t, t / s, u, u / s }'; }
echo "$gib GiB, of which 2 tenths are zeros and 3 noise; $rounds rounds; $(nproc) processors"
report "backup" backup backup-qemu backup-restic
report "restore" restore restore-qemu restore-restic
awk -v a="$(median change)" -v f="$(median backup)" -v r="$(median change-restic)" -v w="$(median reread)" -v part="$part" -v full="$full" 'BEGIN {
  printf "%-34s %6.2f s, %.1f %% of the full one'"'"'s time and %.1f %% of its bytes; restic %.2f s (ratio %.1f)\n", "one block in a hundred changed", a, 100 * a / f, 100 * part / full, r, r / a
  printf "%-34s %6.2f s (restic, which does the same, %.2f s)\n", "all read again, nothing changed", w, r }'
awk -v ours="$full" -v restic="$restic" -v b="$bytes" -v c="$(median collect)" 'BEGIN {
  printf "%-34s %.2f of the data; restic with the change %.2f. Collecting: %.2f s\n", "stored", ours / b, restic / b, c }'
