#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# docs.sh TRACER DIR: writes the compressed manual page and the completion scripts to DIR. TRACER, which
# must run on this machine, prints them.
set -euo pipefail

tracer=$1 dir=$2

# print FILE ARGUMENT...: writes the output of TRACER to FILE, and fails if it is empty.
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
