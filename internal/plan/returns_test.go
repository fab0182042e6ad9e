// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

func TestReturnsFollowTheBackend(t *testing.T) {
	for backend, want := range map[kernel.Backend]kernel.ReturnWay{
		kernel.KprobeMulti: kernel.KretprobeMulti,
		kernel.Kprobe:      kernel.Kretprobe,
	} {
		p := mustPlan(t, Options{Backend: backend, Record: Record{Return: true}}, facts())
		i := slices.IndexFunc(p.BPF.Programs, func(b bpf.Program) bool { return b.Template == bpf.ReturnTemplate })
		if p.Returns != want || i < 0 || p.BPF.Programs[i].Multi != (backend == kernel.KprobeMulti) {
			t.Errorf("%s: returns by %q, programs %+v", backend, p.Returns, p.BPF.Programs)
		}
		if c := p.BPF.Config; !c.Returns || c.Others || c.StackSize < 16<<10 {
			t.Errorf("%s: settings %+v", backend, c)
		}
		var text bytes.Buffer
		if err := p.Print(&text, false); err != nil || !strings.Contains(text.String(), "returns      "+string(want)+"\n") {
			t.Errorf("%s: printed as %s", backend, text.String())
		}
	}
}

func TestWithoutReturnsNothingIsKept(t *testing.T) {
	p := mustPlan(t, Options{}, facts())
	if c := p.BPF.Config; p.Returns != "" || c.Returns || c.Others || c.StackSize != 0 {
		t.Errorf("returns by %q, settings %+v", p.Returns, c)
	}
}

func TestFunctionsAreNotSeenByTracepoints(t *testing.T) {
	none := facts()
	none.Support[kernel.KprobeMulti], none.Support[kernel.Kprobe] = errNoFprobe, errors.New("no kprobes")
	for name, test := range map[string]struct {
		options Options
		facts   *kernel.Facts
		text    string
		hint    string
	}{
		"returns":                {Options{Record: Record{Return: true}}, none, "returns of functions can't be traced with the tracepoint backend", "no kprobes"},
		"forced":                 {Options{Record: Record{Return: true}, Backend: kernel.TracepointBackend}, facts(), "returns of functions can't be traced with the tracepoint backend", ""},
		"functions without skbs": {Options{Others: []string{"fib_.*"}}, none, "functions that take no skb can't be traced with the tracepoint backend", "CONFIG_FPROBE is off"},
		"drops":                  {Options{Record: Record{Return: true}, Drop: Drop{Only: true}}, facts(), "where only drops are asked for", ""},
	} {
		_, err := New(test.options, test.facts)
		var usage usageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), test.text) || !strings.Contains(usage.Hint(), test.hint) {
			t.Errorf("%s: %v, hint %q", name, err, usage.hint)
		}
	}
}

// withOthers has functions without an skb.
func withOthers() *kernel.Facts {
	f := facts()
	f.Others = []kernel.Function{{Name: "fib_table_lookup", Addr: 0x400}, {Name: "fib_lookup", Addr: 0x500}}
	f.Skipped = []kernel.Skipped{{Name: "fib_inlined", Reason: "no symbol has this name"}}
	return f
}

func TestOthersAreTracedBesides(t *testing.T) {
	p := mustPlan(t, Options{Func: "icmp_rcv", FuncExclude: "fib_lookup", Others: []string{"fib_.*"}}, withOthers())
	if diff := cmp.Diff([]string{"icmp_rcv", "fib_table_lookup"}, functionNames(p)); diff != "" {
		t.Error(diff)
	}
	if g := p.Groups[1]; g.Program != bpf.KprobeTemplate(0) || len(g.Functions) != 1 {
		t.Errorf("groups %+v", p.Groups)
	}
	if c := p.BPF.Config; c.Returns || !c.Others || c.StackSize == 0 {
		t.Errorf("settings %+v", c)
	}
	if p.Notes != nil {
		t.Errorf("notes %v", p.Notes)
	}
}

func TestOthersThatTakeAnSkbAreNoted(t *testing.T) {
	for only, want := range map[string]string{
		"":         `--filter-non-skb-funcs "ip_rcv": ip_rcv takes an skb, it is traced anyway`,
		"icmp_rcv": `--filter-non-skb-funcs "ip_rcv": ip_rcv takes an skb, but --filter-func leaves it out`,
	} {
		p := mustPlan(t, Options{Func: only, Others: []string{"ip_rcv", "fib_.*"}}, withOthers())
		if diff := cmp.Diff([]string{want}, p.Notes); diff != "" {
			t.Error(diff)
		}
	}
}

func TestOthersThatAreNotThereAreNamed(t *testing.T) {
	for word, want := range map[string]string{
		"nothing":     `--filter-non-skb-funcs "nothing": no function of this name can be traced`,
		"fib_inlined": `--filter-non-skb-funcs "fib_inlined": fib_inlined can't be traced: no symbol has this name`,
		"fib_(":       `--filter-non-skb-funcs "fib_(":`,
	} {
		_, err := New(Options{Others: []string{"fib_.*", word}}, withOthers())
		var usage usageError
		if !errors.As(err, &usage) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", word, err)
		}
	}
}
