#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# check-release.sh RELEASE VERSION COMMIT EPOCH: builds the release in the folder RELEASE a second
# time, from a copy of this tree: at another path, with no cache except Go's modules, and with
# another umask and time zone. Fails if a byte differs.
set -euo pipefail
cd "$(dirname "$0")/../.."

release=$(realpath "$1") version=$2 commit=$3 epoch=$4

copy_tree() {
	git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --target-directory="$1"
}

build_again() {
	cd "$1"
	env --unset=GOCACHE XDG_CACHE_HOME="$work/cache" TZ=Pacific/Auckland \
		"${MAKE:-make}" artefacts RELEASE="$work/release" VERSION="$version" COMMIT="$commit" SOURCE_DATE_EPOCH="$epoch"
}

# compare: checks both releases against their SHA256SUMS, and that they are identical.
compare() {
	(cd "$release" && sha256sum --check --quiet --strict SHA256SUMS)
	(cd "$work/release" && sha256sum --check --quiet --strict SHA256SUMS)
	diff -r "$release" "$work/release"
}

list() {
	local sum file
	while read -r sum file; do
		printf '%9d  %s  %s\n' "$(stat --format=%s "$release/$file")" "$sum" "$file"
	done <"$release/SHA256SUMS"
}

work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
mkdir "$work/a-copy-of-the-tree"
copy_tree "$work/a-copy-of-the-tree"
(umask 077 && build_again "$work/a-copy-of-the-tree")
compare || { echo "two builds of one release differ" >&2; exit 1; }
list
echo "two builds at two paths gave the same bytes"
