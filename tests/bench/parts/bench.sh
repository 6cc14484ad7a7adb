# For the scripts beside it to source.
. scripts/parts.sh

skip() { echo "skipped: $*"; exit 77; }

needs_root() {
  [ "$(id -u)" = 0 ] || skip "it needs root"
  for program in "$@"; do command -v "$program" >/dev/null || skip "$program isn't installed"; done
}

# bench PART OPTION=VALUE...: a part of the measuring program.
bench() { fast_cargo run --quiet --release -p landfall-testkit --example bench -- "$@"; }
