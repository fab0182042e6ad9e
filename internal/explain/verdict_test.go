// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"testing"

	"tracer/internal/event"
)

// TestVerdictOnAFrame checks that a verdict is a drop if the packet ends by it without one, and the family is asked for.
func TestVerdictOnAFrame(t *testing.T) {
	for name, test := range map[string]struct {
		family string
		silent bool
		value  uint64
		ifname string
		want   string
	}{
		"drop":            {"bpf", true, 0xffff00000001, "eth0", "XDP_DROP by the XDP program 7 firewall on eth0, before the packet has an sk_buff"},
		"no device":       {"bpf", true, 1, "", "XDP_DROP by the XDP program 7 firewall, before the packet has an sk_buff"},
		"with an sk_buff": {"bpf", false, 1, "eth0", ""},
		"another family":  {"route", true, 1, "eth0", ""},
		"redirect":        {"bpf", true, 22<<32 | 4, "eth0", "the redirect by the XDP program 7 firewall on eth0 fails: EINVAL"},
	} {
		s, err := NewStage(Layout{Families: []string{test.family}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		e := &event.Event{Kind: event.Verdict, BPF: &event.BPF{ID: 7, Name: "firewall"}, Return: event.Returned{Value: test.value}}
		e.Raw.Silent = test.silent
		copy(e.Meta.Ifname[:], test.ifname)
		s.Explain(e)
		switch {
		case test.want == "" && e.Why != nil:
			t.Errorf("%s: cause %+v", name, e.Why)
		case test.want != "" && (e.Why == nil || e.Why.Text != test.want || !e.IsDrop()):
			t.Errorf("%s: %+v, want %q", name, e.Why, test.want)
		}
	}
}
