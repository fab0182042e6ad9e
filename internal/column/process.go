// SPDX-License-Identifier: Apache-2.0

package column

import "tracer/internal/event"

func processColumns() []Column {
	return []Column{
		{
			// Width of 15 bytes of name, the colon, and the 7 digits of the largest pid_max.
			Name: "process", Header: "PROCESS", Key: "process", Type: String, Width: 23,
			Screen: Screen{Cut: cutName, Steps: []Step{{24, 12}, {40, 16}, {54, 23}}},
			Help:   "name and id of the process on the CPU, as comm:pid",
			Of:     OfProcess, Group: Packet, Text: processText, JSON: processJSON,
		},
		{
			Name: "pid", Key: "pid", Type: Number, Help: "process id (tgid)",
			Of: OfProcess, Group: Packet, JSON: pid,
		},
		{
			Name: "tid", Key: "tid", Type: Number, Help: "thread id",
			Of: OfProcess, Group: Packet, JSON: tid,
		},
		{
			Name: "comm", Key: "comm", Type: String, Help: "name of the thread, at most 15 bytes",
			Of: OfProcess, Group: Packet, JSON: comm,
		},
	}
}

func processText(dst []byte, e *event.Event) []byte {
	dst = appendEscaped(dst, string(event.CString(e.Process.Comm[:])))
	dst = append(dst, ':')
	return pid(dst, e)
}

func processJSON(dst []byte, e *event.Event) []byte {
	dst = append(dst, '"')
	dst = appendJSONEscaped(dst, string(event.CString(e.Process.Comm[:])))
	dst = append(dst, ':')
	dst = pid(dst, e)
	return append(dst, '"')
}

func pid(dst []byte, e *event.Event) []byte { return appendUint(dst, uint64(e.Process.PID)) }

func tid(dst []byte, e *event.Event) []byte { return appendUint(dst, uint64(e.Process.TID)) }

func comm(dst []byte, e *event.Event) []byte {
	return appendJSONString(dst, string(event.CString(e.Process.Comm[:])))
}
