#!/usr/bin/env bash
# Builds static programs and puts each into an image archive, without a container engine.
#   .ci/image.sh bizops|shop|all     prints for each: archive, reference, digest
# IMAGE_PROFILE=dev builds faster and larger; the default is release. IMAGE_CA names another CA bundle.
# Load an archive with `docker load -i FILE` or `ctr -n k8s.io images import FILE`.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "image: $*" >&2; exit 1; }

case "${1:-all}" in
  all) programs=(bizops shop) ;;
  bizops | shop) programs=("$1") ;;
  *) fail "$1 is no program of ours; name bizops, shop or all" ;;
esac

target=x86_64-unknown-linux-gnu
[ "$(uname -sm)" = "Linux x86_64" ] || fail "static programs are built on Linux x86_64 only; elsewhere use .ci/Dockerfile"
ca=${IMAGE_CA:-/etc/ssl/certs/ca-certificates.crt}
[ -r "$ca" ] || fail "$ca is missing; install the package ca-certificates, or name a bundle in IMAGE_CA"

profile=${IMAGE_PROFILE:-release}
case "$profile" in dev) folder=debug ;; *) folder=$profile ;; esac

version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
[ -n "$version" ] || fail "Cargo.toml has no version in [workspace.package]"

packages=()
for program in "${programs[@]}"; do packages+=(--package "$program"); done

# --target keeps the flags off the build's own programs, which a static libc would break. Paths of this machine
# are written out of the program, so that the same sources give the same bytes elsewhere.
cargo_home=${CARGO_HOME:-$HOME/.cargo}
RUSTFLAGS="-C target-feature=+crt-static --remap-path-prefix=$PWD=/src --remap-path-prefix=$cargo_home=/cargo" \
  CARGO_TARGET_DIR=target/static \
  cargo build --locked --profile "$profile" --target "$target" --bins "${packages[@]}" >&2

for program in "${programs[@]}"; do
  title=bizops
  [ "$program" = bizops ] || title="bizops $program"
  cargo run --locked --quiet --package testbed -- image \
    --out "target/image/$program.tar" \
    --ref "bizops.dev/$program:$version" \
    --binary "target/static/$target/$folder/$program" \
    --ca "$ca" \
    --user 65532:65532 \
    --label "org.opencontainers.image.title=$title" \
    --label "org.opencontainers.image.version=$version" \
    --label "org.opencontainers.image.licenses=Apache-2.0"
done
