#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Puts a newer emulator of s390x than Debian 12 has into ${XDG_CACHE_HOME:-~/.cache}/tracer:
# with QEMU 7.2 a kernel that has vectors, which Go's programs need, gets checksums of
# packets wrong. It is the one of Debian's backports, which is not installed. On other
# releases there is nothing to do.
set -euo pipefail
cd "$(dirname "$0")"
. ../libpcap/debian.sh

emulator=qemu-system-s390x
if [ "$(release)" != bookworm ] || [ -e "$cache/emulators/$emulator" ]; then
	exit
fi

use_archive deb "$(dpkg --print-architecture)" "$(release)-backports"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get -qq download "$emulator" && dpkg-deb -x ./*.deb .)
mkdir -p "$cache/emulators"
mv "$work/usr/bin/$emulator" "$cache/emulators/"
