// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// registers maps each name to its skb and reason registers, those of hook state, socket and network namespace
// if it has them, and the number of functions with this name if there are several.
func registers(list []Function) map[string]string {
	count := map[string]int{}
	out := map[string]string{}
	for _, f := range list {
		count[f.Name]++
		out[f.Name] = fmt.Sprintf("%d %d", f.SkbArg, f.ReasonArg)
		if f.StateArg != 0 {
			out[f.Name] += fmt.Sprintf(" hook %d", f.StateArg)
		}
		if f.SocketArg != 0 {
			out[f.Name] += fmt.Sprintf(" socket %d", f.SocketArg)
		}
		if f.NetArg != 0 {
			out[f.Name] += fmt.Sprintf(" net %d", f.NetArg)
		}
		if n := count[f.Name]; n > 1 {
			out[f.Name] += fmt.Sprintf(" x%d", n)
		}
	}
	return out
}

// inAllKernels has the functions that are in all stored kernels.
var inAllKernels = map[string]string{
	"skb_copy_bits":        "1 0",       // const struct sk_buff *
	"skb_try_coalesce":     "1 0",       // two skbs: the first
	"__skb_flow_dissect":   "2 0 net 1", // const, second
	"netif_receive_skb":    "1 0",
	"ip_rcv":               "1 0",
	"ip_do_fragment":       "3 0 socket 2 net 1",
	"tcp_ack":              "2 0 socket 1", // const, second
	"tcp_collapse":         "4 0 socket 1", // two skbs at 4 and 5
	"tcp_gro_receive":      "2 0",          // after a list of skbs
	"fib_select_path":      "4 0 net 1",    // const, last
	"ip_generic_getfrag":   "6 0",
	"tcp_make_synack":      "6 0 socket 1",
	"fib6_select_path":     "6 0 net 1",
	"__tcp_retransmit_skb": "2 0 socket 1", // has a copy .part.0 on some
	"tcp_fastopen_add_skb": "2 0 socket 1",
	"is_skb_forwardable":   "2 0",
	"loopback_xmit":        "1 0",
	"nf_hook_slow":         "1 0 hook 2",
	"pfifo_fast_enqueue":   "1 0",
	"skb_clone":            "1 0",
}

// inSomeKernels has the other functions of each kernel.
var inSomeKernels = map[string]map[string]string{
	"5.10-amd64": {"kfree_skb": "1 0", "selinux_ipv4_output": "2 0 hook 3"},
	"6.1-amd64": {
		"selinux_ip_output":    "2 0 hook 3",
		"kfree_skb_reason":     "1 2",
		"bpf_skb_generic_push": "1 0",
		"add_grec":             "1 0 x2", // igmp and mld: two FUNCs, two symbols
	},
	"6.12-amd64": {
		"sk_skb_reason_drop": "2 3 socket 1", "bpf_skb_generic_push": "1 0", "selinux_ip_output": "2 0 hook 3", "tcp_inbound_hash": "3 0 socket 1",
	},
	"7.3-amd64": {
		"selinux_ip_output":      "2 0 hook 3",
		"tcp_inbound_hash":       "3 0 socket 1",
		"sk_skb_reason_drop":     "2 3 socket 1",
		"tcp_drop_reason":        "2 3 socket 1",
		"reg_vif_xmit":           "1 0 x2", // one FUNC, by a pahole that leaves
		"calipso_skbuff_setattr": "1 0 x2", // out names with different prototypes
	},
	"6.12-arm64": {
		"selinux_ip_output":    "2 0 hook 3",
		"tcp_inbound_hash":     "3 0 socket 1",
		"sk_skb_reason_drop":   "2 3 socket 1",
		"tcp_drop_reason":      "2 3 socket 1",
		"bpf_skb_generic_push": "1 0",
		"tcp_v4_send_synack":   "7 0 socket 1",
		"rt_fill_info":         "8 0 net 1",
	},
}

func TestFunctions(t *testing.T) {
	for _, kernel := range storedKernels {
		t.Run(kernel, func(t *testing.T) {
			want := maps.Clone(inAllKernels)
			maps.Copy(want, inSomeKernels[kernel])
			got := registers(facts(t, stored(t, kernel)).Functions)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSkipped(t *testing.T) {
	const (
		copied = "the compiler changed the arguments of this copy"
		glue   = "it is generated code of a tracepoint"
		memory = "its skb is not passed in a register"
		twoOne = "2 functions have this name and BTF describes 1"
	)
	wants := map[string]map[string]string{
		"5.10-amd64": {
			"add_grec":                    twoOne,
			"reg_vif_xmit":                twoOne,
			"calipso_skbuff_setattr":      twoOne,
			"__traceiter_kfree_skb":       glue,
			"__udp4_lib_lookup":           memory,
			"rt_fill_info":                memory,
			"tcp_v4_send_synack":          memory,
			"tcp_fastopen_add_skb.part.0": copied,
		},
		"6.12-arm64": {
			"add_grec":                    twoOne,
			"reg_vif_xmit":                twoOne,
			"calipso_skbuff_setattr":      twoOne,
			"__traceiter_kfree_skb":       glue,
			"__probestub_kfree_skb":       glue,
			"__bpf_trace_kfree_skb":       glue,
			"__udp4_lib_lookup":           memory, // its ninth argument
			"__tcp_retransmit_skb.part.0": copied,
			"tcp_fastopen_add_skb.part.0": copied,
			"dst_output":                  notListed,
			"nla_put":                     notListed,
			"tcp_skb_can_collapse":        notListed,
		},
		"7.3-amd64": {
			"__pim_rcv":                   "the compiler left only copies with other arguments",
			"__pim_rcv.constprop.0":       copied,
			"__traceiter_kfree_skb":       glue,
			"__probestub_kfree_skb":       glue,
			"__bpf_trace_kfree_skb":       glue,
			"__udp4_lib_lookup":           memory,
			"rt_fill_info":                memory,
			"tcp_v4_send_synack":          memory,
			"tcp_fastopen_add_skb.part.0": copied,
			"dst_output":                  notListed,
			"nla_put":                     notListed,
			"tcp_skb_can_collapse":        notListed,
		},
	}
	for kernel, want := range wants {
		got := map[string]string{}
		for _, s := range facts(t, stored(t, kernel)).Skipped {
			got[s.Name] = s.Reason
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", kernel, diff)
		}
	}
}

func TestFunctionAddresses(t *testing.T) {
	for _, kernel := range storedKernels {
		f := facts(t, stored(t, kernel))
		if !slices.IsSortedFunc(f.Functions, func(a, b Function) int {
			return int(a.Addr>>1) - int(b.Addr>>1)
		}) {
			t.Errorf("%s: functions are not in order of address", kernel)
		}
		for _, fn := range f.Functions {
			if name, _, off, ok := f.Symbols.Lookup(fn.Addr); !ok || off != 0 || name != fn.Name {
				t.Errorf("%s: %s at %x is %s+%d", kernel, fn.Name, fn.Addr, name, off)
			}
		}
	}
}

// TestNoList checks a kernel that does not show what ftrace can trace.
func TestNoList(t *testing.T) {
	s := stored(t, "6.1-amd64")
	s.Names = nil
	all := facts(t, stored(t, "6.1-amd64"))
	addr := all.Symbols.Addresses("skb_copy_bits", "")[0]
	s.Blacklist = bytes.NewReader(fmt.Appendf(nil, "0x%x-0x%x\tskb_copy_bits\n", addr, addr+16))
	f := facts(t, s)
	if f.ListReadable == nil {
		t.Error("ListReadable is nil without a list")
	}
	got := registers(f.Functions)
	if _, ok := got["skb_copy_bits"]; ok {
		t.Error("skb_copy_bits is kept, but it is on the blacklist")
	}
	if got["nla_put"] == "" {
		t.Error("nla_put is left out, but it is not on the blacklist")
	}
	if got["tcp_ack"] != "2 0 socket 1" {
		t.Errorf("tcp_ack: %q", got["tcp_ack"])
	}
}

// TestHiddenAddresses checks that only tracepoints can be traced if kptr_restrict hides the addresses.
func TestHiddenAddresses(t *testing.T) {
	s := stored(t, "6.12-amd64")
	s.Symbols = bytes.NewReader([]byte("0000000000000000 T ip_rcv\n0000000000000000 t tcp_ack\n"))
	f := facts(t, s)
	if len(f.Functions) != 0 || f.Symbols != nil {
		t.Errorf("functions without addresses: %v", f.Functions)
	}
	want := map[Backend]error{KprobeMulti: ErrAddressesHidden, Kprobe: ErrAddressesHidden, TracepointBackend: nil}
	for b, err := range want {
		if f.Support[b] != err {
			t.Errorf("%s: %v, want %v", b, f.Support[b], err)
		}
	}
}

func TestAddSymbol(t *testing.T) {
	c := &catalogue{byName: map[string]*candidate{}}
	f := c.add("f")
	for i, name := range []string{"f", "f.llvm.123", "f.isra.0", "f.constprop.0.isra.0", "f.cold", "f.part.0.cold", "fx", "f.isra.0"} {
		c.addSymbol([]byte(name), func() span { return span{uint64(i), 100} })
	}
	if diff := cmp.Diff([]uint64{0, 1}, []uint64{f.spans[0].start, f.spans[1].start}); diff != "" || len(f.spans) != 2 {
		t.Error(f.spans)
	}
	if diff := cmp.Diff([]string{"f.isra.0", "f.constprop.0.isra.0", "f.isra.0"}, f.copies); diff != "" {
		t.Error(diff)
	}
}

func TestAmbiguous(t *testing.T) {
	two := []span{{1, 2}, {3, 4}}
	for _, tc := range []struct {
		c          candidate
		consistent bool
		want       string
	}{
		{candidate{described: 1, spans: two[:1]}, false, ""},
		{candidate{described: 2, spans: two}, false, ""},
		{candidate{described: 1, spans: two}, true, ""},
		{candidate{described: 1, spans: two}, false, "2 functions have this name and BTF describes 1"},
		{candidate{described: 2, spans: two, disputed: true}, true, "2 functions have this name and take the skb as different arguments"},
	} {
		if got := tc.c.ambiguous(tc.consistent); got != tc.want {
			t.Errorf("%+v: %q, want %q", tc.c, got, tc.want)
		}
	}
}

// TestAliases checks that two names at one address are one function.
func TestAliases(t *testing.T) {
	got := sortFunctions([]Function{{Name: "b", Addr: 2}, {Name: "c", Addr: 1}, {Name: "a", Addr: 2}})
	if diff := cmp.Diff([]Function{{Name: "c", Addr: 1}, {Name: "a", Addr: 2}}, got); diff != "" {
		t.Error(diff)
	}
}

// TestSkbNotInARegister checks that a function whose skb is not in a register can be requested like a function
// that takes none.
func TestSkbNotInARegister(t *testing.T) {
	const name = "__udp4_lib_lookup"
	for _, kernel := range storedKernels {
		s := stored(t, kernel)
		s.NoSkbFuncs = []*regexp.Regexp{regexp.MustCompile("^" + name + "$")}
		f := facts(t, s)
		if len(f.NoSkbFuncs) != 1 || f.NoSkbFuncs[0].Name != name || f.NoSkbFuncs[0].SkbArg != 0 {
			t.Errorf("%s: %+v", kernel, f.NoSkbFuncs)
		}
		if slices.ContainsFunc(f.Skipped, func(s Skipped) bool { return s.Name == name }) {
			t.Errorf("%s: %s is also skipped", kernel, name)
		}
	}
}
