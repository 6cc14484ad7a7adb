#!/usr/bin/env bash
# volumes.sh [SEQUENCES [SEED]]: real guests write blocks that say what they are, through whatever happens to volumes, and
# look whether all that was flushed is there (see volumes/). `make torture` runs two hundred; tests/e2e/volumes.sh takes two.
export SEQUENCES=${1:-200} SEED=${2:-$RANDOM}
exec "$(dirname "$0")/../e2e/guest.sh" tests/torture/volumes
