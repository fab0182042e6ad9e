#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# check-image.sh GOARCH...: builds the Dockerfile for each GOARCH with buildah, and checks the files
# in the images. It uses no registry: the image of the build stage is created from a small Debian
# and this machine's Go. It runs the binary of the image for this machine's architecture. Runs as root.
# Only the small Debian is kept, in the cache.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/../.."

version=v0.0.0-check
go=${GO:-go}
own=$("$go" env GOHOSTARCH)

fail() { printf '%s\n' "$*" >&2; exit 1; }

store() { buildah --root "$work/store" --runroot "$work/run" --storage-driver vfs "$@"; }

# base_name: prints the name of the build stage's image in the Dockerfile.
base_name() { sed -n 's/^FROM --platform=[^ ]* \([^ ]*\) AS build$/\1/p' Dockerfile; }

# logged COMMAND...: runs the command, and prints its output only if it fails.
logged() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }; }

# add_go: copies this machine's Go, and the modules.
add_go() {
	cp -r "$("$go" env GOROOT)" "$work/base/usr/local/go"
	logged env GOMODCACHE="$work/modules" GOFLAGS=-modcacherw "$go" mod download
	cp -r "$work/modules/cache/download" "$work/base/usr/local/modules"
}

add_make() {
	cp /etc/resolv.conf "$work/base/etc/"
	logged chroot "$work/base" apt-get update
	logged chroot "$work/base" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends make
}

make_base() {
	local container name
	name=$(base_name)
	[ -n "$name" ] || fail "the Dockerfile has no build stage"
	contrib/packaging/debian-root.sh "$work/base"
	add_go
	add_make
	container=$(store from scratch)
	logged store copy --quiet "$container" "$work/base" /
	logged store config --env PATH=/usr/local/go/bin:/usr/sbin:/usr/bin:/sbin:/bin --env GOTOOLCHAIN=local \
		--env GOPROXY=file:///usr/local/modules "$container"
	logged store commit --quiet --rm "$container" "docker.io/library/$name"
	rm -rf "$work/base" "$work/modules"
}

# build ARCH: builds the image. buildah of Debian 12 does not set BUILDPLATFORM, so it is replaced.
build() {
	sed "s|\$BUILDPLATFORM|linux/$own|" Dockerfile >"$work/Dockerfile"
	logged store build --isolation chroot --pull-never --no-cache --platform "linux/$1" \
		--build-arg "VERSION=$version" --file "$work/Dockerfile" --tag "tracer-$1" .
}

# expect ARCH ROOT: checks that ROOT has exactly the expected files, for ARCH.
expect() {
	local found wanted='etc/services usr/bin/tracer usr/share/doc/netbase/copyright usr/share/licenses/tracer/LICENCES'
	found=$(cd "$2" && find . -type f -printf '%P\n' | LC_ALL=C sort | tr '\n' ' ')
	[ "${found% }" = "$wanted" ] || fail "image for $1: has $found, want $wanted"
	"$go" version -m "$2/usr/bin/tracer" | grep -qw "GOARCH=$1" || fail "image for $1: the binary is for another architecture"
	[ "$(store inspect --type image --format '{{.OCIv1.Architecture}} {{.OCIv1.Config.Entrypoint}}' "tracer-$1")" = \
		"$1 [/usr/bin/tracer]" ] || fail "image for $1: wrong architecture or entry point"
}

runs() {
	local printed
	printed=$(chroot "$1" /usr/bin/tracer --version)
	case $printed in
	"tracer $version "*) echo "  $printed" ;;
	*) fail "tracer --version: $printed, want $version" ;;
	esac
}

check() {
	local container root
	build "$1"
	container=$(store from --pull-never "tracer-$1")
	root=$(store mount "$container")
	expect "$1" "$root"
	echo "image for $1: $(du --summarize --bytes "$root" | cut -f1) bytes"
	[ "$1" != "$own" ] || runs "$root"
	store umount "$container" >/dev/null
	store rm "$container" >/dev/null
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
make_base
for arch; do check "$arch"; done
