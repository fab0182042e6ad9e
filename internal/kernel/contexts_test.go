// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// hotTypes describes struct pcpu_hot, which contains the count from 6.2 to 6.14.
func hotTypes(t *testing.T) *btf.Spec {
	t.Helper()
	u64, u32 := &btf.Int{Name: "u64", Size: 8}, &btf.Int{Name: "int", Size: 4}
	inner := &btf.Struct{Size: 16, Members: []btf.Member{
		{Name: "current_task", Type: u64},
		{Name: "preempt_count", Type: u32, Offset: 64},
	}}
	hot := &btf.Struct{Name: hotVariables, Size: 64, Members: []btf.Member{
		{Type: &btf.Union{Size: 64, Members: []btf.Member{{Type: inner}}}},
	}}
	b, err := btf.NewBuilder([]btf.Type{hot}, nil)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestLocateContexts(t *testing.T) {
	const text = "ffffffff81000000 T _text\n"
	for name, test := range map[string]struct {
		arch, symbols string
		want          *Contexts
	}{
		"own variable, per-CPU offset": {"amd64", "000000000001fb80 A __preempt_count\nffffffff82125920 D __per_cpu_offset\n",
			&Contexts{0xffffffff82125920, 0x1fb80}},
		"own variable, address": {"amd64", "ffffffff828690c0 D __per_cpu_offset\nffffffff83c2b030 D __preempt_count\n",
			&Contexts{0xffffffff828690c0, 0xffffffff83c2b030}},
		"member of pcpu_hot": {"amd64", "0000000000035000 A pcpu_hot\nffffffff82560e20 D __per_cpu_offset\n",
			&Contexts{0xffffffff82560e20, 0x35008}},
		"in the task": {"arm64", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := locateContexts(test.arch, parse(t, text+test.symbols), hotTypes(t))
			if err != nil {
				t.Fatal(err)
			}
			diff(t, test.want, got)
		})
	}
}

func TestContextsNotLocated(t *testing.T) {
	if _, err := locateContexts("amd64", parse(t, "ffffffff81000000 T _text\n"), hotTypes(t)); !errors.Is(err, errNoVariables) {
		t.Errorf("without data symbols: %v", err)
	}
	if _, err := locateContexts("s390x", nil, hotTypes(t)); !errors.Is(err, errNoCount) {
		t.Errorf("s390x: %v, want %v", err, errNoCount)
	}
	if _, err := locateContexts("amd64", nil, hotTypes(t)); !errors.Is(err, ErrAddressesHidden) {
		t.Errorf("without symbols: %v", err)
	}
}
