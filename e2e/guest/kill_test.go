// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// fatal are the signals that come at a random moment. SIGPIPE ends nothing: it is an error of the
// write that caused it.
var fatal = []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT, syscall.SIGPIPE}

// stage is a part of a run, and how a process is brought to a random moment of it.
type stage struct {
	name  string
	reach func(*killer, *process)
}

var stages = []stage{
	{"starting", func(k *killer, p *process) { time.Sleep(rand.N(k.starting)) }},
	{"tracing", func(k *killer, p *process) { p.awaitReady(); time.Sleep(rand.N(traceTime)) }},
	{"stopping", func(k *killer, p *process) { p.awaitReady(); p.signal(syscall.SIGINT); time.Sleep(rand.N(k.stopping)) }},
}

// killCount is how many moments there are altogether: the environment's KILLS, or 200 on the thorough machine
// that has every backend, and 40 on others.
func killCount(t *testing.T) int {
	t.Helper()
	text := os.Getenv("KILLS")
	switch {
	case text == "" && !isBrief() && chosen() == kprobeMulti:
		return 200
	case text == "":
		return 40
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("KILLS: %v", err)
	}
	return n
}

// traceTime is long enough for output files to be rotated and compressed.
const traceTime = 400 * time.Millisecond

// killer is how long each stage takes, and the network where packets are sent all the time.
type killer struct {
	n                  *ktest.Netns
	starting, stopping time.Duration
}

// TestKilledAtAnyMoment sends each signal while the tracer starts, traces and stops, with the best
// backend. Nothing may be left in the kernel after any of them, and no file but those that were
// asked for; the kernel may not complain.
func TestKilledAtAnyMoment(t *testing.T) {
	useOneCPU(t)
	k := &killer{n: ktest.NewNetns(t, "a")}
	listen(t, k.n)
	before := newSurroundings(t)
	k.sendAlways(t)
	k.measure(t)
	each := killCount(t) / len(fatal)
	for _, s := range fatal {
		t.Run(s.String(), func(t *testing.T) {
			for i := range each {
				at := stages[i%len(stages)]
				t.Run(fmt.Sprint(at.name, i), func(t *testing.T) { k.kill(t, s, at) })
			}
		})
	}
	before.check(t)
}

// useOneCPU pins this process and its children to the first CPU until the end of the test. On two
// emulated CPUs the kernel panics now and then: one CPU hits the breakpoint (int3) of a patch that the
// other one has already completed, and the kernel no longer knows it. This test patches hundreds of
// probes under traffic.
func useOneCPU(t *testing.T) {
	t.Helper()
	var all, first unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	first.Set(0)
	setAffinity(t, &first)
	t.Cleanup(func() { setAffinity(t, &all) })
}

// setAffinity sets the CPUs of each thread; new threads have those of the one that makes them.
func setAffinity(t *testing.T, cpus *unix.CPUSet) {
	t.Helper()
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.SchedSetaffinity(id, cpus); err != nil && !errors.Is(err, unix.ESRCH) {
			t.Fatal(err)
		}
	}
}

// sendAlways sends until the end of the test. A datagram may fail, for want of memory for instance.
func (k *killer) sendAlways(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	sent := 0
	go func() {
		ended <- k.n.Do(func() error {
			var failed error
			for ctx.Err() == nil {
				if err := udp("127.0.0.1:7001", "127.0.0.1:7777").Send(4); err != nil {
					failed = err
					continue
				}
				sent++
				time.Sleep(5 * time.Millisecond)
			}
			return failed
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Logf("sent %d times, and failed at last with %v", sent, err)
		}
		if sent < 100 {
			t.Errorf("sent %d times only", sent)
		}
	})
}

// start starts a run that has much to clean up: output in files of one megabyte, which are
// compressed, and attachments of several kinds.
func (k *killer) start(t *testing.T, folder string) *process {
	return command{args: []string{
		"--filter-func", "ip_.*|udp_.*|tp:kfree_skb|tp:net_dev_queue", "--filter-netns", k.n.Path, "--output-json", "--output-skb",
		"--output-file", filepath.Join(folder, outputName), "--output-file-max-size", "1", "--output-file-compress", "udp",
	}}.start(t)
}

// measure is a run that nothing interrupts. The stages take longer on a busy machine, so that
// their moments reach a little beyond it.
func (k *killer) measure(t *testing.T) {
	t.Run("uninterrupted", func(t *testing.T) {
		folder := t.TempDir()
		p := k.start(t, folder)
		p.awaitReady()
		time.Sleep(traceTime)
		began := time.Now()
		p.signal(syscall.SIGINT)
		p.ends(stopLimit, 0)
		k.starting, k.stopping = p.ready*5/4, time.Since(began)*5/4
		onlyExpected(t, folder, p)
		files, _ := os.ReadDir(folder)
		t.Logf("%v to start, %v to stop, %d files", p.ready, k.stopping, len(files))
	})
}

func (k *killer) kill(t *testing.T, s syscall.Signal, at stage) {
	folder := t.TempDir()
	p := k.start(t, folder)
	at.reach(k, p)
	moment := time.Since(p.began)
	p.signal(s)
	if s == syscall.SIGPIPE {
		p.signal(syscall.SIGINT)
	}
	if !waits(startLimit+stopLimit, p.hasEnded) {
		t.Fatalf("still there after %v at %v: %s\n%s", s, moment, p.stderr(), p.stuck())
	}
	t.Logf("%v after %v: %v", s, moment, p.cmd.ProcessState)
	checkEnd(t, p, s, at)
	onlyExpected(t, folder, p)
	onlyExpected(t, filepath.Dir(p.readyFile), p)
}

// checkEnd wants a death by SIGKILL alone, or by a signal that came before the program could ask
// for it or after all was done. A second signal does not wait for the output.
func checkEnd(t *testing.T, p *process, s syscall.Signal, at stage) {
	t.Helper()
	status := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	said := p.stderr()
	switch {
	case p.code() == 0 && (at.name == "starting" || summaryLine.MatchString(said)):
	case status.Signaled() && (s == syscall.SIGKILL || at.name == "starting" && said == "" || at.name == "stopping"):
	case at.name == "stopping" && p.code() == 1:
	default:
		t.Errorf("ended with %v: %s", p.cmd.ProcessState, said)
	}
}
