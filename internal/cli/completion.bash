# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Completion of tracer for bash. tracer itself provides the candidates.

# _tracer_words sets words to those of the command line up to the cursor, without quotes.
# Bash also breaks words at = and :, so pieces without a space between them are joined.
_tracer_words() {
	local line=${COMP_LINE:0:COMP_POINT} piece
	words=()
	for piece in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
		if [[ ${#words[@]} == 0 || $line == [[:space:]]* ]]; then
			words+=("")
			line=${line#"${line%%[![:space:]]*}"}
		fi
		piece=${piece:0:${#line}}
		line=${line:${#piece}}
		words[${#words[@]} - 1]+=${piece//[\'\"\\]/}
	done
}

# _tracer_offer adds to COMPREPLY the replacements for $1, the end of the last word. Within
# quotes words are not escaped.
_tracer_offer() {
	local typed=${1//[\'\"\\]/} text
	local kept=${words[${#words[@]} - 1]}
	kept=${kept%"$typed"}
	while IFS=$'\t' read -r text; do
		text=${text%%$'\t'*}
		text=${text#"$kept"}
		[[ $quote ]] || printf -v text %q "$text"
		COMPREPLY+=("${text//\\,/,}")
	done
}

_tracer() {
	local words found quote="" program=$1
	_tracer_words
	# A quote that is open at the cursor.
	[[ ${COMP_WORDS[COMP_CWORD]} == [\'\"]* ]] && quote=1
	[[ $program == \~/* ]] && program=$HOME/${program#\~/}
	found=$("$program" complete -- "${words[@]:1}" 2>/dev/null)
	COMPREPLY=()
	case $found in
	"") return ;;
	$'\t'*) compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
	*) _tracer_offer "$2" <<<"$found" ;;
	esac
	# No space after a word that is to be continued.
	[[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[:/] ]] && compopt -o nospace 2>/dev/null
	return 0
}

complete -F _tracer tracer
