#!/usr/bin/env bash
# How long it takes to judge a request by policies of several sizes.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec cargo run --quiet --release -p landfall-policy --example speed
