// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
)

func TestReasons(t *testing.T) {
	if got := facts(t, stored(t, "5.10-amd64")).Reasons; got != nil {
		t.Errorf("5.10 has drop reasons: %v", got)
	}
	for _, kernel := range storedKernels[1:] {
		got := facts(t, stored(t, kernel)).Reasons
		if len(got) < 60 {
			t.Errorf("%s has %d reasons", kernel, len(got))
		}
		for value, name := range got {
			if !strings.HasPrefix(name, "SKB_") || isBound([]byte(name)) {
				t.Errorf("%s: reason %d is %s", kernel, value, name)
			}
		}
	}
	// The values shift between kernels: in 6.1 there is no SKB_CONSUMED yet.
	if got := facts(t, stored(t, "6.1-amd64")).Reasons[2]; got != "SKB_DROP_REASON_NO_SOCKET" {
		t.Errorf("6.1: reason 2 is %q", got)
	}
}

func TestSubsystemReasons(t *testing.T) {
	core := &btf.Enum{Name: "skb_drop_reason", Size: 4, Values: []btf.EnumValue{
		{Name: "SKB_CONSUMED", Value: 1}, {Name: "SKB_DROP_REASON_MAX", Value: 2},
		{Name: "SKB_DROP_REASON_SUBSYS_MASK", Value: 0xffff0000},
	}}
	ovs := &btf.Enum{Name: "ovs_drop_reason", Size: 4, Values: []btf.EnumValue{
		{Name: "OVS_DROP_ACTION_ERROR", Value: 0x30002},
		{Name: "OTHER", Value: 2}, // has no subsystem: no reason for an skb
	}}
	want := map[uint32]string{1: "SKB_CONSUMED", 0x30002: "OVS_DROP_ACTION_ERROR"}
	if diff := cmp.Diff(want, build(t, core, ovs).reasons()); diff != "" {
		t.Error(diff)
	}
}

// build makes BTF from these types.
func build(t testing.TB, list ...btf.Type) *types {
	t.Helper()
	out, err := parseTypes(marshal(t, list...), nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func marshal(t testing.TB, list ...btf.Type) []byte {
	t.Helper()
	b, err := btf.NewBuilder(list, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
