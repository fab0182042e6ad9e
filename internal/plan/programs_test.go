// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"tracer/internal/bpf"
)

func TestProgramsAreTracedBesidesFunctions(t *testing.T) {
	p := mustPlan(t, Options{Programs: Programs{Kinds: []string{"tc", "netfilter", "tc"}}}, facts())
	if len(p.Programs) != 2 || p.Programs[0].Name != "tc" || !p.BPF.Config.Programs || len(p.Functions) == 0 {
		t.Errorf("programs %+v, config %v, %d functions", p.Programs, p.BPF.Config.Programs, len(p.Functions))
	}
	if want := []string{bpf.VerdictProgram, bpf.HoldersProgram, bpf.SkbProgram, bpf.SkbTail, bpf.HookProgram, bpf.HookTail}; !slices.Equal(p.BPF.Tracers, want) {
		t.Errorf("traced by %v, want %v", p.BPF.Tracers, want)
	}
	var text bytes.Buffer
	if err := p.Print(&text, false); err != nil || !strings.Contains(text.String(), "BPF programs tc netfilter\n") {
		t.Errorf("printed as %s", text.String())
	}
}

func TestProgramsOnly(t *testing.T) {
	p := mustPlan(t, Options{Programs: Programs{Kinds: []string{"tc"}, Only: true}}, facts())
	if len(p.Functions)+len(p.Tracepoints)+len(p.BPF.Programs) != 0 {
		t.Errorf("%d functions, %d tracepoints and %d programs besides", len(p.Functions), len(p.Tracepoints), len(p.BPF.Programs))
	}
}

// TestProgramsOnlyAndFollowed checks that only the functions and tracepoints for following packets are
// planned.
func TestProgramsOnlyAndFollowed(t *testing.T) {
	o := Options{Programs: Programs{Kinds: []string{"tc"}, Only: true}, Follow: Follow{Matched: true}}
	f := facts()
	f.FuncRanges = funcRanges("skb_copy_header", "skb_free_head")
	p := mustPlan(t, o, f)
	if len(p.Functions)+len(p.Tracepoints) != 0 || p.Probes() == 0 || len(p.Silent) == 0 {
		t.Errorf("%d functions, %d tracepoints; to follow, %d and %d", len(p.Functions), len(p.Tracepoints), p.Probes(), len(p.Silent))
	}
}

func TestProgramsAreOffByDefault(t *testing.T) {
	p := mustPlan(t, Options{}, facts())
	if p.BPF.Config.Programs || len(p.Programs)+len(p.BPF.Tracers) != 0 {
		t.Errorf("programs %v, traced by %v", p.Programs, p.BPF.Tracers)
	}
}

func TestProgramsThatCannotBeTraced(t *testing.T) {
	why := errors.New("no trampolines")
	f := facts()
	f.Untraceable = why
	if _, err := New(Options{Programs: Programs{Kinds: []string{"tc"}}}, f); !errors.Is(err, why) {
		t.Errorf("error %v", err)
	}
	if _, err := New(Options{}, f); err != nil {
		t.Errorf("without programs: %v", err)
	}
	if _, err := New(Options{Programs: Programs{Kinds: []string{"tx"}}}, facts()); err == nil || !strings.Contains(err.Error(), `"tx"`) {
		t.Errorf("unknown kind: error %v", err)
	}
}

// TestXDPSettingsNeedXDPPrograms checks that the setting for XDP is on only if XDP programs are traced.
func TestXDPSettingsNeedXDPPrograms(t *testing.T) {
	for kind, tracer := range map[string]string{"xdp": bpf.FrameProgram, "tc": bpf.SkbProgram} {
		o := Options{Programs: Programs{Kinds: []string{kind}}, Types: xdpTypes{}, XDPExpr: "xdp->data != 0"}
		o.Record.XDPValues = []string{"xdp->data", "xdp->data_end"}
		p := mustPlan(t, o, facts())
		if got := p.BPF.Config.Xdp; got != (kind == "xdp") || !slices.Contains(p.BPF.Tracers, tracer) {
			t.Errorf("%s: XDP %v, traced by %v", kind, got, p.BPF.Tracers)
		}
		if c := p.BPF.Config; !c.FilterXdpExpression || c.XdpValuesSize != 24 || c.FilterExpression || c.ValuesSize != 0 {
			t.Errorf("%s: config %+v", kind, c)
		}
	}
}

func TestBadXDPExpressions(t *testing.T) {
	for _, o := range []Options{{XDPExpr: "xdp->nope"}, {Record: Record{XDPValues: []string{"xdp->nope"}}}} {
		o.Types = xdpTypes{}
		if _, err := New(o, facts()); err == nil || !strings.Contains(err.Error(), `"xdp->nope": struct xdp_buff has no member "nope"`) {
			t.Errorf("error %v", err)
		}
	}
}
