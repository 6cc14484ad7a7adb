# For the scripts here to source: a simulator of one's own on a free port, and what `77` means.

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
LANDFALL_BIN=${LANDFALL_BIN:-${CARGO_TARGET_DIR:-target}/release/landfall}
[ -x "$LANDFALL_BIN" ] || { echo "$LANDFALL_BIN isn't built: cargo build --release -p landfall" >&2; exit 1; }
[ -x target/venv/bin/python3 ] && PATH="$PWD/target/venv/bin:$PATH"

WORK=$(mktemp -d)
SERVERS=()
end() {
  local pid
  for pid in "${SERVERS[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
  rm -rf "$WORK"
}
trap end EXIT

# Nothing of the caller's own AWS configuration reaches a test.
for name in $(env | sed -n 's/^\(AWS_[A-Z_]*\)=.*/\1/p'); do unset "$name"; done
export AWS_CONFIG_FILE=$WORK/none AWS_SHARED_CREDENTIALS_FILE=$WORK/none AWS_EC2_METADATA_DISABLED=true AWS_PAGER=
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1

skip() { echo "SKIPPED $(basename "$0"): $*"; exit 77; }
fail() { echo "FAILED $(basename "$0"): $*" >&2; exit 1; }

# A port that nobody has, and that the kernel gives to no connection of its own choice until the server has it.
free_port() {
  python3 - <<'END'
import random, socket
for port in random.sample(range(20000, 32000), 1000):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            continue
    print(port)
    break
END
}

# simulator PORT [ARGUMENT...]: starts one, and waits until it answers.
simulator() {
  local port=$1 n
  shift
  "$LANDFALL_BIN" serve --simulate --listen "127.0.0.1:$port" "$@" >"$WORK/serve-$port.log" 2>&1 &
  SERVERS+=($!)
  for n in $(seq 1200); do
    curl -sf --max-time 30 -o "$WORK/health" -H 'X-Landfall: 1' "http://127.0.0.1:$port/_landfall/health" && return
    kill -0 "${SERVERS[-1]}" 2>/dev/null || break
    sleep 0.05
  done
  cat "$WORK/serve-$port.log" >&2
  fail "the simulator at port $port doesn't answer"
}
