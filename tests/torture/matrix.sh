#!/usr/bin/env bash
# matrix.sh [TOPOLOGIES [SEED]]: real packets through random networks, compared with the model's verdict.
# `make torture` runs a thousand; `make test` takes a sample. PROFILE=dev takes what a debugging build has.
set -uo pipefail
cd "$(dirname "$0")/../.."

skip() { echo "skipped: $*"; exit 77; }

[ "$(id -u)" = 0 ] || skip "namespaces need root"
for program in nft ip unshare; do
  command -v "$program" >/dev/null || skip "$program isn't installed"
done
[ -e /dev/net/tun ] || skip "there is no /dev/net/tun"
profile=${PROFILE:-release}
cargo build --quiet --profile "$profile" -p landfall-testkit --example matrix || exit 1
[ "$profile" = dev ] && profile=debug
exec unshare -n -m --propagation private "${CARGO_TARGET_DIR:-target}/$profile/examples/matrix" "${1:-1000}" ${2:+"$2"}
