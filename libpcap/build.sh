#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# build.sh GOARCH: builds a static libpcap for GOARCH against musl from the source
# package of this machine's Debian release, and prints the folder that then holds
# include/, lib/libpcap.a, cc, the compiler to link it with, and LICENSE and version of
# the source. Only the compiler of filter expressions is wanted: all that captures packets
# is configured off. The bytes don't depend on where it is built. Nothing is done when the
# cache has it already.
set -euo pipefail
cd "$(dirname "$0")"
. ./debian.sh

goarch=$1
target=$(debian_arch "$goarch")
recipe=$(cat build.sh musl.sh debian.sh | sha256sum | cut -c1-12) # what is built anew when we change
out=$cache/libpcap/$target-$recipe

download_source() {
	use_archive deb-src "$(dpkg --print-architecture)"
	apt-get -qq source --download-only libpcap
	dpkg-source --extract libpcap_*.dsc source
	sed -n 's/^Version: //p' libpcap_*.dsc | head -1 >version
}

# musl brings no kernel headers: those of the C library are taken, of this machine or beside
# the compiler for another.
link_kernel_headers() {
	local triple include asm
	triple=$(gnu_arch "$target")-linux-gnu
	include=/usr/$triple/include asm=/usr/$triple/include/asm
	if [ "$target" = "$(dpkg --print-architecture)" ]; then
		include=/usr/include asm=/usr/include/$triple/asm
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
	cp LICENSE ../version "$out.part/"
	ln -s "$1" "$out.part/cc"
	rm -rf "$out" && mv "$out.part" "$out"
}

build() {
	local cc
	cc=$(./musl.sh "$goarch")
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	cd "$work"
	download_source
	cd source
	link_kernel_headers
	configure_filter_compiler "$cc"
	make -s libpcap.a
	install_result "$cc"
}

mkdir -p "$cache"
exec 9>"$cache/lock" && flock 9 # one at a time: apt's lists and the compiler are shared
if [ ! -e "$out/cc" ]; then
	echo "building libpcap for $goarch" >&2
	trap 'cat "$cache/libpcap.log" >&2' ERR
	(build) >"$cache/libpcap.log" 2>&1
fi
echo "$out"
