#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# fetch.sh TOOL...: fetches everything that make and the tests need, so that they run later without a network:
# packages of this system, and the Go modules, including those of each TOOL, which is a Go program as an argument of
# "go run"; with apt also the source of libpcap and musl for each GOARCH in ARCHES, the kernels of the
# virtual machines and the root of a small Debian. The Makefile sets GO and ARCHES.
set -euo pipefail
cd "$(dirname "$0")/../.."
. libpcap/debian.sh

go=${GO:-go} missing=()

step() { echo "fetching $*" >&2; }

modules() {
	local tool
	step "Go modules"
	"$go" mod download
	for tool; do
		step "$tool"
		GOBIN=$work/bin "$go" install "$tool" || missing+=("$tool")
	done
}

libraries() {
	local arch
	for arch in $ARCHES; do
		step "libpcap and musl for $arch"
		libpcap/build.sh "$arch" >/dev/null
	done
}

# debian_only: fetches what is only available on Debian and Ubuntu.
debian_only() {
	local crosses=() emulators=() arch
	for arch in $ARCHES; do
		emulators+=("e2e-$arch")
		[ "$arch" = "$("$go" env GOHOSTARCH)" ] || crosses+=("cross-$arch")
	done
	step "packages"
	.ci/install build "${crosses[@]}" generate test lint e2e "${emulators[@]}" release packages image-files native image demo
	libraries
	step "kernels"
	e2e/fetch-kernels.sh
	step "the root of a small system"
	contrib/packaging/debian-root.sh "$work/root"
}

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
if has_apt; then
	debian_only
else
	step "packages"
	.ci/install build demo
fi
modules "$@"
[ ${#missing[@]} = 0 ] || { echo "these could not be fetched: ${missing[*]}" >&2; exit 1; }
echo "make, make test and GOARCH=… need no network from here on" >&2
