#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Sourced, not run. Debian's archive for what the machines of the tests need.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/tracer
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# configure SUITE ARCH: writes apt's configuration and prints its path.
configure() {
	local dir=$cache/apt/$1-$2
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	echo "deb [arch=$2 signed-by=$keyring] $(mirror) $1 main" >"$dir/sources.list"
	: >"$dir/status"
	cat >"$dir/apt.conf" <<-END
		APT::Architecture "$2";
		APT::Architectures { "$2"; };
		APT::Sandbox::User "root";
		Dir::Etc::SourceList "$dir/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::State::Lists "$dir/lists";
		Dir::State::status "$dir/status";
		Dir::Cache "$dir/cache";
		Acquire::Languages "none";
		Acquire::Retries "3";
	END
	echo "$dir/apt.conf"
}

# mirror: the one that this system's apt uses for Debian.
mirror() {
	# shellcheck disable=SC2016 # apt expands it
	(unset APT_CONFIG; apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages') |
		awk '/\/debian\/*$/ && !n++'
}
