#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# committed.sh: fails when files differ from the commit that a release would tell.
set -euo pipefail
cd "$(dirname "$0")/../.."

changed=$(git status --porcelain) || { echo "a release is built in a checkout of git" >&2; exit 1; }
[ -z "$changed" ] || { printf 'not committed, so in no release:\n%s\n' "$changed" >&2; exit 1; }
