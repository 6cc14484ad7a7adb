#!/usr/bin/env bash
# A few deaths of the real server, chosen by a seed, of the many of tests/torture/kill.sh.
SAMPLE=1 exec "$(dirname "$0")/../torture/kill.sh" 6 "${SEED:-1}"
