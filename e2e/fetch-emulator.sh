#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# On Debian 12, unpacks the s390x emulator of Debian's backports into ${XDG_CACHE_HOME:-~/.cache}/tracer,
# without installing it: with QEMU 7.2 of Debian 12, a kernel with vector instructions, which Go programs
# need, computes wrong packet checksums. Does nothing on other releases.
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
