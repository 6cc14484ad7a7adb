#!/usr/bin/env bash
# What keys promise, seen at the running server: a deleted key's wrapping file goes and with it all that it wrapped, also
# what an older copy of the log still has; a kill between the two is made up for; and the root key locked by a passphrase.
# Time is moved by a small library that shifts the wall clock of whoever is started with it.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
command -v aws >/dev/null || skip "there is no aws command; scripts/install.sh test installs one"
command -v cc >/dev/null || skip "there is no C compiler, by which time is moved"

export XDG_RUNTIME_DIR=$WORK
equals() { [ "$2" = "$3" ] || fail "$1: '$2' instead of '$3'"; }
contains() { [[ $2 = *"$3"* ]] || fail "$1: $2"; }

cat >"$WORK/shift.c" <<'END'
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static long shift(void) { const char *text = getenv("SHIFT_SECONDS"); return text ? atol(text) : 0; }
int clock_gettime(clockid_t clock, struct timespec *at) {
    int said = syscall(SYS_clock_gettime, clock, at);
    if (said == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += shift();
    return said;
}
int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    int said = clock_gettime(CLOCK_REALTIME, &now);
    (void)zone;
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return said;
}
time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
END
cc -shared -fPIC -O1 -o "$WORK/shift.so" "$WORK/shift.c"

# later DAYS: everything that is started from now on lives that much later.
later() { export LD_PRELOAD=$WORK/shift.so SHIFT_SECONDS=$(($1 * 86400 + $1 * 60)); }

state=$WORK/state
wrapping=$state/keys/root.key.wrapping
port=$(free_port)
export AWS_ENDPOINT_URL=http://127.0.0.1:$port
start() { simulator "$port" --state "$state" "$@"; }
stop() { kill "$@" "${SERVERS[-1]}"; wait "${SERVERS[-1]}" 2>/dev/null || true; unset 'SERVERS[-1]'; }
kms() { aws kms "$@" --output text 2>&1; }
printf secret >"$WORK/secret"
new_key() { kms create-key --query KeyMetadata.KeyId; }
encrypt() { kms encrypt --key-id "$1" --plaintext "fileb://$WORK/secret" --query CiphertextBlob | base64 -d >"$2"; }
decrypt() { kms decrypt --ciphertext-blob "fileb://$1" --query Plaintext || true; }
files() { find "$wrapping" -type f | wc -l; }
# gone FILES: waits until no more wrapping files than that are there.
gone() {
  for _ in $(seq 100); do [ "$(files)" -le "$1" ] && return; sleep 0.1; done
  fail "there are still $(files) wrapping files instead of $1"
}

start
key=$(new_key)
encrypt "$key" "$WORK/one"
kept=$(new_key)
encrypt "$kept" "$WORK/kept"
equals "a ciphertext" "$(decrypt "$WORK/one")" c2VjcmV0
stop
cp -a "$state/log" "$WORK/old-log"
equals "wrapping files" "$(files)" 2
file=$(grep -aohE '"wrapping":"[0-9a-f]{32}"' -r "$state/log" | sort -u | wc -l)
[ "$file" -ge 2 ] || fail "the log names no wrapping files"

start
kms schedule-key-deletion --key-id "$key" --pending-window-in-days 7 >/dev/null
stop
later 6
start
sleep 2
equals "wrapping files before the deadline" "$(files)" 2
contains "a key that waits for its deletion" "$(decrypt "$WORK/one")" KMSInvalidStateException
stop
# A file that can't be destroyed is as good as a kill before it was: the key is gone, its wrapping key doomed only.
cp -a "$wrapping" "$WORK/wrapping"
for name in $(ls "$wrapping"); do rm "$wrapping/$name"; mkdir "$wrapping/$name"; done
later 8
start
for _ in $(seq 100); do grep -q "a doomed wrapping key can.t be destroyed" "$WORK/serve-$port.log" && break; sleep 0.1; done
grep -q "a doomed wrapping key can.t be destroyed" "$WORK/serve-$port.log" || fail "the key's time came and nothing was destroyed"
contains "a deleted key" "$(kms describe-key --key-id "$key")" NotFoundException
contains "its ciphertext" "$(decrypt "$WORK/one")" AccessDeniedException
stop -9
rm -r "$wrapping"
cp -a "$WORK/wrapping" "$wrapping"
equals "wrapping files after the kill" "$(files)" 2
start
gone 1
equals "another key's ciphertext" "$(decrypt "$WORK/kept")" c2VjcmV0
stop
echo "a deleted key's wrapping file is gone, a kill before that was made up for"

# The old log has the key as it was, and nothing opens with it.
mv "$state/log" "$WORK/new-log"
cp -a "$WORK/old-log" "$state/log"
start
contains "the key in the old log" "$(kms describe-key --key-id "$key" --query KeyMetadata.KeyState)" Enabled
contains "its ciphertext by the old log" "$(decrypt "$WORK/one")" KMSInvalidStateException
equals "the other's ciphertext by the old log" "$(decrypt "$WORK/kept")" c2VjcmV0
stop
rm -r "$state/log"
mv "$WORK/new-log" "$state/log"
echo "an old copy of the log opens nothing that was destroyed"

# Imported material that is deleted or expires is destroyed in the same way.
start
own=$(kms create-key --origin EXTERNAL --query KeyMetadata.KeyId)
kms get-parameters-for-import --key-id "$own" --wrapping-algorithm RSA_AES_KEY_WRAP_SHA_256 --wrapping-key-spec RSA_3072 \
  --query '[PublicKey,ImportToken]' >"$WORK/parameters"
cut -f1 "$WORK/parameters" | base64 -d >"$WORK/public.der"
cut -f2 "$WORK/parameters" | base64 -d >"$WORK/token"
head -c 32 /dev/urandom >"$WORK/material"
python3 - "$WORK" <<'END' || skip "python3 has no cryptography, by which material is wrapped"
import os, sys
try:
    from cryptography.hazmat.primitives import hashes, keywrap, serialization
    from cryptography.hazmat.primitives.asymmetric import padding
except ImportError:
    sys.exit(1)
os.chdir(sys.argv[1])
public = serialization.load_der_public_key(open("public.der", "rb").read())
aes = os.urandom(32)
oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
wrapped = public.encrypt(aes, oaep) + keywrap.aes_key_wrap_with_padding(aes, open("material", "rb").read())
open("wrapped", "wb").write(wrapped)
END
bring() {
  kms import-key-material --key-id "$own" --encrypted-key-material "fileb://$WORK/wrapped" \
    --import-token "fileb://$WORK/token" "$@" >/dev/null || fail "an import of material"
}
bring --expiration-model KEY_MATERIAL_DOES_NOT_EXPIRE
encrypt "$own" "$WORK/own"
equals "by imported material" "$(decrypt "$WORK/own")" c2VjcmV0
equals "wrapping files with imported material" "$(files)" 2
kms delete-imported-key-material --key-id "$own" >/dev/null
gone 1
contains "by deleted material" "$(decrypt "$WORK/own")" KMSInvalidStateException
bring --expiration-model KEY_MATERIAL_EXPIRES --valid-to "$(date -u -d '+2 days' +%Y-%m-%dT%H:%M:%SZ)"
equals "by the same material again" "$(decrypt "$WORK/own")" c2VjcmV0
stop
later 11
start
gone 1
contains "by expired material" "$(kms describe-key --key-id "$own" --query KeyMetadata.KeyState)" PendingImport
stop
echo "imported material goes when it is deleted and when it expires"

# The passphrase. Whatever is wrong with it is told before anything is touched.
key_command() { "$LANDFALL_BIN" key "$@" --state "$state" 2>&1; }
print() { find "$state" -type f -exec sha256sum {} + | sort | sha256sum; }
(umask 077 && echo "open sesame" >"$WORK/one.txt" && echo "close sesame" >"$WORK/two.txt")
contains "a plain key" "$(key_command show)" "is not locked"
refused() {
  local what=$1 words=$2 before said
  shift 2
  before=$(print)
  # Without a terminal to ask at.
  said=$(setsid -w "$LANDFALL_BIN" serve --simulate --listen "127.0.0.1:$port" --state "$state" "$@" 2>&1 </dev/null) && fail "$what: it started"
  contains "$what" "$said" "$words"
  equals "the state after $what" "$(print)" "$before"
}
refused "a passphrase for a plain key" "isn't locked by any" --passphrase-file "$WORK/one.txt"
contains "locking" "$(key_command lock --new-passphrase-file "$WORK/one.txt")" "is locked by a passphrase"
contains "locking twice" "$(key_command lock --new-passphrase-file "$WORK/one.txt" || true)" "is locked already"
refused "no passphrase" "is locked by a passphrase"
refused "a wrong passphrase" "the passphrase doesn't open the root key" --passphrase-file "$WORK/two.txt"
chmod 644 "$WORK/one.txt"
refused "a passphrase that others can read" "it must be 0600" --passphrase-file "$WORK/one.txt"
chmod 600 "$WORK/one.txt"
start --passphrase-file "$WORK/one.txt"
equals "with the passphrase" "$(decrypt "$WORK/kept")" c2VjcmV0
grep -qz "sesame" "/proc/${SERVERS[-1]}/cmdline" "/proc/${SERVERS[-1]}/environ" && fail "the passphrase can be seen"
# Changed while the server runs: that has the key already.
contains "a wrong old passphrase" "$(key_command passphrase --passphrase-file "$WORK/two.txt" --new-passphrase-file "$WORK/two.txt" || true)" "doesn't open"
key_command passphrase --passphrase-file "$WORK/one.txt" --new-passphrase-file "$WORK/two.txt" >/dev/null
equals "after another passphrase" "$(decrypt "$WORK/kept")" c2VjcmV0
stop
refused "the old passphrase" "the passphrase doesn't open the root key" --passphrase-file "$WORK/one.txt"
mkdir -m 700 "$WORK/credentials"
cp "$WORK/two.txt" "$WORK/credentials/landfall.passphrase"
CREDENTIALS_DIRECTORY=$WORK/credentials start
equals "by systemd's credential" "$(decrypt "$WORK/kept")" c2VjcmV0
stop
key_command unlock --passphrase-file "$WORK/two.txt" >/dev/null
start
equals "unlocked again" "$(decrypt "$WORK/kept")" c2VjcmV0
stop
state=$WORK/fresh
start --passphrase-file "$WORK/one.txt"
stop
contains "a key made with a passphrase" "$(key_command show)" "is locked by a passphrase"
echo "the root key is locked, its passphrase changed, and unlocked, and nothing is lost"
