#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# committed.sh: fails if the working tree has changes, since a release names the commit it was built from.
set -euo pipefail
cd "$(dirname "$0")/../.."

changed=$(git status --porcelain) || { echo "a release must be built in a git checkout" >&2; exit 1; }
[ -z "$changed" ] || { printf 'not committed, so a release would lack it:\n%s\n' "$changed" >&2; exit 1; }
