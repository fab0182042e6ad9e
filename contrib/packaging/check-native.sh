#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# check-native.sh GOARCH: builds tracer the way users of a machine of that architecture do:
# in a small Debian of it, by `make` with no variables; and runs what came of it there. This
# machine's processor is helped out by QEMU, so that it takes a quarter of an hour. As root.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/../.."
. libpcap/debian.sh

goarch=$1
go=${GO:-go}
formats=/proc/sys/fs/binfmt_misc
emulator=qemu-$(gnu_arch "$(debian_arch "$goarch")")

fail() { printf '%s\n' "$*" >&2; exit 1; }

# logged COMMAND...: what it says is of interest only when it fails.
logged() { "$@" >"$work/log" 2>&1 || { tail -n 50 "$work/log" >&2; exit 1; }; }

# register: the kernel starts the emulator for programs of the architecture, in any root.
register() {
	[ -e "$formats/register" ] || mount -t binfmt_misc binfmt_misc "$formats"
	if [ ! -e "$formats/$emulator" ]; then
		cat "/usr/lib/binfmt.d/$emulator.conf" >"$formats/register"
		registered=yes
	fi
}

finish() {
	[ -z "${registered:-}" ] || echo -1 >"$formats/$emulator"
	rm -rf --one-file-system "$work"
}

# add_go: Go for the architecture, of the same version as this machine's, and the modules.
add_go() {
	local toolchain
	toolchain=golang.org/toolchain@v0.0.1-$("$go" env GOVERSION).linux-$goarch
	logged env GOMODCACHE="$work/modules" GOFLAGS=-modcacherw GOARCH= "$go" mod download "$toolchain"
	cp -r "$work/modules/$toolchain" "$root/usr/local/go"
	chmod -R u+w,a+x "$root/usr/local/go/bin" "$root/usr/local/go/pkg/tool"
	logged env GOMODCACHE="$work/modules" GOFLAGS=-modcacherw "$go" mod download
	cp -r "$work/modules/cache/download" "$root/usr/local/modules"
	rm -rf "$work/modules"
}

add_tree() {
	mkdir "$root/tracer"
	git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --target-directory="$root/tracer"
}

inside() {
	chroot "$root" env -i HOME=/root PATH=/usr/local/go/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		GOTOOLCHAIN=local GOPROXY=file:///usr/local/modules DEBIAN_FRONTEND=noninteractive "$@"
}

add_make() {
	cp /etc/resolv.conf "$root/etc/"
	logged inside apt-get update
	logged inside apt-get install --yes --no-install-recommends make
}

check() {
	local told
	told=$(inside /tracer/tracer --version)
	case $told in
	*" linux/$goarch, "*) echo "$told" ;;
	*) fail "tracer --version: $told, want linux/$goarch" ;;
	esac
}

work=$(mktemp -d)
trap finish EXIT
root=$work/root
register
contrib/packaging/debian-root.sh "$root" "$(debian_arch "$goarch")"
add_go
add_make
add_tree
logged inside make -C /tracer
check
