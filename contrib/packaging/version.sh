#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# version.sh VERSION: fails with a message if VERSION is not a valid version of a release: v and a semantic version,
# without build metadata (+…), which image tags do not allow.
set -euo pipefail

version=${1-}
number='(0|[1-9][0-9]*)'
identifier='(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)'
if [[ ! $version =~ ^v$number\.$number\.$number(-$identifier(\.$identifier)*)?$ ]]; then
	printf 'version %q is not v and a semantic version\nhint: make release VERSION=v1.2.3, or v1.2.3-rc.1\n' "$version" >&2
	exit 1
fi
