// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
)

func resultOf(t *testing.T, list []Function, name string) Result {
	t.Helper()
	for _, f := range list {
		if f.Name == name {
			return f.Result
		}
	}
	t.Fatalf("no function %q", name)
	return Result{}
}

func TestResults(t *testing.T) {
	wants := map[string]Result{
		"ip_rcv":             {Class: Signed, Size: 4, Form: ReceiverForm},
		"nf_hook_slow":       {Class: Signed, Size: 4, Form: AnyForm},
		"skb_copy_bits":      {Class: Signed, Size: 4, Form: AnyForm},
		"skb_clone":          {Class: Pointer, Size: 8, Form: AnyForm},
		"skb_try_coalesce":   {Class: Bool, Size: 1, Form: AnyForm},
		"is_skb_forwardable": {Class: Bool, Size: 1, Form: AnyForm},
		"pfifo_fast_enqueue": {Class: Signed, Size: 4, Form: EnqueueForm},
		"tcp_collapse":       {Class: NoResult, Size: 0, Form: AnyForm},
		"loopback_xmit":      {Class: Signed, Size: 4, Form: AnyForm},
	}
	for _, kernel := range storedKernels {
		f := facts(t, stored(t, kernel))
		for name, want := range wants {
			got := resultOf(t, f.Functions, name)
			if got.Names = nil; !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %s returns %+v, want %+v", kernel, name, got, want)
			}
		}
		hook := "selinux_ip_output"
		if strings.HasPrefix(kernel, "5.10") {
			hook = "selinux_ipv4_output"
		}
		if r := resultOf(t, f.Functions, hook); r.Form != HookForm || r.Class != Unsigned {
			t.Errorf("%s: %s returns %+v, want a verdict", kernel, hook, r)
		}
	}
}

func TestEnumeratorsOfResults(t *testing.T) {
	for _, kernel := range storedKernels {
		names := resultOf(t, facts(t, stored(t, kernel)).Functions, "loopback_xmit").Names
		if names[0] != "NETDEV_TX_OK" || names[16] != "NETDEV_TX_BUSY" {
			t.Errorf("%s: loopback_xmit returns one of %v", kernel, names)
		}
	}
	reasons := resultOf(t, facts(t, stored(t, "6.12-amd64")).Functions, "tcp_inbound_hash").Names
	if reasons[0] != "SKB_NOT_DROPPED_YET" || reasons[2] != "SKB_DROP_REASON_NOT_SPECIFIED" {
		t.Errorf("a drop reason is one of %v", reasons)
	}
}

func TestFunctionsWithoutSkbAreFound(t *testing.T) {
	for _, kernel := range storedKernels {
		s := stored(t, kernel)
		s.NoSkbFuncs = []*regexp.Regexp{regexp.MustCompile("^fib_.*$"), regexp.MustCompile("^__inet_lookup_established$")}
		f := facts(t, s)
		for _, name := range []string{"fib_table_lookup", "__inet_lookup_established"} {
			resultOf(t, f.NoSkbFuncs, name)
		}
		for _, other := range f.NoSkbFuncs {
			if other.SkbArg != 0 || other.Addr == 0 {
				t.Errorf("%s: %+v", kernel, other)
			}
		}
		without := facts(t, stored(t, kernel))
		if len(without.NoSkbFuncs) > 0 {
			t.Errorf("%s: not requested: %+v", kernel, without.NoSkbFuncs)
		}
		if len(without.Functions) != len(f.Functions) {
			t.Errorf("%s: %d functions with an skb, and %d if functions without one are requested", kernel, len(without.Functions), len(f.Functions))
		}
	}
}

func TestConfigBit(t *testing.T) {
	for text, want := range map[string]uint64{"config:0\n": 1, "config:5": 32} {
		if got, err := parseConfigBit(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "config1:0", "config:", "config:64", "config:0-7"} {
		if _, err := parseConfigBit(text); err == nil {
			t.Errorf("%q is accepted as a bit", text)
		}
	}
}

func TestTrampolines(t *testing.T) {
	s, err := ParseSymbols(strings.NewReader(`ffffffff81000100 T return_to_handler
ffffffff81000200 T arch_rethook_trampoline
ffffffff81000300 T arch_rethook_trampoline_callback
`))
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Trampolines(); len(got) != 2 || got[0] != 0xffffffff81000100 || got[1] != 0xffffffff81000200 {
		t.Errorf("%#x", got)
	}
}
