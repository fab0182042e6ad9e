// SPDX-License-Identifier: Apache-2.0

package column

import "tracer/internal/event"

func programColumns() []Column {
	return []Column{
		{
			Name: "program", Key: "program", Type: Object,
			Help:  "BPF program: id, name, tag, type, tail_called, or null",
			Group: Program, JSON: program,
		},
		{
			Name: "verdict", Key: "verdict", Type: Object,
			Help:  "verdict of the BPF program: value and name; null at its entry",
			Group: Program, JSON: verdict,
		},
	}
}

func isProgram(e *event.Event) bool { return e.Kind == event.Program || e.Kind == event.Verdict }

var unknownProgram event.BPF

// programOf returns the BPF program of the event.
func programOf(e *event.Event) *event.BPF {
	if e.BPF == nil {
		return &unknownProgram
	}
	return e.BPF
}

// appendKind appends text like `[bpf](tc)` for a BPF program.
func appendKind(dst []byte, e *event.Event) []byte {
	if !isProgram(e) {
		return dst
	}
	dst = append(dst, "[bpf]"...)
	if kind := programOf(e).Kind; kind != "" {
		dst = append(append(append(dst, '('), kind...), ')')
	}
	if e.TailCalled {
		return append(dst, ",tail-called"...)
	}
	return dst
}

func program(dst []byte, e *event.Event) []byte {
	if !isProgram(e) {
		return appendNull(dst)
	}
	b := programOf(e)
	dst = appendUint(append(dst, `{"id":`...), uint64(b.ID))
	dst = appendStringOrNull(append(dst, `,"name":`...), b.Name)
	dst = appendStringOrNull(append(dst, `,"tag":`...), b.Tag)
	dst = appendStringOrNull(append(dst, `,"type":`...), b.Type)
	return append(appendBool(append(dst, `,"tail_called":`...), e.TailCalled), '}')
}

func verdict(dst []byte, e *event.Event) []byte {
	if e.Kind != event.Verdict {
		return appendNull(dst)
	}
	return appendResultObject(dst, &e.Names.Result)
}
