// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"cmp"
	"io"
	"slices"
)

// span is a range of addresses, end excluded.
type span struct{ start, end uint64 }

// section is code between two symbols of the linker script that kprobes refuse, or that was freed after boot.
type section struct{ start, end, why string }

// untraceable are these sections. kernel/kprobes.c and arch_populate_kprobe_blacklist refuse the text of
// entry, noinstr, kprobes and cpuidle; init text is freed.
var untraceable = []section{
	{"_sinittext", "_einittext", "it was freed after boot"},
	{"__noinstr_text_start", "__noinstr_text_end", "it is noinstr code"},
	{"__kprobes_text_start", "__kprobes_text_end", "it is part of kprobes"},
	{"__entry_text_start", "__entry_text_end", "it is entry code"},
	{"__cpuidle_text_start", "__cpuidle_text_end", "it is idle code"},
}

// marks are the symbols that delimit untraceable sections, and those of variables.
var marks = func() map[string]bool {
	names := map[string]bool{}
	for _, s := range untraceable {
		names[s.start], names[s.end] = true, true
	}
	for _, name := range variables {
		names[name] = true
	}
	return names
}()

// markBytes are the first bytes of marks.
var markBytes = func() (first [256]bool) {
	for name := range marks {
		first[name[0]] = true
	}
	return first
}()

// isMark reports whether name is one of marks. It is called for every symbol, so it first checks the first
// byte.
func isMark(name []byte) bool { return len(name) > 0 && markBytes[name[0]] && marks[string(name)] }

// refused returns why code at addr can't be traced; empty if no reason is known.
func (s *Symbols) refused(addr uint64) string {
	for _, sec := range untraceable {
		if addr >= s.marks[sec.start] && addr < s.marks[sec.end] {
			return sec.why
		}
	}
	return ""
}

// blacklist is kprobes/blacklist of debugfs, sorted.
type blacklist []span

// parseBlacklist reads lines of `0xSTART-0xEND<tab>NAME`.
func parseBlacklist(r io.Reader) (blacklist, error) {
	var out blacklist
	err := lines(r, func(b []byte) {
		start, rest := hexadecimal(bytes.TrimPrefix(b, []byte("0x")))
		end, _ := hexadecimal(bytes.TrimPrefix(rest, []byte("-0x")))
		if end > start {
			out = append(out, span{start, end})
		}
	})
	slices.SortFunc(out, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	return out, err
}

func (b blacklist) contains(addr uint64) bool {
	return slices.ContainsFunc(b, func(s span) bool { return addr >= s.start && addr < s.end })
}
