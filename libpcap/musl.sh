#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# musl.sh GOARCH: prints the path of a C compiler that links with musl for GOARCH.
# For this machine's architecture that is musl-gcc, or cc if musl is the system's C
# library. For other architectures, Debian and Ubuntu have a cross compiler and the
# library but no wrapper, so the script derives one from the wrapper of this machine.
set -euo pipefail
cd "$(dirname "$0")"
. ./debian.sh

target=$(debian_arch "$1")
native=$(native_arch)

# native_compiler: prints the compiler for this machine.
native_compiler() {
	if command -v musl-gcc; then return; fi
	if [[ $(cc -dumpmachine 2>/dev/null) == *-musl* ]]; then command -v cc; return; fi
	echo "musl-gcc is missing: a static binary needs musl and its compiler wrapper" >&2
	return 1
}

if [ "$target" = "$native" ]; then
	native_compiler
	exit
fi
if ! has_apt; then
	echo "GOARCH=$1 on $(uname -m): cross-building needs Debian or Ubuntu; elsewhere build on a machine of that architecture" >&2
	exit 1
fi

triple=$(gnu_arch "$target")-linux-musl
compiler=$(gnu_arch "$target")-linux-gnu-gcc
root=$cache/musl/$target

# in_release: succeeds if this machine's mirrors have the architecture. Debian 12 has no riscv64,
# and Ubuntu has most architectures on other servers.
in_release() {
	[ "$(os ID)" = debian ] && { [ "$target" != riscv64 ] || [ "$(os VERSION_ID)" != 12 ]; }
}

# unpack_library: unpacks musl for another architecture into the cache, without installing it.
unpack_library() {
	use_archive deb "$target"
	rm -rf "$root.part" && mkdir -p "$root.part"
	(cd "$root.part" && apt-get -qq download musl-dev)
	dpkg-deb -x "$root.part"/musl-dev_*.deb "$root.part"
}

# build_library: builds musl from the source package of this release, with the same folders as its package.
build_library() {
	local package
	package=$(source_of musl)
	rm -rf "$root.part" && mkdir -p "$root.part"
	echo "building musl for $target" >&2
	trap 'cat "$cache/musl.log" >&2' ERR
	(
		cd "$root.part"
		dpkg-source --extract "$package"/musl_*.dsc source
		cd source
		CC=$compiler CROSS_COMPILE=${compiler%gcc} ./configure --target="$triple" --disable-shared
		make -s -j"$(nproc)"
		make -s install-headers install-libs "includedir=$root.part/usr/include/$triple" "libdir=$root.part/usr/lib/$triple"
		cd .. && rm -r source
	) >"$cache/musl.log" 2>&1
	trap - ERR
}

# flags_for_musl: prints the compiler flags for types that differ between musl and glibc: on
# ppc64le, musl's long double has 64 bits.
flags_for_musl() {
	case $target in
	ppc64el) echo -mlong-double-64 ;;
	esac
}

# write_wrapper: writes a wrapper and its specs, which are those of this machine with the paths
# and names of the other architecture.
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
