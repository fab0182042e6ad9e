// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"syscall"
	"testing"
	"time"
)

// TestSignals checks that each signal ends tracer normally, with all events and a summary.
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

// TestInterruptAtStart sends SIGINT while tracer starts, with all functions and the slowest backend.
func TestInterruptAtStart(t *testing.T) {
	list := backends()
	slowest := list[max(0, len(list)-2)]
	for _, delay := range []time.Duration{10, 100, 500, 1500, 4000} {
		delay *= time.Millisecond
		t.Run(delay.String(), func(t *testing.T) {
			p := command{args: []string{"--backend", slowest, "icmp"}}.start(t)
			time.Sleep(delay)
			p.signal(syscall.SIGINT)
			p.interrupted(soon)
		})
	}
}

// interrupted waits for the end of tracer after Ctrl-C, and checks that it exits with code 0, or was killed by
// the signal before it could handle it.
func (p *process) interrupted(limit time.Duration) {
	p.t.Helper()
	began := time.Now()
	if !waits(limit, p.hasEnded) {
		p.t.Fatalf("still running %v after Ctrl-C: %s\n%s", limit, p.stderr(), p.stuck())
	}
	p.t.Logf("ended %v after Ctrl-C: %v", time.Since(began).Round(time.Millisecond), p.cmd.ProcessState)
	status := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	early := status.Signaled() && status.Signal() == syscall.SIGINT && p.stderr() == ""
	if p.code() != 0 && !early {
		p.t.Errorf("ended with %v: %s", p.cmd.ProcessState, p.stderr())
	}
}

// secondSignal is longer than the time in which tracer ignores a repeated signal.
const secondSignal = 400 * time.Millisecond

// TestInterruptTwice checks that a second Ctrl-C ends tracer without waiting.
func TestInterruptTwice(t *testing.T) {
	p := command{args: []string{"--backend", backends()[max(0, len(backends())-2)], "icmp"}}.start(t)
	p.awaitSaid("backend ")
	p.signal(syscall.SIGINT)
	time.Sleep(secondSignal)
	p.signal(syscall.SIGINT)
	if !waits(soon, p.hasEnded) {
		t.Fatalf("still running: %s\n%s", p.stderr(), p.stuck())
	}
}
