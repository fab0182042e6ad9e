// SPDX-License-Identifier: Apache-2.0

package column

import "tracer/internal/event"

func callerColumns() []Column {
	return []Column{{
		Name: "caller", Header: "CALLER", Key: "caller", Type: String, Width: 32, Screen: asked(20, 32),
		Help:  "caller of FUNC, or code at the tracepoint (--output-caller)",
		Group: Caller, Text: callerText, JSON: callerJSON,
	}}
}

func callerText(dst []byte, e *event.Event) []byte {
	if e.Names.Caller == "" {
		return append(dst, '-')
	}
	return append(dst, e.Names.Caller...)
}

func callerJSON(dst []byte, e *event.Event) []byte { return appendStringOrNull(dst, e.Names.Caller) }
