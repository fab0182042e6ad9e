#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# build.sh GOARCH: builds a static libpcap for GOARCH with musl and prints its folder. The folder
# has include/, lib/libpcap.a, cc (the compiler to link with), and LICENSE, version and origin of
# the source. The source is the package of this machine's release of Debian or Ubuntu, or the
# upstream tar file LIBPCAP_SOURCE, whose checksum must be in SHA256SUMS. Exit code 3 means that
# no source is available. tracer only needs the compiler of filter expressions, so packet capture
# is disabled. The build is reproducible: its bytes don't depend on the build folder. It does
# nothing if the result is in the cache.
set -euo pipefail
case ${LIBPCAP_SOURCE:-} in
/* | '') tarball=${LIBPCAP_SOURCE:-} ;;
*) tarball=$PWD/$LIBPCAP_SOURCE ;;
esac
cd "$(dirname "$0")"
. ./debian.sh

goarch=$1
target=$(debian_arch "$goarch")

# check_tarball: fails unless SHA256SUMS has the checksum of the tar file.
check_tarball() {
	local sum
	[ -f "$tarball" ] || { echo "LIBPCAP_SOURCE=$LIBPCAP_SOURCE: no such file" >&2; return 1; }
	sum=$(sha256sum "$tarball" | cut -d ' ' -f 1)
	if ! grep -q "^$sum " SHA256SUMS; then
		echo "LIBPCAP_SOURCE=$LIBPCAP_SOURCE: its SHA-256 is $sum, which is not in libpcap/SHA256SUMS" >&2
		echo "hint: $(tail -n 1 SHA256SUMS | cut -d ' ' -f 3) from https://www.tcpdump.org/release/ is, and so is libpcap_*.orig.tar.* of Debian 12 and 13" >&2
		return 1
	fi
}

# unpack_source: unpacks the source into the folder source, and writes the files version and origin.
unpack_source() {
	if [ -n "$tarball" ]; then
		mkdir source
		tar --extract --file "$tarball" --directory source --strip-components 1
		cp source/VERSION version
		echo upstream >origin
	else
		dpkg-source --extract "$package"/libpcap_*.dsc source
		sed -n 's/^Version: //p' "$package"/libpcap_*.dsc | head -1 >version
		os ID >origin
	fi
}

# link_kernel_headers: links the kernel headers, which musl does not have, from the headers of
# this machine's C library or of the cross compiler.
link_kernel_headers() {
	local triple include asm
	triple=$(gnu_arch "$target")-linux-gnu
	include=/usr/$triple/include asm=/usr/$triple/include/asm
	if [ "$target" = "$(native_arch)" ]; then
		include=/usr/include asm=/usr/include/$triple/asm
		[ -e "$asm" ] || asm=/usr/include/asm # on systems without multiarch
	fi
	mkdir kernel
	ln -s "$include/linux" "$include/asm-generic" "$asm" kernel/
}

configure_filter_compiler() {
	./configure --quiet --host="$(gnu_arch "$target")-linux-musl" --prefix="$out" \
		CFLAGS="-O2 -ffile-prefix-map=$PWD=libpcap" \
		CC="$1 -idirafter $PWD/kernel" \
		--with-pcap=null --disable-shared --disable-remote --disable-usb --disable-bluetooth \
		--disable-dbus --disable-rdma --without-libnl --without-dag --without-septel \
		--without-snf --without-turbocap --without-dpdk
}

install_result() {
	rm -rf "$out.part" && mkdir -p "$out.part/lib" "$out.part/include"
	cp libpcap.a "$out.part/lib/"
	cp -r pcap.h pcap "$out.part/include/"
	cp LICENSE ../version ../origin "$out.part/"
	ln -s "$1" "$out.part/cc"
	rm -rf "$out" && mv "$out.part" "$out"
}

build() {
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	cd "$work"
	unpack_source
	cd source
	link_kernel_headers
	configure_filter_compiler "$1"
	make -s libpcap.a
	install_result "$1"
}

# name: a hash of these scripts and the tar file, so that a change of either causes a new build.
name() {
	{ cat build.sh musl.sh debian.sh sources.awk; [ -z "$tarball" ] || sha256sum <"$tarball"; } | sha256sum | cut -c1-12
}

[ -z "$tarball" ] || check_tarball
out=$cache/libpcap/$target-$(name)
mkdir -p "$cache"
exec 9>"$cache/lock" && flock 9 # one build at a time, since apt's lists and the compiler are shared
if [ ! -e "$out/cc" ]; then
	[ -n "$tarball" ] || package=$(source_of libpcap) || exit 3
	echo "building libpcap for $goarch" >&2
	cc=$(./musl.sh "$goarch")
	trap 'cat "$cache/libpcap.log" >&2' ERR
	(build "$cc") >"$cache/libpcap.log" 2>&1
fi
echo "$out"
