// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// hasProgram reports whether the plan has a program of the template.
func hasProgram(p *Plan, template string) bool {
	return slices.ContainsFunc(p.BPF.Programs, func(b bpf.Program) bool { return b.Template == template })
}

func TestReturnsUseTheBestWay(t *testing.T) {
	errNone := errors.New("no sessions here")
	for _, test := range []struct {
		backend   kernel.Backend
		forced    kernel.ReturnWay
		noSession error
		want      kernel.ReturnWay
		printed   string
	}{
		{kernel.KprobeMulti, "", nil, kernel.KprobeSession, "kprobe-session"},
		{kernel.KprobeMulti, "", errNone, kernel.KretprobeMulti, "kretprobe-multi (not kprobe-session: no sessions here)"},
		{kernel.KprobeMulti, kernel.KretprobeMulti, nil, kernel.KretprobeMulti, "kretprobe-multi"},
		{kernel.KprobeMulti, kernel.Kretprobe, nil, kernel.Kretprobe, "kretprobe"},
		{kernel.Kprobe, "", nil, kernel.Kretprobe, "kretprobe"},
	} {
		f := facts()
		f.NoSession, f.IsReturn = test.noSession, asm.Instructions{asm.Return()}
		p := mustPlan(t, Options{Backend: test.backend, ReturnsBy: test.forced, Record: Record{Return: true}}, f)
		session := test.want == kernel.KprobeSession
		if p.Returns != test.want || (len(p.ReturnGroups) == 0) != session || hasProgram(p, bpf.ReturnTemplate) == session {
			t.Errorf("%+v: returns by %q, programs %+v", test, p.Returns, p.BPF.Programs)
		}
		if c := p.BPF.Config; !c.Returns || c.NoSkbFuncs || c.Session != session || (p.BPF.Bodies.IsReturn != nil) != session || c.StackSize < 16<<10 {
			t.Errorf("%+v: settings %+v", test, c)
		}
		for _, b := range p.BPF.Programs {
			onFunctions := b.Tracepoint == nil
			var attachType ebpf.AttachType
			switch {
			case onFunctions && session:
				attachType = ebpf.AttachTraceKprobeSession
			case b.Template == bpf.ReturnTemplate && test.want == kernel.KretprobeMulti,
				onFunctions && b.Template != bpf.ReturnTemplate && test.backend == kernel.KprobeMulti:
				attachType = ebpf.AttachTraceKprobeMulti
			}
			if b.AttachType != attachType || b.Session != (session && onFunctions) {
				t.Errorf("%+v: program %+v", test, b)
			}
		}
		var text bytes.Buffer
		if err := p.Print(&text, false); err != nil || !strings.Contains(text.String(), "returns      "+test.printed+"\n") {
			t.Errorf("%+v: printed as %s", test, text.String())
		}
	}
}

func TestReturnsByAnUnsupportedWay(t *testing.T) {
	f := facts()
	f.NoSession = errors.New("no sessions here")
	for want, o := range map[string]Options{
		`backend "kprobe" can't trace returns by "kprobe-session"`:              {Backend: kernel.Kprobe, ReturnsBy: kernel.KprobeSession},
		`this kernel can't trace returns by "kprobe-session": no sessions here`: {Backend: kernel.KprobeMulti, ReturnsBy: kernel.KprobeSession},
	} {
		o.Record.Return = true
		if _, err := New(o, f); err == nil || err.Error() != want {
			t.Errorf("%+v: %v, want %s", o, err, want)
		}
	}
}

func TestWithoutReturnsNoCallsAreTracked(t *testing.T) {
	p := mustPlan(t, Options{}, facts())
	if c := p.BPF.Config; p.Returns != "" || c.Returns || c.NoSkbFuncs || c.StackSize != 0 {
		t.Errorf("returns by %q, settings %+v", p.Returns, c)
	}
}

func TestFunctionsNeedAFunctionBackend(t *testing.T) {
	none := facts()
	none.Support[kernel.KprobeMulti], none.Support[kernel.Kprobe] = errNoFprobe, errors.New("no kprobes")
	for name, test := range map[string]struct {
		options Options
		facts   *kernel.Facts
		text    string
		hint    string
	}{
		"returns":                {Options{Record: Record{Return: true}}, none, "returns of functions can't be traced with the tracepoint backend", "no kprobes"},
		"forced":                 {Options{Record: Record{Return: true}, Backend: kernel.TracepointBackend}, facts(), "returns of functions can't be traced with the tracepoint backend", "omit --backend tracepoint"},
		"functions without skbs": {Options{NoSkbFuncs: noSkbFuncs("fib_.*")}, none, "functions that take no skb can't be traced with the tracepoint backend", "`tracer doctor` says how to get a better backend; here not kprobe-multi: CONFIG_FPROBE is off"},
		"by stack":               {Options{Follow: Follow{ByStack: true}}, none, "packets created while handling one can't be followed with the tracepoint backend", "no kprobes"},
		"drops":                  {Options{Record: Record{Return: true}, Drop: Drop{Only: true}}, facts(), "with --drop or --filter-drop-reason, which trace only drops", ""},
	} {
		_, err := New(test.options, test.facts)
		var usage usageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), test.text) || !strings.Contains(usage.Hint(), test.hint) {
			t.Errorf("%s: %v, hint %q", name, err, usage.hint)
		}
	}
}

// noSkbFuncs compiles expressions for Options.NoSkbFuncs.
func noSkbFuncs(words ...string) []FuncPattern {
	list, err := CompileNoSkbFuncs(words)
	if err != nil {
		panic(err)
	}
	return list
}

// withNoSkbFuncs returns facts with functions that take no skb.
func withNoSkbFuncs() *kernel.Facts {
	f := facts()
	f.NoSkbFuncs = []kernel.Function{{Name: "fib_table_lookup", Addr: 0x400}, {Name: "fib_lookup", Addr: 0x500}}
	f.Skipped = []kernel.Skipped{{Name: "fib_inlined", Reason: "no symbol has this name"}}
	return f
}

func TestNoSkbFuncsAreTracedBesides(t *testing.T) {
	p := mustPlan(t, Options{Func: "icmp_rcv", FuncExclude: "fib_lookup", NoSkbFuncs: noSkbFuncs("fib_.*")}, withNoSkbFuncs())
	if diff := cmp.Diff([]string{"icmp_rcv", "fib_table_lookup"}, functionNames(p)); diff != "" {
		t.Error(diff)
	}
	if g := p.Groups[1]; g.Program != bpf.NoSkbTemplate || len(g.Functions) != 1 {
		t.Errorf("groups %+v", p.Groups)
	}
	if c := p.BPF.Config; c.Returns || !c.NoSkbFuncs || c.StackSize == 0 {
		t.Errorf("settings %+v", c)
	}
	if p.Notes != nil {
		t.Errorf("notes %v", p.Notes)
	}
}

func TestNoSkbFuncsThatTakeAnSkbAreNoted(t *testing.T) {
	for only, want := range map[string]string{
		"":         `--filter-non-skb-funcs "ip_rcv": ip_rcv takes an skb and is traced anyway`,
		"icmp_rcv": `--filter-non-skb-funcs "ip_rcv": ip_rcv takes an skb but --filter-func excludes it`,
	} {
		p := mustPlan(t, Options{Func: only, NoSkbFuncs: noSkbFuncs("ip_rcv", "fib_.*")}, withNoSkbFuncs())
		if diff := cmp.Diff([]string{want}, p.Notes); diff != "" {
			t.Error(diff)
		}
	}
}

func TestUnknownNoSkbFuncsAreNamed(t *testing.T) {
	for word, want := range map[string]string{
		"nothing":     `--filter-non-skb-funcs "nothing": no function with this name can be traced`,
		"fib_inlined": `--filter-non-skb-funcs "fib_inlined": fib_inlined can't be traced: no symbol has this name`,
	} {
		_, err := New(Options{NoSkbFuncs: noSkbFuncs("fib_.*", word)}, withNoSkbFuncs())
		var usage usageError
		if !errors.As(err, &usage) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", word, err)
		}
	}
}

// TestCompileNoSkbFuncs checks that expressions match whole names, presets are expanded, and the original text is kept.
func TestCompileNoSkbFuncs(t *testing.T) {
	list, err := CompileNoSkbFuncs([]string{"fib_.*", "@drop"})
	if err != nil {
		t.Fatal(err)
	}
	if list[0].Text != "fib_.*" || !list[0].MatchString("fib_lookup") || list[0].MatchString("my_fib_lookup") {
		t.Errorf("%s: %v", list[0].Text, list[0])
	}
	if list[1].Text != "@drop" || !list[1].MatchString("kfree_skb") {
		t.Errorf("%s: %v", list[1].Text, list[1])
	}
	_, err = CompileNoSkbFuncs([]string{"fib_.*", "fib_("})
	var usage usageError
	if want := `--filter-non-skb-funcs "fib_(":`; !errors.As(err, &usage) || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
}
