#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# committed.sh: fails if files differ from the commit that the release would name.
set -euo pipefail
cd "$(dirname "$0")/../.."

changed=$(git status --porcelain) || { echo "a release must be built in a git checkout" >&2; exit 1; }
[ -z "$changed" ] || { printf 'not committed, so a release would lack it:\n%s\n' "$changed" >&2; exit 1; }
