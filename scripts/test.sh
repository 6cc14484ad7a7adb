#!/usr/bin/env bash
# `make test`: everything that this machine can run. What it can't is counted as skipped, never as passed.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/parts.sh

from=$(date +%s.%N)
target=${CARGO_TARGET_DIR:-target}
work=$PWD/target/test
rm -rf "$work"
mkdir -p "$work"
passed=0 failed=0 skipped=0 failures=

# check NAME COMMAND...: one test that passes or fails as a whole.
check() {
  if part "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)) failures="$failures
  $1"; fi
}

lines() { if [ -f "$1" ]; then wc -l <"$1"; else echo 0; fi; }

part "what a build needs" scripts/install.sh build || exit 1
# Without these, what needs them is skipped and says so.
part "what a cloud of real machines needs" scripts/install.sh run || true
part "what tests need" scripts/install.sh test || true
[ -x target/venv/bin/python3 ] && export PATH="$PWD/target/venv/bin:$PATH"

check "fmt" cargo fmt --all --check
check "tidy" cargo xtask tidy
check "licences" scripts/deny.sh
check "clippy" cargo clippy --quiet --workspace --all-targets -- -D warnings

check "release build" fast_cargo build --quiet --release -p landfall
export LANDFALL_BIN=${LANDFALL_BIN:-$(realpath "$target/release/landfall")}

# The real guests of the tests boot this image.
images=$PWD/target/test-images
# One that was made by an older recipe isn't what is to be tested.
[ -z "$(find crates/node/src/image -newer "$images/images" -print -quit 2>/dev/null)" ] || rm -rf "$images/images"
if part "a tiny image" "$LANDFALL_BIN" image build mini --state "$images"; then
  kernel=$(find "$images" -name 'landfall-mini-*.vmlinuz' | sort | tail -1)
  [ -z "$kernel" ] || export LANDFALL_MINI_IMAGE=${kernel%.vmlinuz}
fi

export LANDFALL_SKIPPED=$work/skipped
part "compile the tests" fast_cargo test --quiet --workspace --no-run
part "cargo test" cargo test --workspace --no-fail-fast 2>&1 | tee "$work/cargo-test.log" | grep -v '^test .* \.\.\. ok$'
status=${PIPESTATUS[0]}
# What cargo calls ignored is no test: the processes that tests start. Tidy sees to that.
read -r p f < <(awk '/^test result:/ { for (n = 1; n < NF; n++) { if ($(n+1) == "passed;") p += $n; if ($(n+1) == "failed;") f += $n } } END { print p+0, f+0 }' "$work/cargo-test.log")
[ "$status" = 0 ] || [ "$f" -gt 0 ] || f=1
[ "$f" = 0 ] || failures="$failures
$(sed -n 's/^test \(.*\) \.\.\. FAILED$/  \1/p' "$work/cargo-test.log")"
# A test that found that it can't run here has ended well for cargo, and has left a line.
s=$(lines "$LANDFALL_SKIPPED")
passed=$((passed + p - s)) failed=$((failed + f)) skipped=$((skipped + s))

export TALLY=$work/tally
if ! scripts/each.sh tests/e2e 2>&1 | tee "$work/e2e.log"; then
  failures="$failures
$(sed -n 's/^== \(tests[^:]*\): FAILED.*/  \1/p' "$work/e2e.log")"
fi
read -r p f s <"$TALLY"
passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))

[ ! -s "$LANDFALL_SKIPPED" ] || { echo; echo "skipped:"; sed 's/^/  /' "$LANDFALL_SKIPPED"; }
[ -z "$failures" ] || { echo; echo "failed:$failures"; }
printf '\n== everything: %s s\n' "$(since "$from")"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
