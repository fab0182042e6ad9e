#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Usage: fetch-kernels.sh [-u] [SERIES-ARCH | ARCH ...]
#
# Unpacks Debian's kernels, the cloud flavour if there is one, into ${XDG_CACHE_HOME:-~/.cache}/tracer/kernels, one
# folder per version, and adds their exact versions to the file "versions" there. It fetches the newest version of each
# series, since mirrors delete old ones. A series that is in the cache is not fetched again; with -u, a newer version is
# fetched if there is one.
#
# apt uses a separate configuration: the sources, lists and packages of this system
# are neither read nor changed.
set -euo pipefail

# series, GOARCH, suite
known='
5.10 amd64 bullseye
5.10 arm64 bullseye
6.1  amd64 bookworm
6.1  arm64 bookworm
6.12 amd64 bookworm-backports
6.12 arm64 bookworm-backports
6.18 amd64 trixie-backports
6.18 arm64 trixie-backports
7    amd64 trixie-backports
7    arm64 trixie-backports
6.12 riscv64 trixie
6.12 s390x   bookworm-backports
6.12 ppc64le bookworm-backports
'
cd "$(dirname "$0")"
. ../libpcap/debian.sh
kernels=$cache/kernels

main() {
	update=
	if [ "${1-}" = -u ]; then update=yes; shift; fi
	mkdir -p "$kernels"
	local series arch suite
	while read -r series arch suite; do
		[ -n "$series" ] || continue
		wanted "$series-$arch" "$@" || wanted "$arch" "$@" || continue
		[ "$arch" != s390x ] || ./fetch-emulator.sh
		if [ -z "$update" ] && present "$series" "$arch"; then continue; fi
		fetch "$series" "$arch" "$suite"
	done <<<"$known"
}

# wanted NAME [NAMES ...]: succeeds if NAME is among NAMES, or there are no NAMES.
wanted() {
	local name=$1 n
	shift
	[ $# -gt 0 ] || return 0
	for n; do [ "$n" != "$name" ] || return 0; done
	return 1
}

# flavour GOARCH: prints Debian's name of the kernel flavour.
flavour() {
	case $1 in
	amd64 | arm64) echo "cloud-$1" ;;
	ppc64le) echo powerpc64le ;;
	*) echo "$1" ;;
	esac
}

present() { compgen -G "$kernels/$1.*-$(flavour "$2")/.done" >/dev/null; }

fetch() {
	local series=$1 arch=$2 suite=$3 version
	use_archive deb "$(debian_arch "$arch")" "$suite"
	version=$(newest "$series" "$arch")
	if [ -z "$version" ]; then
		echo "fetch-kernels: no kernel $series for $arch in $suite" >&2
		echo "hint: DEBIAN_MIRROR=URL names another mirror of Debian" >&2
		exit 1
	fi
	[ -e "$kernels/$version/.done" ] || unpack "$version"
	record "$version" "$suite"
}

# newest SERIES ARCH: prints the newest version of a series whose packages are all in the archive.
newest() {
	apt-cache search --names-only "^linux-image-${1//./\\.}\..*-$(flavour "$2")\$" |
		awk '{ sub("^linux-image-", "", $1); if ($1 ~ /^[0-9]+\.[0-9]+\.[0-9]+/) print $1 }' |
		sort -V | while read -r version; do
			if complete "$version"; then echo "$version"; fi
		done | tail -1
}

# complete VERSION: succeeds if all packages of a version are in the archive. Since 6.19 linux-image is
# an empty wrapper around linux-binary and linux-modules, and one of these may be missing.
complete() {
	! available "linux-binary-$1" || available "linux-modules-$1"
}

available() { [[ $(apt-cache policy "$1") == *"Candidate: "[0-9]* ]]; }

unpack() {
	local version=$1 folder=$kernels/$1 tmp part parts=("linux-image-$1") deb
	for part in binary modules base; do
		if available "linux-$part-$version"; then parts+=("linux-$part-$version"); fi
	done
	tmp=$(mktemp -d)
	(cd "$tmp" && apt-get -qq download "${parts[@]}")
	rm -rf "$folder"
	for deb in "$tmp"/*.deb; do dpkg-deb -x "$deb" "$folder"; done
	rm -r "$tmp"
	if [ -z "$(find "$folder" -name 'vmlinu[xz]*')" ] || [ -z "$(find "$folder" -name 'veth.ko*')" ]; then
		echo "fetch-kernels: $version has no kernel or no modules" >&2
		exit 1
	fi
	touch "$folder/.done"
}

record() {
	local file=$kernels/versions
	touch "$file"
	grep -qxF "$1 $2" "$file" || echo "$1 $2" >>"$file"
	echo "$1 ($2)"
}

main "$@"
