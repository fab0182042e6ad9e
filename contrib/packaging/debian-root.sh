#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# debian-root.sh DIR [ARCH]: creates in DIR the root of a small system with this machine's release of
# Debian or Ubuntu, with debootstrap, from this machine's mirror. ARCH is Debian's name of an architecture: by
# default this machine's, or one whose programs the kernel runs with an emulator. The root is cached
# as a tar file.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/../.."
. libpcap/debian.sh

root=$1 arch=${2:-$(dpkg --print-architecture)}
release=$(release)
kept=$cache/root/$release-$arch.tar

# joined_keyring OPTIONS: prints the path of one binary keyring with all keys of signed-by in OPTIONS, for debootstrap.
joined_keyring() {
	local names name
	names=${1#*signed-by=}
	for name in $(tr : ' ' <<<"${names%%,*}"); do
		case $name in
		*.asc) gpg --dearmor <"$name" ;;
		*) cat "$name" ;;
		esac
	done >"$kept.keyring"
	echo "$kept.keyring"
}

bootstrap() {
	local work first url options keyring=()
	first=$(mirror)
	read -r url options <<<"$first"
	case $options in
	*trusted=yes*) keyring=(--no-check-gpg) ;;
	*signed-by=/*) keyring=("--keyring=$(joined_keyring "$options")") ;;
	esac
	work=$(mktemp -d)
	trap 'rm -rf "$work"' RETURN
	debootstrap --variant=minbase --arch="$arch" --components="$(components | tr ' ' ,)" "${keyring[@]}" "$release" "$work" "$url"
	rm -rf "$work"/var/cache/apt/archives/*.deb "$work"/var/lib/apt/lists/*
	tar --create --file "$kept.part" --directory "$work" --one-file-system .
	mv "$kept.part" "$kept"
}

mkdir -p "$cache/root" "$root"
exec 9>"$cache/root/lock" && flock 9
if [ ! -e "$kept" ]; then
	echo "making a small Debian for $arch" >&2
	bootstrap >"$cache/root/log" 2>&1 || { cat "$cache/root/log" >&2; exit 1; }
fi
tar --extract --file "$kept" --directory "$root"
