// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// kills is the number of moments at which each signal comes.
const kills = 40

// TestKilledAtAnyMoment sends each signal while the tracer starts, traces and stops, with the best
// backend. Nothing may be left in the kernel, which the end of each test checks, and no file but
// those that were asked for.
func TestKilledAtAnyMoment(t *testing.T) {
	whole := wholeRun(t)
	for _, s := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT, syscall.SIGPIPE} {
		t.Run(s.String(), func(t *testing.T) {
			for range kills {
				killedAt(t, s, rand.N(whole))
			}
		})
	}
}

// killable is a run that stops by itself soon after it has begun to trace.
func killable(folder string) command {
	return command{args: []string{
		"--duration", "300ms", "--filter-func", "ip_.*|tp:.*", "--output-json",
		"--output-file", filepath.Join(folder, "trace.json"), "--output-file-compress", "icmp",
	}}
}

// wholeRun is how long a run takes that nothing interrupts.
func wholeRun(t *testing.T) time.Duration {
	p := killable(t.TempDir()).start(t)
	if !waits(startLimit+stopLimit, p.hasEnded) || p.code() != 0 {
		t.Fatalf("no end of its own: %s\n%s", p.stderr(), p.stuck())
	}
	return time.Since(p.began)
}

func killedAt(t *testing.T, s syscall.Signal, delay time.Duration) {
	t.Helper()
	folder := t.TempDir()
	p := killable(folder).start(t)
	time.Sleep(delay)
	p.signal(s)
	if !waits(startLimit+stopLimit, p.hasEnded) {
		t.Fatalf("still there after %v at %v: %s\n%s", s, delay, p.stderr(), p.stuck())
	}
	for _, dir := range []string{folder, filepath.Dir(p.readyFile)} {
		onlyExpected(t, dir, s, delay)
	}
}

// onlyExpected finds files that nobody asked for, such as those that hold the place of others.
func onlyExpected(t *testing.T, dir string, s syscall.Signal, delay time.Duration) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if !strings.Contains(" out err ready trace.json ", " "+e.Name()+" ") {
			t.Errorf("%v at %v left %s", s, delay, e.Name())
		}
	}
}
