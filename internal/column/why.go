// SPDX-License-Identifier: Apache-2.0

package column

import (
	"cmp"

	"tracer/internal/event"
)

func whyColumns() []Column {
	return []Column{{
		Name: "why", Key: "why", Type: Object, Block: true,
		Help:  "cause of a drop and what to do, below the row (--drop, --output-why)",
		Group: Why, Text: whyText, JSON: whyJSON,
	}}
}

// whyText appends a line like `    why: no route to 10.9.0.2`, and one like `    fix: ip route get 10.9.0.2` if there is a
// remedy.
func whyText(dst []byte, e *event.Event) []byte {
	w := e.Why
	if w == nil {
		return dst
	}
	dst = appendWhyLine(dst, "why: ", cmp.Or(causeText(w.Cause, w.Text), w.Cause))
	if w.Remedy != "" {
		dst = appendWhyLine(dst, "fix: ", w.Remedy)
	}
	return dst
}

func appendWhyLine(dst []byte, title, text string) []byte {
	return append(appendEscaped(append(append(dst, indent...), title...), text), '\n')
}

// causeText returns the text, or nothing if the cause is unknown.
func causeText(cause, text string) string {
	if cause == event.UnknownCause {
		return ""
	}
	return text
}

func whyJSON(dst []byte, e *event.Event) []byte {
	w := e.Why
	if w == nil {
		return appendNull(dst)
	}
	dst = appendJSONString(append(dst, `{"cause":`...), w.Cause)
	dst = appendStringOrNull(appendKey(dst, "text"), causeText(w.Cause, w.Text))
	dst = appendFactObject(appendKey(dst, "values"), w.Values)
	dst = appendStringOrNull(appendKey(dst, "remedy"), w.Remedy)
	dst = appendStrings(appendKey(dst, "evidence"), w.Evidence)
	dst = appendBool(appendKey(dst, "kernel_drop"), !w.Silent)
	return append(dst, '}')
}

func appendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendJSONString(dst, s)
	}
	return append(dst, ']')
}
