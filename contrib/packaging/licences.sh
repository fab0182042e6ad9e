#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# licences.sh TRACER LIBPCAP: prints the licences of the binary TRACER and of everything that is
# linked into it. The list of Go modules is read from the binary; their licences are in Go's module
# cache, and Go's own licence is in GOROOT. LIBPCAP is the folder that libpcap/build.sh created,
# with the licence of its source. The licence of musl is in the Debian package on this
# machine, which is of the same release for every architecture.
set -euo pipefail
shopt -s inherit_errexit nullglob
cd "$(dirname "$0")/../.."

tracer=$1 libpcap=$2
go=${GO:-go}

# section TITLE FILE...: prints the title and the files.
section() {
	local title=$1 file
	shift
	[ $# -gt 0 ] || { echo "no licence of $title" >&2; return 1; }
	printf '\n%s\n%s\n' "$title" "${title//?/=}"
	for file; do
		printf '\n--- %s\n\n' "${file##*/}"
		cat "$file"
	done
}

licences_in() {
	local file
	for file in "$1"/{LICENSE,License,LICENCE,COPYING,COPYRIGHT,NOTICE,PATENTS}*; do
		[ ! -f "$file" ] || echo "$file"
	done
}

# modules: prints path and version of each module in the binary.
modules() {
	"$go" version -m "$tracer" | awk '$1 == "dep" {print $2, $3}'
}

of_module() {
	local dir files
	dir=$("$go" list -m -f '{{.Dir}}' "$1")
	[ -d "$dir" ] || { echo "module $1 is not in the module cache" >&2; return 1; }
	readarray -t files < <(licences_in "$dir")
	section "$1 $2, a Go module" "${files[@]}"
}

of_modules() {
	local list path version
	list=$(modules)
	[ -n "$list" ] || { echo "$tracer: no Go modules are named in it" >&2; return 1; }
	while read -r path version; do of_module "$path" "$version"; done <<<"$list"
}

cat <<'END'
tracer is under the Apache License 2.0. The programs that it loads into the kernel
(bpf/) are under the GNU General Public License 2.0 or the BSD 2-Clause License, as you
choose. The binary is static: what is linked into it is listed here with its licence.
Of GCC it has start-up code, and on some architectures parts of libgcc; these are under
the GNU General Public License 3.0 with the GCC Runtime Library Exception, which lets
the binary be under the licences below.
END
section "tracer" LICENSE
section "tracer's BPF programs" bpf/LICENSE bpf/LICENSE.GPL-2.0 bpf/LICENSE.BSD-2-Clause
case $(cat "$libpcap/origin") in
upstream) origin="from upstream" distribution= ;;
ubuntu) origin="from Ubuntu's source package" distribution=Ubuntu ;;
*) origin="from Debian's source package" distribution=Debian ;;
esac
section "libpcap $(cat "$libpcap/version"), $origin" "$libpcap/LICENSE"
section "musl $(dpkg-query --show --showformat '${Version}' musl-dev), from ${distribution:-the distribution}'s package musl-dev" /usr/share/doc/musl-dev/copyright
goroot=$("$go" env GOROOT)
readarray -t files < <(licences_in "$goroot")
section "Go's standard library and runtime, $("$go" env GOVERSION)" "${files[@]}"
of_modules
