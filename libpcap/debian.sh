# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# To be sourced, not run. Downloads packages of Debian, Ubuntu and their derivatives with a
# private apt configuration: sources, lists and architectures of the system stay as they are.
# The mirrors are those of this machine's apt. DEBIAN_MIRROR=URL overrides them for packages of
# Debian.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/tracer
own_apt_config=${APT_CONFIG-}
sources_awk=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/sources.awk
os_release=${OS_RELEASE:-/etc/os-release}

# debian_arch GOARCH: prints Debian's name of the architecture; fails if it is not supported.
debian_arch() {
	case $1 in
	amd64 | arm64 | riscv64 | s390x) echo "$1" ;;
	ppc64le) echo ppc64el ;;
	*) echo "GOARCH $1: only amd64, arm64, ppc64le, riscv64 and s390x can be built" >&2; return 1 ;;
	esac
}

# gnu_arch ARCH: prints the name of Debian's architecture in GNU triplets.
gnu_arch() {
	case $1 in
	amd64) echo x86_64 ;;
	arm64) echo aarch64 ;;
	ppc64el) echo powerpc64le ;;
	*) echo "$1" ;;
	esac
}

# has_apt: succeeds if apt manages this system's packages. Fedora may have apt-get, too, but
# does not use it for its own packages.
has_apt() {
	command -v apt-get >/dev/null && command -v dpkg-query >/dev/null && dpkg-query --show dpkg >/dev/null 2>&1
}

# native_arch: prints Debian's name of this machine's architecture.
native_arch() {
	if command -v dpkg >/dev/null; then
		dpkg --print-architecture
		return
	fi
	case $(uname -m) in
	x86_64) echo amd64 ;;
	aarch64) echo arm64 ;;
	ppc64le) echo ppc64el ;;
	*) uname -m ;;
	esac
}

# os NAME: prints a value of os-release.
# shellcheck disable=SC1090 # it differs from machine to machine
os() { (. "$os_release" && eval "echo \"\${$1-}\""); }

is_ubuntu() { case " $(os ID) $(os ID_LIKE) " in *" ubuntu "*) ;; *) return 1 ;; esac }

# release: prints the code name of the release whose packages this machine has. Derivatives of
# Ubuntu have a code name of their own in addition.
release() {
	local name
	name=$(os UBUNTU_CODENAME)
	name=${name:-$(os VERSION_CODENAME)}
	[ -n "$name" ] || { echo "$os_release has no VERSION_CODENAME: which release is this?" >&2; return 1; }
	echo "$name"
}

# machine_sources: prints the archives in apt's sources of this machine, in the format of
# sources.awk.
machine_sources() {
	local names
	names=$(
		eval "$(APT_CONFIG=$own_apt_config apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
		# shellcheck disable=SC2154 # apt-config sets them
		for file in "$list" "${parts%/}"/*.list "${parts%/}"/*.sources; do
			[ ! -f "$file" ] || echo "$file"
		done
	)
	[ -z "$names" ] || awk -v keys="$cache/apt/key" -f "$sources_awk" <<<"$names"
}

# machine_archives: prints "URI SUITE OPTIONS" of the archives that may have this machine's
# release. Third-party archives can use the same name for a suite: see has_base.
machine_archives() {
	machine_sources | awk -v release="$(release)" '
		{ main = 0; for (i = 4; i <= NF; i++) if ($i == "main") main = 1 }
		!main || $2 ~ /[-\/](security|updates|backports|proposed)/ { next }
		$2 == release { print $1, $2, $3; found = 1; next }
		$2 ~ /^(stable|oldstable|testing|unstable|sid)$/ { other[++n] = $1 " " $2 " " $3 }
		END { if (!found) for (i = 1; i <= n; i++) print other[i] }'
}

# debian_keyring: prints the file with Debian's keyring.
debian_keyring() {
	local file
	for file in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
		if [ -f "$file" ]; then echo "$file"; return; fi
	done
	echo "the keyring of Debian is missing: install the package debian-archive-keyring" >&2
	return 1
}

# keyrings OPTIONS: prints the keyrings that may have signed Debian's packages at a mirror with
# these options.
keyrings() {
	local all file
	all=$(debian_keyring) || return
	case $1 in
	*signed-by=*) file=${1#*signed-by=} all=$all:${file%%,*} ;;
	*) for file in /etc/apt/trusted.gpg.d/*.{gpg,asc}; do [ ! -f "$file" ] || all=$all:$file; done ;;
	esac
	echo "$all"
}

# debian_archives SUITE: prints "URI SUITE OPTIONS" of the archives to try, best first. It prints
# nothing if apt has no mirror of Debian and DEBIAN_MIRROR is not set.
debian_archives() {
	local uri options
	debian_keyring >/dev/null || return
	if [ -n "${DEBIAN_MIRROR:-}" ]; then
		echo "$DEBIAN_MIRROR $1 signed-by=$(keyrings -)"
		return
	fi
	if [ "$(os ID)" = debian ]; then
		machine_archives | while read -r uri _ options; do
			echo "$uri $1 $(with_keyrings "$options")"
		done
	fi
}

# with_keyrings OPTIONS: prints the options, with signed-by replaced by keyrings OPTIONS.
with_keyrings() {
	local others
	others=$(tr , '\n' <<<"$1" | awk '!/^(signed-by=.*|-)$/ { printf ",%s", $0 }')
	echo "signed-by=$(keyrings "$1")$others"
}

# archives [SUITE]: prints the archives of a suite of Debian, or of this machine's release.
archives() {
	if [ -n "${1:-}" ]; then
		debian_archives "$1"
	elif [ "$(os ID)" = debian ]; then
		debian_archives "$(release)"
	else
		machine_archives
	fi
}

# components [SUITE]: prints the components of the archive that have the needed packages.
components() { if is_ubuntu && [ -z "${1:-}" ]; then echo main universe; else echo main; fi }

# configure HOME TYPE ARCH URI SUITE OPTIONS COMPONENT...: makes apt-get use only this source.
configure() {
	local home=$1 type=$2 arch=$3 uri=$4 suite=$5 options=$6
	shift 6
	options=$([ "$options" = - ] || tr ',:' ' ,' <<<"$options")
	mkdir -p "$home/lists/partial" "$home/cache/archives/partial"
	echo "$type [arch=$arch $options] $uri $suite $*" >"$home/sources.list"
	: >"$home/status"
	cat >"$home/apt.conf" <<-END
		${own_apt_config:+#include $own_apt_config;}
		APT::Architecture "$arch";
		APT::Architectures { "$arch"; };
		APT::Sandbox::User "root";
		APT::Update::Error-Mode "any";
		Acquire::Languages "none";
		Acquire::Retries "3";
		Dir::Etc::SourceList "$home/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::State::Lists "$home/lists";
		Dir::State::status "$home/status";
		Dir::Cache "$home/cache";
	END
	export APT_CONFIG=$home/apt.conf
}

# has_base TYPE: succeeds if the archive is that of a distribution, which has base-files, not a
# third-party archive.
has_base() {
	if [ "$1" = deb-src ]; then
		[ -n "$(apt-cache showsrc base-files 2>/dev/null)" ]
	else
		[[ $(apt-cache policy base-files) == *"Candidate: "[0-9]* ]]
	fi
}

# use_archive TYPE ARCH [SUITE]: makes apt-get use one archive, of TYPE (deb or deb-src) for
# ARCH, with a SUITE of Debian, or by default with this machine's release.
use_archive() {
	local type=$1 arch=$2 suite=${3:-} home list uri its options said
	command -v apt-get >/dev/null || { echo "packages of Debian are fetched with apt-get, which is missing here" >&2; return 1; }
	mkdir -p "$cache/apt"
	home=$cache/apt/$type-${suite:-$(release)}-$arch
	list=$(archives "$suite") || return
	# shellcheck disable=SC2094
	while read -r uri its options; do
		[ -n "$uri" ] || continue
		# shellcheck disable=SC2046 # a list of words
		configure "$home" "$type" "$arch" "$uri" "$its" "$options" $(components "$suite")
		if said=$(apt-get -qq update 2>&1) && { [ -n "$suite" ] || has_base "$type"; }; then return; fi
		echo "$uri has no $type of $its for $arch that can be used: $(grep -m 1 ^E: <<<"$said" || echo "no package base-files there")" >&2
	done <<<"$list"
	echo "no mirror has ${suite:-$(release)} ($type, $arch)" >&2
	echo "hint: DEBIAN_MIRROR=URL names a mirror of Debian that has it; docs/install.md has other ways" >&2
	return 1
}

# source_of PACKAGE: prints the folder in the cache with the source package of this machine's
# release; downloads it if it is missing.
source_of() {
	local dir
	dir=$cache/source/$(release)/$1
	if ! compgen -G "$dir/*.dsc" >/dev/null; then
		fetch_source "$1" "$dir" || return
	fi
	echo "$dir"
}

fetch_source() (
	use_archive deb-src "$(native_arch)" || exit
	rm -rf "$2.part" && mkdir -p "$2.part" && cd "$2.part" || exit
	apt-get -qq source --download-only "$1" >&2 || exit
	rm -rf "$2" && mv "$2.part" "$2"
)

# mirror: prints "URI OPTIONS" of the first archive with this machine's release.
mirror() {
	local list uri options
	list=$(archives)
	read -r uri _ options <<<"$list"
	[ -n "$uri" ] || { echo "no mirror of $(release) in apt's sources: DEBIAN_MIRROR=URL names one" >&2; return 1; }
	echo "$uri $options"
}
