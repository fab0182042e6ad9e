// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"encoding/binary"
	"maps"
	"testing"

	"tracer/internal/lookup"
)

// TestCountersOfIPsec checks that each counter of a drop in the policies, in the input and in the output of IPsec has the
// cause that its exit in the kernel means, and that counters of other functions have none.
func TestCountersOfIPsec(t *testing.T) {
	all := Values{
		"policy_check.direction": {Text: "in"}, "policy_check.protected": number(1), "policy_route.policies": number(1),
		"xfrm_receive.spi": {Text: "0x1"}, "xfrm_receive.encapsulation": number(0), "xfrm_send.spi": {Text: "0x2"}, "xfrm_send.peer": {Text: "10.0.0.2"},
		"xfrm_send.len": number(100), "xfrm_send.mtu": number(1400), "xfrm_send.tunnel": number(1), "xfrm_send.packets": number(1),
	}
	for _, test := range []struct {
		decision, reason, location string
		causes                     map[uint64]string
	}{
		{"policy_check", "XFRM_POLICY", "tcp_v4_rcv+0x1", map[uint64]string{
			2: "ipsec-policy-depth", 3: "ipsec-policy-header", 9: "ipsec-policy-state-mismatch", 11: "ipsec-policy-template", 12: "ipsec-no-policy", 13: "ipsec-policy-block", 14: "ipsec-policy-error"}},
		{"policy_route", "XFRM_POLICY", "ip_forward+0x1", map[uint64]string{
			16: "ipsec-out-bundle", 18: "ipsec-out-no-state", 23: "ipsec-out-policy-block", 24: "ipsec-out-policy-dead", 25: "ipsec-out-policy-error", 26: "ipsec-out-forward-header"}},
		{"xfrm_receive", Unspecified, "xfrm_input+0x1", map[uint64]string{
			1: "ipsec-in-error", 2: "ipsec-in-buffer", 3: "ipsec-in-header", 4: "ipsec-in-no-state", 5: "ipsec-in-protocol", 6: "ipsec-in-mode", 7: "ipsec-in-replay", 8: "ipsec-in-expired", 9: "ipsec-in-mismatch",
			10: "ipsec-in-invalid", 28: "ipsec-in-acquire", 30: "ipsec-in-direction"}},
		{"xfrm_send", Unspecified, "xfrm_output_resume+0x1", map[uint64]string{
			15: "ipsec-out-error", 19: "ipsec-out-protocol", 20: "ipsec-out-mode", 21: "ipsec-out-sequence", 22: "ipsec-out-expired", 27: "ipsec-out-invalid"}},
	} {
		for n := uint64(0); n <= 40; n++ {
			values := maps.Clone(all)
			values[test.decision+".moved"] = number(n)
			a := load(t).Explain(&Drop{Reason: test.reason, Location: test.location, Values: values})
			if got := causeOf(a); got != test.causes[n] {
				t.Errorf("%s, counter %d: %q, want %q", test.decision, n, got, test.causes[n])
			}
		}
	}
}

// TestRefinedCountersOfIPsec checks the causes that need more than the counter.
func TestRefinedCountersOfIPsec(t *testing.T) {
	send := func(n, length, mtu, tunnel uint64) Values {
		return Values{"xfrm_send.moved": number(n), "xfrm_send.len": number(length), "xfrm_send.mtu": number(mtu), "xfrm_send.tunnel": number(tunnel), "xfrm_send.spi": {Text: "0x2"}, "xfrm_send.peer": {Text: "10.0.0.2"}}
	}
	for _, test := range []struct {
		reason, location string
		values           Values
		want             string
	}{
		{"XFRM_POLICY", "ip_forward", Values{"policy_check.moved": number(11), "policy_check.protected": number(0), "policy_check.direction": {Text: "fwd"}}, "ipsec-unprotected"},
		{Unspecified, "xfrm_output_one", send(20, 1401, 1400, 1), "ipsec-out-too-big"},
		{Unspecified, "xfrm_output_one", send(20, 1400, 1400, 1), "ipsec-out-mode"},
		{Unspecified, "xfrm_output_one", send(20, 1401, 1400, 0), "ipsec-out-mode"},
		{Unspecified, "xfrm_output_one", send(20, 1401, 0, 1), "ipsec-out-mode"},
		{Unspecified, "xfrm_input", Values{"policy_check.moved": number(9), "xfrm_receive.moved": number(9), "xfrm_receive.encapsulation": number(0)}, "ipsec-policy-state-mismatch"},
		{Unspecified, "dst_discard_out", Values{"obsolete": number(2), "loopback": number(8)}, "ipsec-waits-for-state"},
		{Unspecified, "dst_discard_out", Values{"obsolete": number(2), "loopback": number(0), "dev": {Text: "blackhole_dev"}}, "route-gone"},
		{"IP_OUTNOROUTES", "__ip_queue_xmit", outNoRoute(1), "output-no-route-or-policy"},
		{"IP_OUTNOROUTES", "__ip_queue_xmit", outNoRoute(0), "output-no-route"},
	} {
		if got := causeOf(load(t).Explain(&Drop{Reason: test.reason, Location: test.location, Values: test.values})); got != test.want {
			t.Errorf("%s, %v: %q, want %q", test.location, test.values, got, test.want)
		}
	}
}

func outNoRoute(policies uint64) Values {
	return Values{"dst": {Text: "10.0.0.2"}, "dport": number(80), "lport": number(4000), "bound": number(0), "mark": number(0), "policies": number(policies)}
}

// TestNamesOfCounters checks that the counter that moved is shown by its name, and that all that causes ask for have one.
func TestNamesOfCounters(t *testing.T) {
	r := moved(xfrmNames)
	for n, want := range map[uint64]string{4: "XfrmInNoStates", 32: "XfrmOutNoQueueSpace", 33: "33"} {
		raw := lookup.Value(binary.NativeEndian.AppendUint64(nil, n))
		if v := r.Value([]lookup.Value{raw}); v.Text != want || v.Number != n {
			t.Errorf("counter %d: %+v, want %s", n, v, want)
		}
	}
	for n := uint64(1); n <= 32; n++ {
		if xfrmNames[n] == "" {
			t.Errorf("no name for %d", n)
		}
	}
}
