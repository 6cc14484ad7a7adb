#!/usr/bin/env bash
# The licences of every dependency. cargo-deny reads deny.toml where it is installed; tidy holds the licences to the same
# list in any case, from what cargo knows.
set -euo pipefail
cd "$(dirname "$0")/.."
if cargo deny --version >/dev/null 2>&1; then
  cargo deny --offline check bans licenses sources
else
  echo "cargo-deny isn't installed (cargo install cargo-deny --locked); the licences are checked by xtask alone"
fi
cargo xtask licences
