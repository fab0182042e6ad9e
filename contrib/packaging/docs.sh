#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# docs.sh TRACER DIR: puts the manual page, compressed, and the completion scripts into
# DIR, as TRACER, which runs on this machine, prints them.
set -euo pipefail

tracer=$1 dir=$2

# print FILE ARGUMENT...: what TRACER prints is never nothing.
print() {
	local file=$dir/$1
	shift
	"$tracer" "$@" >"$file"
	[ -s "$file" ] || { echo "$tracer $*: printed nothing" >&2; return 1; }
}

mkdir -p "$dir/completions"
print tracer.8 man
print completions/tracer.bash completion bash
print completions/_tracer completion zsh
print completions/tracer.fish completion fish
gzip --no-name --best --force "$dir/tracer.8"
