#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# install.sh TRACER PREFIX: copies the binary TRACER, its manual page and its completion
# scripts to folders in PREFIX. install.sh --remove PREFIX: removes them.
set -euo pipefail
cd "$(dirname "$0")/../.."

prefix=$2
places='tracer                 bin/tracer                                     755
tracer.8.gz            share/man/man8/tracer.8.gz                     644
completions/tracer.bash share/bash-completion/completions/tracer      644
completions/_tracer     share/zsh/site-functions/_tracer              644
completions/tracer.fish share/fish/vendor_completions.d/tracer.fish   644'

install_all() {
	local file place mode
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	contrib/packaging/docs.sh "$1" "$work"
	cp "$1" "$work/tracer"
	while read -r file place mode; do
		install -D -m "$mode" "$work/$file" "$prefix/$place"
	done <<<"$places"
}

remove_all() {
	local file place mode
	while read -r file place mode; do
		rm -f "$prefix/$place"
	done <<<"$places"
}

if [ "$1" = --remove ]; then remove_all; else install_all "$(realpath "$1")"; fi
