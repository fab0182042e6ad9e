// SPDX-License-Identifier: Apache-2.0

package column

import (
	"cmp"
	"unicode/utf8"

	"tracer/internal/event"
	"tracer/internal/printable"
)

// DefaultNetnsNameMost is the default maximum length of a namespace's name in text.
const DefaultNetnsNameMost = 16

const netnsNameHeader = "NETNS-NAME"

func netnsNameColumns(o Options) []Column {
	most := netnsNameMost(cmp.Or(o.NetnsNameMost, DefaultNetnsNameMost))
	width := max(int(most), len(netnsNameHeader))
	return []Column{{
		Name: "netns_name", Header: netnsNameHeader, Key: "netns_name", Type: String, Width: width,
		Screen: Screen{Cut: cutStart, Steps: asked(len(netnsNameHeader), width).Steps},
		Help:   "name of the network namespace (--output-netns-names)",
		Group:  NetnsName, Text: most.text, JSON: netnsNameJSON,
	}}
}

// netnsNameMost is the maximum number of characters of a name in text.
type netnsNameMost int

// text appends the name, or - for none. A long name is cut at its beginning and starts with ~, since
// generated names differ at the end.
func (most netnsNameMost) text(dst []byte, e *event.Event) []byte {
	name := e.Names.Netns
	if name == "" {
		return append(dst, '-')
	}
	if over := utf8.RuneCountInString(name) - int(most); over > 0 {
		dst, name = append(dst, '~'), withoutFirst(name, over+1)
	}
	return printable.AppendWord(dst, name)
}

// withoutFirst returns s without its first n characters.
func withoutFirst(s string, n int) string {
	for ; n > 0; n-- {
		_, size := utf8.DecodeRuneInString(s)
		s = s[size:]
	}
	return s
}

func netnsNameJSON(dst []byte, e *event.Event) []byte {
	return appendStringOrNull(dst, e.Names.Netns)
}
