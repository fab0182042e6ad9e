// SPDX-License-Identifier: Apache-2.0

package column

import (
	"bytes"

	"tracer/internal/event"
)

func lookupColumns() []Column {
	return []Column{{
		Name: "lookup", Header: "LOOKUP", Key: "lookup", Type: Object, Width: 40, Screen: asked(24, 40),
		Help:  "what the function looked up and found (--output-lookups)",
		Group: Lookups, Text: lookupText, JSON: lookupJSON,
	}}
}

// lookupText appends one word like route:dst=10.9.0.2,table=main->type=unicast,dev=va. If nothing
// was found, none or an error follows the arrow. A value that could not be read is a ?.
func lookupText(dst []byte, e *event.Event) []byte {
	l := e.Lookup
	if l == nil || l.Kind == "" {
		return append(dst, '-')
	}
	dst = append(dst, l.Kind...)
	dst = appendFacts(dst, ':', l.Asked)
	dst = append(dst, "->"...)
	switch {
	case l.Unknown:
		return append(dst, '?')
	case l.Error != "":
		return append(dst, l.Error...)
	case l.Missing:
		return append(dst, "none"...)
	}
	return appendFacts(dst, 0, l.Found)
}

// appendFacts appends facts separated by commas; first comes before the first of them, unless it is
// 0. It omits zeros of facts that are usually zero.
func appendFacts(dst []byte, first byte, facts []event.Fact) []byte {
	for i := range facts {
		f := &facts[i]
		if f.Usual && f.Number == 0 {
			continue
		}
		if first != 0 {
			dst = append(dst, first)
		}
		first = ','
		dst = append(append(dst, f.Key...), '=')
		if f.Kind == event.Unread {
			dst = append(dst, '?')
		} else {
			dst = appendEscaped(dst, string(f.Text))
		}
	}
	return dst
}

func lookupJSON(dst []byte, e *event.Event) []byte {
	l := e.Lookup
	if l == nil || l.Kind == "" {
		return appendNull(dst)
	}
	dst = appendJSONString(append(dst, `{"kind":`...), l.Kind)
	dst = appendFactObject(appendKey(dst, "asked"), l.Asked)
	dst = appendStringOrNull(appendKey(dst, "error"), l.Error)
	dst = appendKey(dst, "found")
	if l.Unknown || l.Missing {
		dst = appendNull(dst)
	} else {
		dst = appendFactObject(dst, l.Found)
	}
	dst = appendBool(appendKey(dst, "unread"), l.Unknown)
	return append(dst, '}')
}

func appendFactObject(dst []byte, facts []event.Fact) []byte {
	dst = append(dst, '{')
	for i := range facts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendJSONString(dst, facts[i].Key), ':')
		dst = appendFactValue(dst, &facts[i])
	}
	return append(dst, '}')
}

func appendFactValue(dst []byte, f *event.Fact) []byte {
	switch f.Kind {
	case event.NumberFact:
		return appendUint(dst, f.Number)
	case event.WordFact:
		return appendJSONString(dst, string(f.Text))
	case event.WordsFact:
		dst = append(dst, '[')
		for i, word := range bytes.Split(f.Text, []byte{'|'}) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSONString(dst, string(word))
		}
		return append(dst, ']')
	}
	return appendNull(dst)
}
