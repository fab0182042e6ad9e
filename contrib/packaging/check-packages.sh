#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# check-packages.sh DEB RPM VERSION: installs each package into a temporary root, checks its files, removes it, and
# checks that it leaves no files. Runs as root.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/../.."

deb=$1 rpm=$2 version=$3

fail() { printf '%s\n' "$*" >&2; exit 1; }

# state ROOT: lists the files in ROOT, without the databases, logs and caches of package managers.
state() {
	(cd "$1" && find . -path './var/lib/dpkg' -prune -o -path './var/lib/rpm' -prune -o \
		-path './var/log' -prune -o -path './var/cache' -prune -o -printf '%M %u:%g %p\n') | sort
}

# expect_files ROOT FILE...: checks that the files exist, and belong to root.
expect_files() {
	local root=$1 file
	shift
	for file; do
		[ -s "$root$file" ] || fail "$file: missing or empty after the installation"
		[ "$(stat --format=%U:%G "$root$file")" = root:root ] || fail "$file: does not belong to root"
	done
}

# expect_works ROOT: checks that the binary runs there and prints its version, and that the manual page is valid.
expect_works() {
	local printed page
	printed=$(chroot "$1" /usr/bin/tracer --version)
	case $printed in
	"tracer $version "*) echo "  $printed" ;;
	*) fail "tracer --version: $printed, want $version" ;;
	esac
	page=$(gunzip --to-stdout "$1/usr/share/man/man8/tracer.8.gz")
	grep -q '^\.TH' <<<"$page" || fail "tracer.8.gz: not a manual page"
	bash -n "$1/usr/share/bash-completion/completions/tracer"
}

common='/usr/bin/tracer /usr/share/man/man8/tracer.8.gz /usr/share/bash-completion/completions/tracer
	/usr/share/fish/vendor_completions.d/tracer.fish'

check_deb() {
	local root=$work/deb
	contrib/packaging/debian-root.sh "$root"
	state "$root" >"$work/before"
	cp "$deb" "$root/tracer.deb"
	chroot "$root" dpkg --install /tracer.deb >"$work/log" || { cat "$work/log" >&2; exit 1; }
	rm "$root/tracer.deb"
	# shellcheck disable=SC2086
	expect_files "$root" $common /usr/share/zsh/vendor-completions/_tracer /usr/share/doc/tracer/copyright
	expect_works "$root"
	chroot "$root" dpkg --verify tracer
	chroot "$root" dpkg --purge tracer >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
	state "$root" | diff "$work/before" - || fail "the .deb leaves something behind"
}

in_root() { rpm --root "$work/rpm" --dbpath /var/lib/rpm "$@"; }

check_rpm() {
	local root=$work/rpm
	mkdir "$root"
	in_root --initdb
	in_root --install --force-debian "$rpm" # Debian's rpm refuses to install without --force-debian
	# shellcheck disable=SC2086
	expect_files "$root" $common /usr/share/zsh/site-functions/_tracer /usr/share/licenses/tracer/LICENCES
	expect_works "$root"
	in_root --verify tracer
	in_root --erase --force-debian tracer
	# Parent folders stay, since they belong to other packages, which are not installed.
	state "$root" | grep -v '^d' && fail "the .rpm leaves a file behind"
	state "$root" | grep tracer && fail "the .rpm leaves a folder behind"
	true
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "$(basename "$deb"):" && check_deb
echo "$(basename "$rpm"):" && check_rpm
echo "both packages were installed and removed"
