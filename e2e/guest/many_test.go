// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"syscall"
	"testing"

	"tracer/internal/ktest"
)

// many is the number of tracers that run concurrently, with each backend in turn.
const many = 10

// TestTenTracers checks that each of ten concurrent tracers sees every packet, also after another one was
// killed and a third has ended.
func TestTenTracers(t *testing.T) {
	n := ktest.NewNetns(t, "a")
	listen(t, n)
	list := startMany(t, n)
	send := func(count int) {
		do(t, n, func() error { return udp("127.0.0.1:7001", "127.0.0.1:7777").Send(count) })
	}
	send(3)
	list[0].settle()
	list[0].signal(syscall.SIGKILL)
	if !waits(stopLimit, list[0].hasEnded) {
		t.Fatalf("does not end: %s", list[0].stuck())
	}
	list[1].saw(t, 3)
	send(4)
	for _, p := range list[2:] {
		p.saw(t, 7)
	}
}

// startMany starts the tracers and waits until all are ready.
func startMany(t *testing.T, n *ktest.Netns) []*process {
	t.Helper()
	var list []*process
	for i := range many {
		backend := backends()[i%len(backends())]
		list = append(list, command{args: []string{
			"--backend", backend, "--filter-func", marks(backend).received, "--filter-netns", n.Path, "--output-json", "udp and dst port 7777",
		}}.start(t))
	}
	for _, p := range list {
		p.awaitReady()
	}
	return list
}

// saw stops tracer, and checks that it has seen this number of packets, each once.
func (p *process) saw(t *testing.T, want int) {
	t.Helper()
	tr := p.stop()
	if len(tr.events) != want || tr.summary.Lost+tr.summary.Missed != 0 {
		t.Errorf("%s: %d events, want %d, and %s", p.backend(), len(tr.events), want, fmt.Sprint(tr.summary))
	}
}
