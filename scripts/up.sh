#!/usr/bin/env bash
# `make up`: from a fresh Debian machine to a cloud with a first real instance. Done again, it shows what is there.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/parts.sh

from=$(date +%s.%N)
part "Debian packages and Rust" scripts/install.sh build run
part "build" fast_cargo build --release -p landfall
landfall=$PWD/${CARGO_TARGET_DIR:-target}/release/landfall
[ -z "${CARGO_TARGET_DIR:-}" ] || landfall=$CARGO_TARGET_DIR/release/landfall
part "a tiny image" as_root "$landfall" image build mini
part "the cloud" as_root "$landfall" up
part "a first instance" as_root "$landfall" first
printf '== everything: %s s\n\n' "$(since "$from")"
cat <<WORDS
Your tools find the cloud with

  eval "\$($landfall env)"
  aws ec2 describe-instances

\`make down\` ends it and stops its guests; \`sudo make install\` puts landfall into /usr/local/bin, with a systemd unit.
WORDS
