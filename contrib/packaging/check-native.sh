#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# check-native.sh GOARCH: builds tracer natively on another architecture, like its users: in a small
# Debian of that architecture, with `make` without variables. It runs the binary there. It takes a quarter of an hour,
# since QEMU emulates the processor. Runs as root.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/../.."
. libpcap/debian.sh

goarch=$1
go=${GO:-go}
formats=/proc/sys/fs/binfmt_misc
emulator=qemu-$(gnu_arch "$(debian_arch "$goarch")")

fail() { printf '%s\n' "$*" >&2; exit 1; }

# logged COMMAND...: runs the command, and prints the end of its output only if it fails.
logged() { "$@" >"$work/log" 2>&1 || { tail -n 50 "$work/log" >&2; exit 1; }; }

# register: registers the emulator with the kernel (binfmt_misc), for programs of the architecture in any root.
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

# add_go: copies Go for the architecture, in the version of this machine's Go, and the modules.
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
	local printed
	printed=$(inside /tracer/tracer --version)
	case $printed in
	*" linux/$goarch, "*) echo "$printed" ;;
	*) fail "tracer --version: $printed, want linux/$goarch" ;;
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
