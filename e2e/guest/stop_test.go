// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"syscall"
	"testing"
	"time"
)

func TestSignals(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		t.Run(s.String(), func(t *testing.T) {
			stream := newStream(t, nil, "--output-json")
			stream.send(4)
			stream.settle()
			stream.signal(s)
			stream.ends(stopLimit, 0)
			if events := stream.trace().events; len(events) != 4 {
				t.Errorf("%d events, want 4", len(events))
			}
			if m := summaryLine.FindStringSubmatch(stream.stderr()); m == nil || m[1] != "4" {
				t.Errorf("summary %q on stderr, want 4 events: %s", m, stream.stderr())
			}
		})
	}
}

// TestInterruptAtStart presses Ctrl-C while the tracer is still starting, with
// everything to be attached by the backend that takes longest.
func TestInterruptAtStart(t *testing.T) {
	list := backends()
	slowest := list[max(0, len(list)-2)]
	for _, delay := range []time.Duration{10, 100, 500, 1500, 4000} {
		delay *= time.Millisecond
		t.Run(delay.String(), func(t *testing.T) {
			p := command{args: []string{"--backend", slowest, "icmp"}}.start(t)
			time.Sleep(delay)
			p.signal(syscall.SIGINT)
			p.gone(soon)
		})
	}
}

// gone waits for an end that is a good one for somebody who pressed Ctrl-C: exit
// code 0, or a death by the signal before the program could ask for it.
func (p *process) gone(limit time.Duration) {
	p.t.Helper()
	began := time.Now()
	if !waits(limit, p.hasEnded) {
		p.t.Fatalf("still there %v after Ctrl-C: %s\n%s", limit, p.stderr(), p.stuck())
	}
	p.t.Logf("gone %v after Ctrl-C: %v", time.Since(began).Round(time.Millisecond), p.cmd.ProcessState)
	status := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	early := status.Signaled() && status.Signal() == syscall.SIGINT && p.stderr() == ""
	if p.code() != 0 && !early {
		p.t.Errorf("ended with %v: %s", p.cmd.ProcessState, p.stderr())
	}
}

// secondSignal is later than what counts as the first signal again.
const secondSignal = 400 * time.Millisecond

// TestInterruptTwice: the second Ctrl-C does not wait for anything.
func TestInterruptTwice(t *testing.T) {
	p := command{args: []string{"--backend", backends()[max(0, len(backends())-2)], "icmp"}}.start(t)
	p.awaitSaid("backend ")
	p.signal(syscall.SIGINT)
	time.Sleep(secondSignal)
	p.signal(syscall.SIGINT)
	if !waits(soon, p.hasEnded) {
		t.Fatalf("still there: %s\n%s", p.stderr(), p.stuck())
	}
}
