#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# check-builds.sh GOARCH: builds tracer in different environments, and checks the binaries: in a
# small Debian with a mirror at another URL; there without apt and dpkg, with the system's
# libpcap and with an upstream tar file; and on this machine without a network, also for GOARCH,
# after make fetch. Runs as root. Nothing is installed on this machine.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/../.."
. libpcap/debian.sh

cross=$1
go=${GO:-go}

fail() { printf '%s\n' "$*" >&2; exit 1; }

# logged COMMAND...: runs the command, and prints the end of its output only if it fails.
logged() { "$@" >"$work/log" 2>&1 || { tail -n 50 "$work/log" >&2; exit 1; }; }

# says TEXT: checks that the output of the last logged command contains TEXT.
says() { grep -qF -- "$1" "$work/log" || { tail -n 20 "$work/log" >&2; fail "the output above does not contain: $1"; }; }

# refused TEXT COMMAND...: checks that the command fails and its output contains TEXT.
refused() {
	local text=$1
	shift
	! "$@" >"$work/log" 2>&1 || fail "succeeded, want a failure that says: $text"
	says "$text"
}

passed() { echo "ok $((SECONDS - began)) s: $*"; began=$SECONDS; }

interpreter() { readelf --program-headers --wide "$1" | grep -c INTERP || true; }

# built FILE static|dynamic: checks that FILE is linked statically or dynamically.
built() {
	local linked=static
	[ "$(interpreter "$1")" = 0 ] || linked=dynamic
	[ "$linked" = "$2" ] || fail "$1 is $linked, want $2"
}

copy_tree() {
	mkdir "$1"
	git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --target-directory="$1"
}

# start_mirror: starts a proxy for this machine's mirror, and sets url to its URL.
start_mirror() {
	local first from
	first=$(mirror)
	from=${first%% *}
	case $from in http*) ;; *) from=${DEBIAN_MIRROR:?the mirror of this machine has no http URL: DEBIAN_MIRROR=URL names one} ;; esac
	"$go" build -o "$work/mirror" ./e2e/mirror
	mkfifo "$work/until"
	"$work/mirror" "$from" <"$work/until" >"$work/url" &
	exec 8>"$work/until" # the mirror ends when this script closes the pipe
	until [ -s "$work/url" ]; do kill -0 $! && sleep 0.1; done
	url=$(cat "$work/url")
}

add_go() {
	cp -r "$("$go" env GOROOT)" "$root/usr/local/go"
	logged env GOMODCACHE="$work/modules" GOFLAGS=-modcacherw "$go" mod download
	mv "$work/modules/cache/download" "$root/usr/local/modules"
}

# inside COMMAND...: runs the command in the root, in a minimal environment with PATH=$path.
inside() {
	chroot "$root" env -i HOME=/root PATH="$path" GOROOT=/usr/local/go GOTOOLCHAIN=local GOPROXY=file:///usr/local/modules \
		DEBIAN_FRONTEND=noninteractive "$@"
}

inside_make() { inside make -C /tracer "$@"; }

# deb822 and one_line: write apt's sources in one of the two formats.
deb822() {
	rm -f "$root/etc/apt/sources.list"
	printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: %s\nSigned-By: %s\n' "$url" "$(release)" "$(components)" \
		"$keyring" >"$root/etc/apt/sources.list.d/corp.sources"
}

one_line() {
	rm "$root"/etc/apt/sources.list.d/*
	echo "deb [trusted=yes] $url/ $(release) $(components)" >"$root/etc/apt/sources.list"
}

# without_apt: sets a PATH without apt and dpkg, like other distributions.
without_apt() {
	local dir
	mkdir "$root/no-apt"
	for dir in sbin bin usr/sbin usr/bin usr/local/go/bin; do
		find "$root/$dir/" -maxdepth 1 ! -type d ! -name 'apt*' ! -name 'dpkg*' -printf "/$dir/%f\0" |
			xargs -0 ln -sf --target-directory="$root/no-apt"
	done
	path=/no-apt
}

check_mirror() {
	deb822
	logged inside apt-get update
	logged inside apt-get install --yes --no-install-recommends make
	logged inside_make VERSION=v0.0.0-check
	built "$root/tracer/tracer" static
	[[ $(inside /tracer/tracer --version) == "tracer v0.0.0-check "* ]] || fail "the built tracer does not run"
	passed "make with packages and libpcap from $url (deb822)"
}

check_suite() {
	one_line
	# shellcheck disable=SC2016 # the shell in the root expands it
	logged inside bash -euc '. /tracer/libpcap/debian.sh && use_archive deb amd64 trixie-backports && apt-cache policy linux-image-cloud-amd64 && cat "$APT_CONFIG" && cat "${APT_CONFIG%/*}/sources.list"'
	says "$url"
	says "Candidate: "
	passed "another suite of Debian from $url (one line, trusted)"
}

# system_libpcap: make fails without libpcap, and links dynamically once the system's is installed.
system_libpcap() {
	refused "no libpcap with headers on this system" inside_make
	path=$usual
	logged inside apt-get install --yes --no-install-recommends libpcap-dev
	path=/no-apt
	logged inside_make VERSION=v0.0.0-check
	says "tracer is linked dynamically"
	built "$root/tracer/tracer" dynamic
	[[ $(inside /tracer/tracer --version) == "tracer v0.0.0-check "* ]] || fail "the built tracer does not run"
	refused "is linked dynamically, and a static binary is needed here" inside_make image-files
	passed "make without apt: the system's libpcap, with a note"
}

# no_source: apt exists, but no mirror has the source of libpcap.
no_source() {
	path=$usual
	logged inside_make DEBIAN_MIRROR=file:/nowhere XDG_CACHE_HOME=/tmp/empty
	says "DEBIAN_MIRROR=URL names a mirror"
	says "tracer is linked dynamically"
	built "$root/tracer/tracer" dynamic
	path=/no-apt
	passed "make if no mirror has the source of libpcap: the system's, with a note"
}

upstream_libpcap() {
	local source
	source=$(source_of libpcap)
	cp "$source"/libpcap_*.orig.tar.?z "$root/tracer/upstream.tar"
	echo x >"$root/tracer/other.tar"
	logged inside_make LIBPCAP_SOURCE=upstream.tar
	built "$root/tracer/tracer" static
	refused "which is not in libpcap/SHA256SUMS" inside_make LIBPCAP_SOURCE=other.tar
	refused "LIBPCAP_SOURCE=none.tar: no such file" inside_make LIBPCAP_SOURCE=none.tar
	refused "GOARCH=$cross: cross-building needs Debian or Ubuntu" inside_make LIBPCAP_SOURCE=upstream.tar "GOARCH=$cross"
	passed "make LIBPCAP_SOURCE=FILE without apt: static"
}

# offline COMMAND...: runs the command in the copy of the tree, in a network namespace with only lo, which is down.
offline() { unshare --net env --chdir="$work/tree" GOFLAGS= "$@"; }

check_offline() {
	copy_tree "$work/tree"
	git -C "$work/tree" init --quiet # needed by go vet and to determine the version
	refused "" offline "$go" run example.org/none@latest
	logged offline make GO="$go"
	built "$work/tree/tracer" static
	logged offline make GO="$go" GOARCH="$cross"
	built "$work/tree/build/$cross/tracer" static
	passed "make and make GOARCH=$cross without a network"
	logged offline make GO="$go" SOURCE_DATE_EPOCH=1700000000 lint check-generated check-packages
	logged offline e2e/fetch-kernels.sh
	passed "make lint check-generated check-packages and the kernels without a network"
}

usual=/usr/local/go/bin:/usr/sbin:/usr/bin:/sbin:/bin
path=$usual
work=$(mktemp -d)
trap 'exec 8>&-; rm -rf --one-file-system "$work"' EXIT
root=$work/root
keyring=/usr/share/keyrings/$(basename "$(if is_ubuntu; then echo ubuntu-archive-keyring.gpg; else debian_keyring; fi)")
began=$SECONDS
contrib/packaging/debian-root.sh "$root"
add_go
copy_tree "$root/tracer"
start_mirror
passed "a small $(os ID) with Go"
check_mirror
check_suite
without_apt
system_libpcap
no_source
upstream_libpcap
check_offline
