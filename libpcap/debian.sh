# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced, not run. Debian's own archive, read through an apt configuration that
# is ours alone: no source, list or architecture of the system is touched.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/tracer

# debian_arch GOARCH: what Debian calls it; others can't be built.
debian_arch() {
	case $1 in
	amd64 | arm64 | riscv64 | s390x) echo "$1" ;;
	ppc64le) echo ppc64el ;;
	*) echo "GOARCH $1: only amd64, arm64, ppc64le, riscv64 and s390x can be built" >&2; return 1 ;;
	esac
}

# gnu_arch ARCH: how compilers and their folders spell Debian's architecture.
gnu_arch() {
	case $1 in
	amd64) echo x86_64 ;;
	arm64) echo aarch64 ;;
	ppc64el) echo powerpc64le ;;
	*) echo "$1" ;;
	esac
}

# mirror: the one that this machine's apt uses for Debian.
mirror() {
	local uri
	# shellcheck disable=SC2016 # apt expands it
	uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | awk '/\/debian\/*$/ && !n++')
	[ -n "$uri" ] || { echo "no mirror of Debian in apt's sources" >&2; return 1; }
	echo "$uri"
}

# release: the code name of this machine's.
release() { (. /etc/os-release && echo "$VERSION_CODENAME"); }

# use_archive TYPE ARCH [SUITE]: from here on apt-get sees one source, TYPE (deb or
# deb-src) of SUITE, or else of the release of this machine, for ARCH.
use_archive() {
	local suite=${3:-$(release)} home mirror
	home=$cache/apt/$1-$suite-$2
	mirror=$(unset APT_CONFIG && mirror)
	mkdir -p "$home/lists/partial" "$home/cache/archives/partial"
	echo "$1 [arch=$2 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$home/sources.list"
	: >"$home/status"
	cat >"$home/apt.conf" <<-END
		APT::Architecture "$2";
		APT::Architectures { "$2"; };
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Acquire::Retries "3";
		Dir::Etc::SourceList "$home/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::State::Lists "$home/lists";
		Dir::State::status "$home/status";
		Dir::Cache "$home/cache";
	END
	export APT_CONFIG=$home/apt.conf
	apt-get -qq update
}
