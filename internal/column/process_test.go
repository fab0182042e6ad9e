// SPDX-License-Identifier: Apache-2.0

package column

import (
	"testing"

	"tracer/internal/event"
)

func TestProcess(t *testing.T) {
	e := event.Event{Process: event.Process{PID: 42, TID: 43, Comm: [16]byte{'p', 'i', 'n', 'g', 0, 'x'}}}
	checkCell(t, "process", e, "ping:42", `"ping:42"`)
	checkCell(t, "pid", e, "", "42")
	checkCell(t, "tid", e, "", "43")
	checkCell(t, "comm", e, "", `"ping"`)
}

func TestCommIsEscaped(t *testing.T) {
	e := event.Event{Process: event.Process{PID: 1, Comm: [16]byte{'a', '\n', '"', 0xff}}}
	checkCell(t, "process", e, `a\x0a"\xff:1`, `"a\u000a\"`+"\ufffd"+`:1"`)
}
