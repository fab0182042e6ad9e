// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tracer/internal/ktest"
)

// Timeouts for tracer, on a slow emulated machine and with the slowest backend on all functions.
const (
	startLimit = 3 * time.Minute
	stopLimit  = 2 * time.Minute
)

// command describes how to start tracer.
type command struct {
	args []string
	// stdout and stderr default to files.
	stdout, stderr *os.File
	// onTerminal makes stdout, a terminal, the controlling terminal of tracer.
	onTerminal bool
	// within calls a function in the environment in which to start tracer; nil means the current one.
	within     func(func() error) error
	credential *syscall.Credential
	// ambient are the capabilities of an unprivileged user.
	ambient []uintptr
	// group is the control group for tracer; nil means that of the test.
	group *ktest.Cgroup
}

// process is a running tracer.
type process struct {
	t         *testing.T
	cmd       *exec.Cmd
	out, errs string
	readyFile string
	began     time.Time
	ready     time.Duration
	done      chan struct{}
}

// start starts tracer with JSON output and waits until it is ready.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := command{args: append([]string{"--output-json"}, args...)}.start(t)
	p.awaitReady()
	return p
}

// start starts tracer and does not wait. At the end of the test a remaining process is killed, and a
// leak in the kernel is an error.
func (c command) start(t *testing.T) *process {
	t.Helper()
	tracer := binary(t)
	ktest.NoLeaks(t)
	folder := t.TempDir()
	p := &process{
		t: t, out: filepath.Join(folder, "out"), errs: filepath.Join(folder, "err"),
		readyFile: filepath.Join(folder, "ready"), done: make(chan struct{}),
	}
	args := c.args
	if c.credential == nil { // other users may not write there
		args = append([]string{"--ready-file", p.readyFile}, args...)
	}
	p.cmd = exec.Command(tracer, args...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: c.credential, AmbientCaps: c.ambient, Setsid: c.onTerminal, Setctty: c.onTerminal, Ctty: syscall.Stdout,
	}
	if c.group != nil {
		p.cmd.SysProcAttr.UseCgroupFD, p.cmd.SysProcAttr.CgroupFD = true, c.group.Open(t)
	}
	p.run(c)
	return p
}

func (p *process) run(c command) {
	p.t.Helper()
	out, errs := p.create(p.out), p.create(p.errs)
	defer out.Close()
	defer errs.Close()
	p.cmd.Stdout, p.cmd.Stderr = out, errs
	if c.stdout != nil {
		p.cmd.Stdout = c.stdout
	}
	if c.stderr != nil {
		p.cmd.Stderr = c.stderr
	}
	within := c.within
	if within == nil {
		within = func(f func() error) error { return f() }
	}
	p.began = time.Now()
	if err := within(p.cmd.Start); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		p.cmd.Wait()
		close(p.done)
	}()
	p.t.Cleanup(p.kill)
}

func (p *process) create(name string) *os.File {
	p.t.Helper()
	f, err := os.Create(name)
	if err != nil {
		p.t.Fatal(err)
	}
	return f
}

// kill ends a process that still runs at the end of the test, and logs its stderr if the test has failed.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.done
	if p.t.Failed() {
		p.t.Logf("stderr of tracer %.300q: %s", p.cmd.Args[1:], p.stderr())
	}
}

func (p *process) stderr() string {
	b, err := os.ReadFile(p.errs)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func (p *process) stdout() string {
	p.t.Helper()
	b, err := os.ReadFile(p.out)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(b)
}

func (p *process) awaitReady() {
	p.t.Helper()
	if p.isReady() {
		p.ready = time.Since(p.began)
		return
	}
	if p.hasEnded() {
		p.t.Fatalf("tracer %q ended before it was ready, with %v: %s\n%s", p.cmd.Args[1:], p.cmd.ProcessState, p.stderr(), hangs())
	}
	p.t.Fatalf("tracer %.300q not ready after %v: %s\n%s", p.cmd.Args[1:], startLimit, p.stderr(), p.stuck())
}

// isReady waits until tracer is ready. It returns false if tracer ends before, or on timeout.
func (p *process) isReady() bool {
	ready := func() bool {
		_, err := os.Stat(p.readyFile)
		return err == nil
	}
	waits(startLimit, func() bool { return ready() || p.hasEnded() })
	return ready()
}

func (p *process) hasEnded() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// waits polls a condition until it is true or the timeout has passed, and returns it. It counts the
// steps instead of reading the clock, since the clock advances while the host suspends the machine.
func waits(limit time.Duration, condition func() bool) bool {
	const step = 10 * time.Millisecond
	for waited := time.Duration(0); waited < limit; waited += step {
		if condition() {
			return true
		}
		time.Sleep(step)
	}
	return condition()
}

// stuck describes where a process hangs: the state and the kernel stack of each thread, and the kernel's
// messages on hung tasks. SIGQUIT then makes the process print its goroutines to stderr.
func (p *process) stuck() string {
	var text strings.Builder
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", p.cmd.Process.Pid))
	for _, task := range tasks {
		status, _ := os.ReadFile(filepath.Join(task, "status"))
		stack, _ := os.ReadFile(filepath.Join(task, "stack"))
		places := strings.Fields(strings.ReplaceAll(string(stack), "[<0>]", ""))
		words := append(waitLine.FindAllString(string(status), -1), places[:min(len(places), 4)]...)
		fmt.Fprintln(&text, filepath.Base(task), strings.Join(words, " "))
	}
	text.WriteString(hangs())
	p.signal(syscall.SIGQUIT)
	if !waits(soon, p.hasEnded) {
		text.WriteString("it does not react to SIGQUIT\n")
	}
	return text.String()
}

// hangs returns the last five lines in the kernel's log on hung tasks and killed processes.
func hangs() string {
	log, err := kernelLog()
	lines := hangLine.FindAllString(string(log), -1)
	return fmt.Sprintf("the kernel's log: %q (%v)\n", lines[max(0, len(lines)-5):], err)
}

var (
	// waitLine matches a thread's state, and its pending and blocked signals.
	waitLine = regexp.MustCompile(`(?m)^(?:State|SigPnd|ShdPnd|SigBlk):.*$`)
	// hangLine matches the kernel's messages on hung tasks and CPUs, and killed processes.
	hangLine = regexp.MustCompile(`(?m)^.*(?:blocked for more than|stall|soft lockup|self-detected|Killed process).*$`)
)

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatal(err)
	}
}

// code returns the exit code, or -1 if a signal has killed the process.
func (p *process) code() int { return p.cmd.ProcessState.ExitCode() }

// ends waits until tracer has ended, and checks its exit code.
func (p *process) ends(limit time.Duration, code int) {
	p.t.Helper()
	if !waits(limit, p.hasEnded) {
		p.t.Fatalf("tracer %q still runs after %v: %s\n%s", p.cmd.Args[1:], limit, p.stderr(), p.stuck())
	}
	if p.code() != code {
		p.t.Errorf("tracer %q ended with %v, want %d: %s", p.cmd.Args[1:], p.cmd.ProcessState, code, p.stderr())
	}
}

// settle waits until the kernel has handled all packets in its backlogs.
func (p *process) settle() {
	p.t.Helper()
	if err := ktest.FlushBacklogs(); err != nil {
		p.t.Fatal(err)
	}
}

// stop sends SIGINT, checks that tracer ends normally, and returns the trace.
func (p *process) stop() *trace {
	p.t.Helper()
	p.stopText()
	return p.trace()
}

// stopText does the same for output that is not JSON.
func (p *process) stopText() {
	p.t.Helper()
	p.settle()
	p.signal(syscall.SIGINT)
	p.ends(stopLimit, 0)
}

// trace parses the JSON output.
func (p *process) trace() *trace {
	p.t.Helper()
	return parse(p.t, p.stdout())
}

var (
	attachedLine = regexp.MustCompile(`(?m)^attached to (?:(\d+) functions? and )?(\d+) tracepoints?\b`)
	backendLine  = regexp.MustCompile(`(?m)^backend (\S+)`)
	summaryLine  = regexp.MustCompile(`(?m)^traced (\d+) events? of (\d+) packets? in [\d.]+s, (\d+) lost`)
)

// attached returns the number of attached functions, or of tracepoints if there are no functions.
func (p *process) attached() int {
	p.t.Helper()
	m := attachedLine.FindStringSubmatch(p.stderr())
	if m == nil {
		p.t.Errorf("stderr does not say what is attached: %s", p.stderr())
		return 0
	}
	count := m[1]
	if count == "" {
		count = m[2]
	}
	n, err := strconv.Atoi(count)
	if err != nil {
		p.t.Error(err)
	}
	return n
}

// backend returns the backend that stderr names.
func (p *process) backend() string {
	if m := backendLine.FindStringSubmatch(p.stderr()); m != nil {
		return m[1]
	}
	return ""
}

// awaitRows calls send repeatedly until the standard output has count lines.
func (p *process) awaitRows(count int, send func()) {
	p.t.Helper()
	for tries := 0; strings.Count(p.stdout(), "\n") < count; tries++ {
		if tries > 1000 || p.hasEnded() {
			p.t.Fatalf("%d lines in the output, want %d: %s", strings.Count(p.stdout(), "\n"), count, p.stderr())
		}
		send()
		time.Sleep(100 * time.Millisecond)
	}
}

// pause sends SIGSTOP, and waits until each thread of tracer is stopped.
func (p *process) pause() {
	p.t.Helper()
	p.signal(syscall.SIGSTOP)
	if !waits(soon, p.isPaused) {
		p.t.Fatalf("tracer %q is not stopped by SIGSTOP", p.cmd.Args[1:])
	}
}

var stoppedLine = regexp.MustCompile(`(?m)^State:\tT`)

func (p *process) isPaused() bool {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", p.cmd.Process.Pid))
	for _, task := range tasks {
		if status, err := os.ReadFile(task); err == nil && !stoppedLine.Match(status) {
			return false
		}
	}
	return len(tasks) > 0
}

// awaitOutput waits until tracer's standard output contains the text.
func (p *process) awaitOutput(text string) {
	p.t.Helper()
	if !waits(startLimit, func() bool { return strings.Contains(p.stdout(), text) || p.hasEnded() }) {
		p.t.Fatalf("no %q in the output: %s\n%s", text, p.stderr(), p.stuck())
	}
}
