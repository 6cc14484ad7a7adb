# For other scripts to source: parts with names and times, and the linker that is there.

# The time since a moment, in seconds.
since() { awk -v from="$1" -v to="$(date +%s.%N)" 'BEGIN { printf "%.1f", to - from }'; }

# part NAME COMMAND...: does it, and says how long it took.
part() {
  local name=$1 from status=0
  shift
  from=$(date +%s.%N)
  printf '== %s\n' "$name"
  "$@" || status=$?
  if [ "$status" = 0 ]; then printf '== %s: %s s\n' "$name" "$(since "$from")"
  else printf '== %s: failed after %s s\n' "$name" "$(since "$from")"; fi
  return "$status"
}

# cargo, with the fast linker where there is one. It is taken at link time alone, so that nothing is built twice.
fast_cargo() {
  if command -v mold >/dev/null; then mold -run cargo "$@"; else cargo "$@"; fi
}

# As root: directly, or through sudo with the settings of Landfall's that the caller has.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; return; fi
  local names
  names=$(env | sed -n 's/^\(LANDFALL_[A-Z_]*\)=.*/\1/p' | paste -sd, -)
  sudo ${names:+--preserve-env="$names"} "$@"
}
