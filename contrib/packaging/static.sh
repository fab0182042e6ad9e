#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# static.sh FILE...: fails if one of the binaries is linked dynamically, as make links it if it has no source of
# libpcap. Releases and virtual machines need static binaries.
set -euo pipefail

for file; do
	headers=$(readelf --program-headers "$file")
	if [[ $headers == *INTERP* ]]; then
		printf '%s is linked dynamically, and a static binary is needed here\n' "$file" >&2
		echo "hint: make LIBPCAP_SOURCE=FILE, or DEBIAN_MIRROR=URL, links a static one (docs/install.md)" >&2
		exit 1
	fi
done
