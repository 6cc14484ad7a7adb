#!/usr/bin/env bash
# A trail whose server dies two hundred times while it delivers; `make test` has a few deaths.
exec "$(dirname "$0")/../e2e/trail.sh" "${1:-200}"
