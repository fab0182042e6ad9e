// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"testing"

	"github.com/cilium/ebpf"
)

// TestTracersAreWhatTheirSectionsSay, whatever else copies of programs are made to be.
func TestTracersAreWhatTheirSectionsSay(t *testing.T) {
	_, tracers, err := Collection(Spec{RingSize: 1 << 16, Config: Config{Programs: true}, Tracers: tracerTemplates})
	if err != nil {
		t.Fatal(err)
	}
	for template, want := range map[string]ebpf.AttachType{
		SkbProgram:     ebpf.AttachTraceFEntry,
		HookProgram:    ebpf.AttachTraceFEntry,
		VerdictProgram: ebpf.AttachTraceFExit,
	} {
		if p, err := tracers.For(template, Traced{ID: 7}); err != nil || p.AttachType != want {
			t.Errorf("%s: %v, error %v, want %v", template, p.AttachType, err, want)
		}
	}
}
