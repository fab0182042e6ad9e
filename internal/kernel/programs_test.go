// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

func TestKeptArguments(t *testing.T) {
	skb := &btf.Pointer{Target: &btf.Const{Type: &btf.Struct{Name: "__sk_buff"}}}
	number := &btf.Int{Size: 8}
	function := func(types ...btf.Type) *btf.Func {
		proto := &btf.FuncProto{}
		for _, typ := range types {
			proto.Params = append(proto.Params, btf.FuncParam{Type: typ})
		}
		return &btf.Func{Type: proto}
	}
	for name, test := range map[string]struct {
		function *btf.Func
		want     int
		fails    bool
	}{
		"its context":       {function(skb), 1, false},
		"anything":          {function(&btf.Pointer{Target: &btf.Void{}}), 5, false},
		"a forward":         {function(&btf.Pointer{Target: &btf.Fwd{Name: "__sk_buff"}}), 5, false},
		"another's context": {function(&btf.Pointer{Target: &btf.Struct{Name: "xdp_md"}}), 5, false},
		"a number":          {function(number), 5, false},
		"too many":          {function(skb, number), 5, false},
		"none":              {function(), 0, true},
		"no function":       {&btf.Func{Type: number}, 0, true},
	} {
		if got, err := keptArguments(test.function, "__sk_buff"); got != test.want || (err != nil) != test.fails {
			t.Errorf("%s: %d, error %v, want %d", name, got, err, test.want)
		}
	}
}

func TestExplainTracing(t *testing.T) {
	refused := func(errno syscall.Errno, log ...string) error { return &ebpf.VerifierError{Cause: errno, Log: log} }
	for _, test := range []struct {
		err  error
		want string
	}{
		{syscall.Errno(524), "no BPF trampolines"},
		{syscall.E2BIG, "maximum number"},
		{syscall.EBUSY, "in use"},
		{syscall.EPERM, "not permitted"},
		{refused(syscall.EINVAL, "Cannot recursively attach", "processed 0 insns (limit 1000000)"), "the kernel refused it: Cannot recursively attach (invalid argument)"},
		{refused(syscall.EACCES), "not permitted"},
		{syscall.EINVAL, "the kernel refused it: invalid argument"},
	} {
		if got := ExplainTracing(errors.Join(test.err)).Error(); !strings.Contains(got, test.want) {
			t.Errorf("%v: %q, want %q", test.err, got, test.want)
		}
	}
}

// TestProgramKindsAreDistinct checks that no name or program type belongs to two kinds, since the first kind that
// has a program's type is used.
func TestProgramKindsAreDistinct(t *testing.T) {
	seen := map[ebpf.ProgramType]string{}
	for _, k := range ProgramKinds {
		if ProgramKindOf(k.Name) != k || k.Context == "" || len(k.Verdicts) == 0 {
			t.Errorf("%+v is not complete, or has the name of another kind", k)
		}
		for typ := range k.Types {
			if seen[typ] != "" {
				t.Errorf("%v is of %s and of %s", typ, seen[typ], k.Name)
			}
			seen[typ] = k.Name
		}
	}
}

// TestDocsListTheProgramKinds checks that docs/bpf-programs.md has a row for each kind, with its types.
func TestDocsListTheProgramKinds(t *testing.T) {
	docs, err := os.ReadFile("../../docs/bpf-programs.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range ProgramKinds {
		_, row, found := strings.Cut(string(docs), "\n| `"+kind.Name+"` | ")
		row, _, _ = strings.Cut(row, "\n")
		if !found {
			t.Errorf("no row for %s", kind.Name)
		}
		for _, name := range kind.Types {
			if !strings.Contains(row, "`"+name+"`") {
				t.Errorf("the row for %s does not have the type %s: %s", kind.Name, name, row)
			}
		}
	}
}
