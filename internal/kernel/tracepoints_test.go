// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTracepoints(t *testing.T) {
	common := []Tracepoint{
		{Name: "net_dev_xmit", SkbArg: 0, ReasonArg: -1, LocationArg: -1, SocketArg: -1},
		{Name: "qdisc_dequeue", SkbArg: 3, ReasonArg: -1, LocationArg: -1, SocketArg: -1},
		{Name: "tcp_probe", SkbArg: 1, ReasonArg: -1, LocationArg: -1, SocketArg: 0},
	}
	first := map[string][]Tracepoint{
		"5.10-amd64": { // no reasons before 5.17
			{Name: "consume_skb", SkbArg: 0, ReasonArg: -1, LocationArg: -1, SocketArg: -1},
			{Name: "kfree_skb", SkbArg: 0, ReasonArg: -1, LocationArg: 1, SocketArg: -1},
		},
		"6.1-amd64": {
			{Name: "consume_skb", SkbArg: 0, ReasonArg: -1, LocationArg: -1, SocketArg: -1},
			{Name: "kfree_skb", SkbArg: 0, ReasonArg: 2, LocationArg: 1, SocketArg: -1},
		},
		"6.12-amd64": { // the fourth argument of kfree_skb is the receiving socket
			{Name: "consume_skb", SkbArg: 0, ReasonArg: -1, LocationArg: 1, SocketArg: -1},
			{Name: "kfree_skb", SkbArg: 0, ReasonArg: 2, LocationArg: 1, SocketArg: 3},
		},
	}
	first["7.3-amd64"] = first["6.12-amd64"]
	first["6.12-arm64"] = first["6.12-amd64"]
	for _, kernel := range storedKernels {
		want := append(append([]Tracepoint{}, first[kernel]...), common...)
		// Its last argument is an enum of TCP since 6.12, not skb_drop_reason.
		want = append(want, Tracepoint{Name: "tcp_send_reset", SkbArg: 1, ReasonArg: -1, LocationArg: -1, SocketArg: 0})
		if diff := cmp.Diff(want, facts(t, stored(t, kernel)).Tracepoints); diff != "" {
			t.Errorf("%s: %s", kernel, diff)
		}
	}
}
