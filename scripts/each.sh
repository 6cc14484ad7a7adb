#!/usr/bin/env bash
# each.sh FOLDER: runs every executable of a folder in the order of their names, and counts.
# An exit code of 0 is a pass, 77 a skip; anything else is a failure. With TALLY=FILE the counts go there too.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/parts.sh

passed=0 failed=0 skipped=0
for script in "$1"/*; do
  [ -f "$script" ] && [ -x "$script" ] || continue
  from=$(date +%s.%N)
  printf '== %s\n' "$script"
  timeout "${LIMIT_S:-1800}" "$script"
  case $? in
    0) passed=$((passed + 1)) said=passed ;;
    77) skipped=$((skipped + 1)) said=skipped ;;
    124) failed=$((failed + 1)) said="FAILED: it took longer than ${LIMIT_S:-1800} s" ;;
    *) failed=$((failed + 1)) said=FAILED ;;
  esac
  printf '== %s: %s in %s s\n' "$script" "$said" "$(since "$from")"
done
[ -z "${TALLY:-}" ] || echo "$passed $failed $skipped" >"$TALLY"
echo "$1: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
