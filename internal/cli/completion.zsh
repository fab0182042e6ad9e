#compdef tracer
# SPDX-License-Identifier: Apache-2.0
#
# Completion of tracer for zsh. tracer itself provides the candidates.

_tracer() {
	local program=${(Q)words[1]} word=${(Q)PREFIX} head="" line text help
	local -a found closed open
	[[ $program == \~/* ]] && program=$HOME/${program#\~/}
	found=("${(@f)$(_call_program tracer ${(q)program} complete -- "${(@q)${(@Q)words[2,CURRENT-1]}}" ${(q)word} 2>/dev/null)}")
	if [[ $word == --*=* ]]; then
		head="${word%%=*}="
		compset -P "${(b)head}"
	fi
	for line in $found; do
		text=${${line%%$'\t'*}#"$head"} help=${line#*$'\t'}
		text=${text//:/\\:}${help:+:$help}
		case $line in
		$'\t'*) _files; return ;;
		*[:/]$'\t'*) open+=("$text") ;;
		*) closed+=("$text") ;;
		esac
	done
	_describe tracer closed -- open -S ''
}

if [[ $funcstack[1] == _tracer ]]; then
	_tracer "$@"
else
	compdef _tracer tracer
fi
