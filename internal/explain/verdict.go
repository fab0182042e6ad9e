// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"encoding/binary"

	"tracer/internal/event"
	"tracer/internal/lookup"
)

// Decisions about a frame that has no sk_buff: by the XDP program itself, and a redirection that failed. The event of the
// verdict has the values.
const (
	xdpProgram  = "xdp_program"
	xdpRedirect = "xdp_redirect"
)

// redirected is the verdict XDP_REDIRECT. The error of the redirection is in the upper half of the return value.
const redirected = 4

// verdictDecision returns the decision whose values the event of a verdict has; nil if it is not looked for.
func (s *Stage) verdictDecision(e *event.Event) *Decision {
	if uint32(e.Return.Value) == redirected {
		return s.table.Decision(xdpRedirect)
	}
	return s.table.Decision(xdpProgram)
}

// explainVerdict explains the end of a frame by the verdict of a program.
func (s *Stage) explainVerdict(e *event.Event) {
	d := s.verdictDecision(e)
	if d == nil || !e.Raw.Silent || e.BPF == nil {
		return
	}
	clear(s.drop.BySite)
	s.drop = Drop{Silent: d.Name, Values: verdictValues(d, e), BySite: s.drop.BySite}
	s.why = event.Why{Evidence: s.why.Evidence[:0], Values: s.why.Values[:0], Pieces: s.why.Pieces[:0], Silent: true}
	s.answer(s.table.Explain(&s.drop), e)
	e.Why = &s.why
}

// verdictValues returns the values of the decision d.
func verdictValues(d *Decision, e *event.Event) Values {
	values := Values{}
	for i := range d.Reads {
		r := &d.Reads[i]
		if raw := verdictValue(r.Key, e); raw != nil {
			values[d.Name+"."+r.Key] = r.Value([]lookup.Value{raw})
		}
	}
	return values
}

// verdictValue returns the bytes of a value, or nil if it is unknown.
func verdictValue(key string, e *event.Event) lookup.Value {
	switch {
	case key == "verdict":
		return binary.NativeEndian.AppendUint64(nil, uint64(uint32(e.Return.Value)))
	case key == "error":
		return binary.NativeEndian.AppendUint64(nil, e.Return.Value>>32)
	case key == "program":
		return binary.NativeEndian.AppendUint64(nil, uint64(e.BPF.ID))
	case key == "name":
		return append([]byte(e.BPF.Name), 0)
	case key == "dev" && e.Meta.Ifname[0] != 0:
		return e.Meta.Ifname[:]
	}
	return nil
}
