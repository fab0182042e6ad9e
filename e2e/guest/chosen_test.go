// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tracer/internal/ktest"
)

func TestBackendIsChosen(t *testing.T) {
	p := start(t, "--filter-func", landmark(), "udp and dst port 1")
	if got := p.backend(); got != chosen() {
		t.Errorf("backend %q chosen, want %q", got, chosen())
	}
	p.stop().events.absent(t, "a packet that nobody sent")
	for _, better := range []string{kprobeMulti, kprobe} {
		if slices.Contains(backends(), better) {
			break
		}
		if !strings.Contains(p.stderr(), "not "+better+": ") {
			t.Errorf("stderr does not say why %s does not run: %s", better, p.stderr())
		}
	}
}

func TestForcedBackendThatCannotRunSaysWhy(t *testing.T) {
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

// landmark is the one function or tracepoint, under the backend that is chosen,
// that an incoming IPv4 packet hits once.
func landmark() string { return marks(chosen()).received }

// handful are some more, with those of IPv6 and of drops.
func handful() string {
	if chosen() == tracepoint {
		return "net_dev_queue|netif_receive_skb|kfree_skb"
	}
	return "dev_hard_start_xmit|ip_rcv|ipv6_rcv|ip_local_deliver|tcp_v4_rcv|udp_rcv|kfree_skb.*|sk_skb_reason_drop"
}

// few are those through which a packet is sent and received, and that are loaded
// quickly: all have the packet as their first argument.
func few() string {
	if chosen() == tracepoint {
		return "net_dev_queue|netif_receive_skb"
	}
	return "dev_hard_start_xmit|ip_rcv|ip_local_deliver|tcp_v4_rcv|udp_rcv"
}

// soon is how long the tracer may take to end of its own, once it has cause.
const soon = time.Minute
