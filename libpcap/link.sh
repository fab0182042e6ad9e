#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# link.sh GOARCH: prints shell assignments to link Go programs with libpcap for GOARCH: the
# environment of cgo, and LINK for -ldflags. It uses the static libpcap of build.sh if the source
# is available, from LIBPCAP_SOURCE or by apt. Otherwise it uses this system's libpcap, and prints
# a note that the binary is dynamic.
set -euo pipefail
cd "$(dirname "$0")/.."
. libpcap/debian.sh

goarch=$1

static() {
	local dir
	dir=$(libpcap/build.sh "$goarch") || return
	printf 'export CGO_ENABLED=1 CC=%q CGO_CFLAGS=%q CGO_LDFLAGS=%q\n' "$dir/cc" "-O2 -I$dir/include" "-O2 -L$dir/lib"
	echo "LINK='-linkmode external -extldflags -static'"
}

# links_libpcap: succeeds if the system has libpcap and its headers.
links_libpcap() {
	printf '#include <pcap/pcap.h>\nint main(void) { return pcap_lib_version() == 0; }\n' |
		"${CC:-cc}" -x c -o /dev/null - -lpcap
}

dynamic() {
	if [ "$(debian_arch "$goarch")" != "$(native_arch)" ]; then
		echo "GOARCH=$goarch on $(uname -m): cross-building needs Debian or Ubuntu and the source of libpcap" >&2
		return 1
	fi
	.ci/install dynamic
	if ! links_libpcap >/dev/null 2>&1; then
		echo "no libpcap with headers on this system, and no source of it: install libpcap's development package, or make LIBPCAP_SOURCE=FILE (docs/install.md)" >&2
		return 1
	fi
	echo "tracer is linked dynamically, with this system's libpcap and C library; make LIBPCAP_SOURCE=FILE links a static one (docs/install.md)" >&2
	printf 'export CGO_ENABLED=1\nLINK=\n'
}

if [ -z "${LIBPCAP_SOURCE:-}" ] && ! has_apt; then
	dynamic
	exit
fi
status=0
static || status=$?
[ "$status" != 3 ] || { dynamic; exit; }
exit "$status"
