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

// fatal are the signals that are sent at a random moment. SIGPIPE does not end tracer: the write that
// caused it fails with an error instead.
var fatal = []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT, syscall.SIGPIPE}

// stage is a part of a run; reach waits until a random moment of it.
type stage struct {
	name  string
	reach func(*killer, *process)
}

var stages = []stage{
	{"starting", func(k *killer, p *process) { time.Sleep(rand.N(k.starting)) }},
	{"tracing", func(k *killer, p *process) { p.awaitReady(); time.Sleep(rand.N(traceTime)) }},
	{"stopping", func(k *killer, p *process) { p.awaitReady(); p.signal(syscall.SIGINT); time.Sleep(rand.N(k.stopping)) }},
}

// fewKills is the number of kills if KILLS is not set: each signal at two moments of each stage.
const fewKills = 30

// killCount returns the total number of kills: the environment variable KILLS, which the list of machines sets, or
// fewKills.
func killCount(t *testing.T) int {
	t.Helper()
	text := os.Getenv("KILLS")
	if text == "" {
		return fewKills
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("KILLS: %v", err)
	}
	return n
}

// traceTime is long enough for output files to be rotated and compressed.
const traceTime = 400 * time.Millisecond

// killer holds the duration of each stage, and the namespace in which packets are sent all the time.
type killer struct {
	n                  *ktest.Netns
	starting, stopping time.Duration
}

// TestKilledAtAnyMoment sends each signal while tracer starts, traces and stops, with the best backend. After
// each, nothing may be left in the kernel, only the requested files may exist, and the kernel may not
// complain.
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

// useOneCPU pins this process and its children to the first CPU until the end of the test. With two
// emulated CPUs the kernel occasionally panics: one CPU hits the breakpoint (int3) of a patch that the
// other has already completed, and the kernel does not recognize it. This test patches hundreds of
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

// setAffinity sets the CPUs of each thread. New threads inherit those of the thread that creates them.
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

// sendAlways sends until the end of the test. Sending may fail, for instance for lack of memory.
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
			t.Logf("sent %d times, last error: %v", sent, err)
		}
		if sent < 100 {
			t.Errorf("sent only %d times", sent)
		}
	})
}

// start starts a run with much to clean up: output in compressed files of one megabyte, and
// attachments of several kinds.
func (k *killer) start(t *testing.T, folder string) *process {
	return command{args: []string{
		"--filter-func", "ip_.*|udp_.*|tp:kfree_skb|tp:net_dev_queue", "--filter-netns", k.n.Path, "--output-json", "--output-skb",
		"--output-file", filepath.Join(folder, outputName), "--output-file-max-size", "1", "--output-file-compress", "udp",
	}}.start(t)
}

// measure does an uninterrupted run, to measure the stages. It adds a quarter to their durations, since
// they may take longer on a busy machine.
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
		t.Fatalf("still running after %v at %v: %s\n%s", s, moment, p.stderr(), p.stuck())
	}
	t.Logf("%v after %v: %v", s, moment, p.cmd.ProcessState)
	checkEnd(t, p, s, at)
	onlyExpected(t, folder, p)
	onlyExpected(t, filepath.Dir(p.readyFile), p)
}

// checkEnd checks the exit status: the signal may kill the process only if it is SIGKILL, or if it came before
// the program handled signals or while it stopped. A second signal ends it without waiting for the output.
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
