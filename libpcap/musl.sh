#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# musl.sh GOARCH: prints the path of a C compiler that links against musl for
# GOARCH. On the machine's own architecture that is musl-gcc of musl-tools. For
# the others Debian has the compiler and the library but no wrapper that joins
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
compiler=$(gnu_arch "$target")-linux-gnu-gcc
root=$cache/musl/$target

# Whether this machine's release of Debian has the architecture: 12 has no riscv64.
in_release() {
	[ "$target" != riscv64 ] || [ "$(. /etc/os-release && echo "$VERSION_ID")" -ge 13 ]
}

# The library of another architecture, unpacked beside the system, not installed.
unpack_library() {
	use_archive deb "$target"
	rm -rf "$root.part" && mkdir -p "$root.part"
	(cd "$root.part" && apt-get -qq download musl-dev)
	dpkg-deb -x "$root.part"/musl-dev_*.deb "$root.part"
}

# The library built from the same release's source, with the same folders.
build_library() {
	use_archive deb-src "$native"
	rm -rf "$root.part" && mkdir -p "$root.part"
	(
		cd "$root.part"
		apt-get -qq source --download-only musl
		dpkg-source --extract musl_*.dsc source
		cd source
		CC=$compiler CROSS_COMPILE=${compiler%gcc} ./configure --target="$triple" --disable-shared
		make -s -j"$(nproc)"
		make -s install-headers install-libs "includedir=$root.part/usr/include/$triple" "libdir=$root.part/usr/lib/$triple"
		cd .. && rm -r source
	) >&2
}

# What the compiler has to be told where musl and the GNU system have different types:
# musl's long double on ppc64le has 64 bits.
flags_for_musl() {
	case $target in
	ppc64el) echo -mlong-double-64 ;;
	esac
}

# The specs of this machine with the other architecture's names, in that place.
write_wrapper() {
	local own; own=$(gnu_arch "$native")-linux-musl
	sed -e "s|/usr/include/$own|$root/usr/include/$triple|g" \
		-e "s|/usr/lib/$own|$root/usr/lib/$triple|g" \
		-e "s|ld-musl-$(gnu_arch "$native")|ld-musl-$(gnu_arch "$target")|g" \
		"/usr/lib/$own/musl-gcc.specs" >"$root.part/musl-gcc.specs"
	printf '#!/bin/sh\nexec %s "$@" %s -specs "%s"\n' \
		"$compiler" "$(flags_for_musl)" "$root/musl-gcc.specs" >"$root.part/musl-gcc"
	chmod +x "$root.part/musl-gcc"
}

if [ ! -e "$root/musl-gcc" ]; then
	if in_release; then unpack_library; else build_library; fi
	write_wrapper
	rm -rf "$root" && mv "$root.part" "$root"
fi
echo "$root/musl-gcc"
