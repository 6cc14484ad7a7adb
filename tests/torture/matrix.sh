#!/usr/bin/env bash
# matrix.sh [TOPOLOGIES [SEED]]: real packets through random networks, compared with the model's verdict.
# `make torture` runs a thousand; `make test` takes a sample.
set -uo pipefail
cd "$(dirname "$0")/../.."

skip() { echo "skipped: $*"; exit 77; }

[ "$(id -u)" = 0 ] || skip "namespaces need root"
for program in nft ip unshare; do
  command -v "$program" >/dev/null || skip "$program isn't installed"
done
[ -e /dev/net/tun ] || skip "there is no /dev/net/tun"
cargo build --quiet --release -p landfall-testkit --example matrix || exit 1
exec unshare -n -m --propagation private "${CARGO_TARGET_DIR:-target}/release/examples/matrix" "${1:-1000}" ${2:+"$2"}
