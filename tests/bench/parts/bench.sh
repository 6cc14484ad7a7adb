# For the scripts beside it to source. PROFILE=dev measures a debugging build, to see that a script works at all.
. scripts/parts.sh

profile=${PROFILE:-release}
# Where cargo puts what it builds so.
built=${CARGO_TARGET_DIR:-target}/$([ "$profile" = dev ] && echo debug || echo "$profile")

skip() { echo "skipped: $*"; exit 77; }

needs_root() {
  [ "$(id -u)" = 0 ] || skip "it needs root"
  for program in "$@"; do command -v "$program" >/dev/null || skip "$program isn't installed"; done
}

# bench PART OPTION=VALUE...: a part of the measuring program.
bench() { fast_cargo run --quiet --profile "$profile" -p landfall-testkit --example bench -- "$@"; }
