#!/usr/bin/env bash
# Installs the Debian packages the tests need, only those that are missing.
# Where it cannot (no Debian, no root, no network) it names them and goes on: the tests that need them say so.
set -euo pipefail

# runc, CNI plugins, nftables, iptables, iproute2, util-linux: the real node of the testbed.
# make, gcc, libc6-dev: the build, static binaries included. ca-certificates: what the image carries.
# lua5.1: runs the health script the docs give to Argo CD.
packages=(
  make gcc libc6-dev ca-certificates
  runc containernetworking-plugins nftables iptables iproute2 util-linux
  lua5.1
)

say() { echo "install-packages: $*" >&2; }

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  say "this is not Debian; install by hand what is missing of: ${packages[*]}"
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
  else
    say "not root and no sudo without a password; not installed: ${missing[*]}"
    say "to install them: sudo apt-get install --no-install-recommends ${missing[*]}"
    exit 0
  fi
fi

say "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq >&2 || say "apt-get update failed; trying with the lists at hand"
# One by one, so that one package that is not to be had keeps none of the others away.
for package in "${missing[@]}"; do
  "${as_root[@]}" apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "$package" >&2 \
    || say "could not install $package; what needs it will say that it did not run"
done
