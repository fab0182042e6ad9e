// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tracer/internal/ktest"
)

// TestBackendIsChosen checks that tracer chooses the best backend, and says why a better one does not run.
func TestBackendIsChosen(t *testing.T) {
	p := start(t, "--filter-func", landmark(), "udp and dst port 1")
	if got := p.backend(); got != chosen() {
		t.Errorf("backend %q chosen, want %q", got, chosen())
	}
	p.stop().events.absent(t, "a packet that was not sent")
	for _, better := range []string{kprobeMulti, kprobe} {
		if slices.Contains(backends(), better) {
			break
		}
		if !strings.Contains(p.stderr(), "not "+better+": ") {
			t.Errorf("stderr does not say why %s does not run: %s", better, p.stderr())
		}
	}
}

// TestForcedBackendError checks the error for each backend that does not run on this kernel.
func TestForcedBackendError(t *testing.T) {
	ktest.Root(t)
	for _, backend := range []string{kprobeMulti, kprobe} {
		if slices.Contains(backends(), backend) {
			continue
		}
		t.Run(backend, func(t *testing.T) {
			p := command{args: []string{"--backend", backend}}.start(t)
			p.ends(startLimit, 1)
			if !strings.Contains(p.stderr(), `tracer: backend "`+backend+`" does not run here: `) {
				t.Errorf("stderr: %s", p.stderr())
			}
		})
	}
}

// landmark returns the function or tracepoint of the chosen backend that an incoming IPv4 packet
// passes exactly once.
func landmark() string { return marks(chosen()).received }

// handful returns the functions of few and some more, including IPv6 and drops.
func handful() string {
	if chosen() == tracepoint {
		return "net_dev_queue|netif_receive_skb|kfree_skb"
	}
	return "dev_hard_start_xmit|ip_rcv|ipv6_rcv|ip_local_deliver|tcp_v4_rcv|udp_rcv|kfree_skb.*|sk_skb_reason_drop"
}

// few returns some functions of the send and receive paths. They attach quickly, since the packet is the first
// argument of all.
func few() string {
	if chosen() == tracepoint {
		return "net_dev_queue|netif_receive_skb"
	}
	return "dev_hard_start_xmit|ip_rcv|ip_local_deliver|tcp_v4_rcv|udp_rcv"
}

// soon is the timeout for something that should happen at once, such as the end of tracer after an error.
const soon = time.Minute
