#!/usr/bin/env bash
# Installs what is missing on a Debian machine, and nothing that is there:
#
#   scripts/install.sh build   what compiles Landfall
#   scripts/install.sh run     what a cloud of real machines needs at run time
#   scripts/install.sh test    what the tests need: Python packages in target/venv
#
# Several may be named. Privilege is asked for apt alone. Done again it is quick and changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

BUILD="gcc libc6-dev make pkg-config git python3 ca-certificates"
RUN="qemu-system-x86 qemu-utils nftables iproute2 openssh-client mmdebstrap e2fsprogs fdisk grub-pc-bin grub-common cpio ovmf ca-certificates"
TEST="python3-venv curl"
# What ends the tunnels of VPNs: a cloud runs without it, and says so. Debian starts a daemon of the machine's own with it,
# which is left alone.
TUNNELS="charon-systemd libcharon-extra-plugins libstrongswan-standard-plugins"
# What makes things faster, and what a test is skipped without: nothing else depends on these.
OPTIONAL="mold isc-dhcp-client mtools"

main() {
  [ $# -gt 0 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
  for set in "$@"; do
    case $set in
      build) ensure_packages $BUILD; ensure_rust ;;
      run) ensure_packages $RUN; try_packages $TUNNELS ;;
      test) ensure_packages $TEST; try_packages $OPTIONAL; try_packages $TUNNELS; ensure_python ;;
      *) echo "scripts/install.sh: there is no set '$set': build, run or test" >&2; exit 2 ;;
    esac
  done
}

missing() {
  local name
  for name in "$@"; do
    [ "$(dpkg-query -W -f '${Status}' "$name" 2>/dev/null)" = "install ok installed" ] || printf '%s ' "$name"
  done
}

candidate() { LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p' | grep -v '(none)'; }

# As root: directly, or through sudo.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else echo "this needs root, and there is no sudo: $*" >&2; return 1
  fi
}

apt() {
  # A machine that has just started may still be updating itself: wait for its lock rather than fail.
  as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 apt-get -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 "$@"
}

LOG=$(mktemp)
trap 'rm -f "$LOG"' EXIT

apt_install() { apt install --no-install-recommends "$@" >"$LOG" 2>&1; }

ensure_packages() {
  local names name version
  names=$(missing "$@")
  [ -n "$names" ] || return 0
  if ! command -v apt-get >/dev/null; then
    echo "this is no Debian; install what these packages of Debian's contain, then try again: $names" >&2
    return 1
  fi
  echo "installing $names" >&2
  for name in $names; do
    [ -n "$(candidate "$name")" ] || { apt update >&2; break; }
  done
  # shellcheck disable=SC2086
  apt_install $names && return 0
  sed 's/^/  apt: /' "$LOG" >&2
  echo "once more, with new package lists and one by one" >&2
  apt update >&2 || true
  for name in $(missing $names); do apt_install "$name" || true; done
  names=$(missing $names)
  # Seen: qemu-utils was installed in a newer version than the archive has, which then keeps every other package of QEMU
  # from being installed ("held broken packages").
  if [[ " $names" == *" qemu-system-x86 "* ]] && version=$(candidate qemu-system-x86) && [ -n "$version" ]; then
    echo "once more, with qemu-utils in the archive's version $version" >&2
    apt_install --allow-downgrades qemu-system-x86 "qemu-utils=$version" || sed 's/^/  apt: /' "$LOG" >&2
    names=$(missing $names)
  fi
  [ -z "$names" ] && return 0
  # shellcheck disable=SC2086
  apt_install $names && return 0
  sed 's/^/  apt: /' "$LOG" >&2
  echo "these packages could not be installed: $names" >&2
  echo "apt's own words are above; once they are mended, do the same again" >&2
  return 1
}

try_packages() {
  local name
  command -v apt-get >/dev/null || return 0
  for name in $(missing "$@"); do
    [ -n "$(candidate "$name")" ] && apt_install "$name" || echo "not installed, and not needed: $name" >&2
  done
}

# Rust as new as Cargo.toml asks for: Debian's own is often older.
ensure_rust() {
  local wanted have
  PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
  have=$(rustc --version 2>/dev/null | awk '{ print $2 }' || true)
  if [ -z "$have" ] || [ "$(printf '%s\n%s\n' "$wanted" "$have" | sort -V | head -1)" != "$wanted" ]; then
    echo "installing Rust (there is ${have:-none}, and $wanted or newer is needed) by rustup, into your home folder" >&2
    if command -v rustup >/dev/null; then
      rustup toolchain install stable --profile minimal
      rustup default stable
    else
      ensure_packages curl
      curl --proto '=https' --tlsv1.2 --retry 5 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal
    fi
  fi
  if command -v rustup >/dev/null && ! { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1; then
    rustup component add rustfmt clippy
  fi
}

# The Python packages that tests hold our behaviour against, in a folder of their own.
ensure_python() {
  local venv=target/venv wanted=scripts/python-requirements.txt
  cmp -s "$wanted" "$venv/installed.txt" && return 0
  echo "installing Python packages into $venv" >&2
  # Debian's own interpreter: its venv module is the one that was installed just now.
  local python=/usr/bin/python3
  [ -x "$python" ] || python=python3
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --retries 10 --timeout 60 -r "$wanted"
  cp "$wanted" "$venv/installed.txt"
}

main "$@"
