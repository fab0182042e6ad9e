#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# release.sh DIR VERSION TRACER ARCH...: fills DIR with the files of a release: for each ARCH, a
# GOARCH whose binary is build/ARCH/tracer, an archive, a .deb, a .rpm and an SBOM; and SHA256SUMS
# of all files. TRACER runs on this machine, and prints the manual page and completions. All
# timestamps are SOURCE_DATE_EPOCH, so that the same commit gives the same bytes. The Makefile
# sets GO, NFPM and CYCLONEDX.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/../.."

final=$1 version=$2 host=$3
shift 3
: "${SOURCE_DATE_EPOCH:?must be the time of the commit, in seconds since 1970}"
export SOURCE_DATE_EPOCH

stage() {
	local stage=$1 arch=$2 libpcap=$3
	mkdir -p "$stage"
	cp -r "$work/docs/." "$stage/"
	install -m 755 "build/$arch/tracer" "$stage/tracer"
	cp LICENSE README.md CHANGELOG.md "$stage/"
	contrib/packaging/licences.sh "build/$arch/tracer" "$libpcap" >"$stage/LICENCES"
}

# archive FILE STAGE: creates a reproducible archive, with fixed owners, modes, timestamps and order.
archive() {
	tar --create --format=ustar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=root:0 --group=root:0 \
		--mode=u=rwX,go=rX --directory="$(dirname "$2")" "$(basename "$2")" | gzip --no-name --best >"$1"
}

# package STAGE ARCH: builds both packages. They differ in file names, paths and the name of ARCH.
package() {
	local kind
	for kind in deb rpm; do
		STAGE=$1 ARCH=$2 VERSION=$version "${GO:-go}" run "$NFPM" package \
			--config contrib/packaging/nfpm.yaml --packager $kind --target "$out/" >&2
	done
}

release() {
	local arch=$1 name=tracer-$version-linux-$1 libpcap
	libpcap=$(libpcap/build.sh "$arch")
	[ "$(cat "$libpcap/origin")" != upstream ] || { echo "LIBPCAP_SOURCE=$LIBPCAP_SOURCE: a release uses the libpcap of the distribution" >&2; return 1; }
	stage "$work/$name" "$arch" "$libpcap"
	archive "$out/$name.tar.gz" "$work/$name"
	package "$work/$name" "$arch"
	contrib/packaging/sbom.sh "build/$arch/tracer" "$arch" "$version" "$libpcap" >"$out/$name.cdx.json"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=$work/release
mkdir "$out"
contrib/packaging/docs.sh "$host" "$work/docs"
for arch; do release "$arch"; done
(cd "$out" && sha256sum -- * >"$work/SHA256SUMS")
mv "$work/SHA256SUMS" "$out/"
rm -rf "$final" && mkdir -p "$(dirname "$final")" && mv "$out" "$final"
