# SPDX-License-Identifier: Apache-2.0
#
# Completion of tracer for fish. tracer itself provides the candidates.

function __tracer_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct | string unescape)
    set -l found ($words[1] complete -- $words[2..] "$word" 2>/dev/null)
    if not string match -q \t'*' -- $found[1]
        printf '%s\n' $found
        return
    end
    # A line with nothing before the tab asks for files.
    set -l head (string match -r '^--[^=]*=' -- $word)
    for path in (__fish_complete_path (string replace -r '^--[^=]*=' '' -- $word))
        echo "$head$path"
    end
end

complete -c tracer -f -a '(__tracer_complete)'
