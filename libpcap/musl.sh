#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# musl.sh GOARCH: prints the path of a C compiler that links against musl for
# GOARCH. On the machine's own architecture that is musl-gcc of musl-tools. For
# the other one Debian has the compiler and the library but no wrapper that joins
# them, so one is made here from the wrapper of this machine.
set -euo pipefail
cd "$(dirname "$0")"
. ./debian.sh

target=$(debian_arch "$1")
native=$(dpkg --print-architecture)
if [ "$target" = "$native" ]; then
	command -v musl-gcc
	exit
fi

triple=$(gnu_arch "$target")-linux-musl
root=$cache/musl/$target

# The library of the other architecture, unpacked beside the system, not installed.
unpack_library() {
	use_archive deb "$target"
	rm -rf "$root.part" && mkdir -p "$root.part"
	(cd "$root.part" && apt-get -qq download musl-dev)
	dpkg-deb -x "$root.part"/musl-dev_*.deb "$root.part"
}

# The specs of this machine with the other architecture's names, in that place.
write_wrapper() {
	local own; own=$(gnu_arch "$native")-linux-musl
	sed -e "s|/usr/include/$own|$root/usr/include/$triple|g" \
		-e "s|/usr/lib/$own|$root/usr/lib/$triple|g" \
		-e "s|ld-musl-$(gnu_arch "$native")|ld-musl-$(gnu_arch "$target")|g" \
		"/usr/lib/$own/musl-gcc.specs" >"$root.part/musl-gcc.specs"
	printf '#!/bin/sh\nexec %s "$@" -specs "%s"\n' \
		"$(gnu_arch "$target")-linux-gnu-gcc" "$root/musl-gcc.specs" >"$root.part/musl-gcc"
	chmod +x "$root.part/musl-gcc"
}

if [ ! -e "$root/musl-gcc" ]; then
	unpack_library
	write_wrapper
	rm -rf "$root" && mv "$root.part" "$root"
fi
echo "$root/musl-gcc"
