// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tracer/internal/ktest"
)

// TestStack compares stacks with those that the kernel's function tracer records for the same calls.
func TestStack(t *testing.T) {
	functions := []string{"ip_output", "icmp_rcv", "ip_rcv"}
	n := ktest.NewNetns(t, "a")
	own := kernelStacks(t, functions)
	p := start(t, "--filter-func", stackFunctions(functions), "--output-stack", "--output-caller", "--filter-netns", n.Path, "icmp")
	own.enable()
	ping(t, n, "127.0.0.1", 0x3001)
	own.disable()
	events := p.stop().events
	events.present(t, "any")
	for _, r := range events {
		if r.checkStack(t); t.Failed() {
			return // the others would fail alike
		}
	}
	if chosen() == tracepoint {
		return
	}
	for _, f := range functions {
		own.compare(f, events.that(in(f)))
	}
}

// TestStackInText checks that the text of a stack ends with the softirq that received the packet, without the process
// that sent it.
func TestStackInText(t *testing.T) {
	w := newWorld(t)
	ping(t, w.a, b4, 0x3001) // resolves the neighbours
	p := command{args: []string{"--drop", "--why", "none", "--output-stack", "--output-columns", "func,stack", "udp dst port 7777 and dst host " + b4}}.start(t)
	p.awaitReady()
	do(t, w.a, func() error { return udp(a4+":7001", b4+":7777").Send(1) })
	p.stopText()
	keep(t, "stack.txt", p.stdout())
	_, stack, _ := strings.Cut(p.stdout(), "\ntp:kfree_skb")
	if !endOfSoftirq.MatchString(stack) {
		t.Errorf("the stack does not end with the softirq:\n%s", p.stdout())
	}
	if strings.Contains(stack, "sys_sendto") {
		t.Errorf("the stack has the process that sent the packet:\n%s", p.stdout())
	}
}

var endOfSoftirq = regexp.MustCompile(`\n    (?:handle_softirqs|__do_softirq|__softirqentry_text_start)(?:\.\S+)?\+0x[0-9a-f]+\n    … \d+ frames? below the softirq\n$`)

func stackFunctions(functions []string) string {
	if chosen() == tracepoint {
		return few()
	}
	return strings.Join(functions, "|")
}

// checkStack checks that the stack begins with the function and its caller, and is complete: it ends with the
// system call that sent the packet, or with ksoftirqd, which may receive it.
func (r *record) checkStack(t *testing.T) {
	t.Helper()
	if len(r.Stack) < 5 {
		t.Errorf("%d frames: %v", len(r.Stack), *r)
		return
	}
	if first := r.Stack[0].Symbol; r.Type == "function" && first != r.Func {
		t.Errorf("stack of %s begins with %s", r.Func, first)
	}
	if want := r.Stack[1].String(); r.Type == "function" && r.Caller != want {
		t.Errorf("caller %q, second frame %q", r.Caller, want)
	}
	bottom := func(f frame) bool { return bottomOfStack.MatchString(f.Symbol) }
	if !slices.ContainsFunc(r.Stack, bottom) {
		t.Errorf("stack of %s does not go down to a system call or ksoftirqd: %v", r.Func, r.Stack)
	}
	for _, f := range r.Stack {
		if f.Symbol == "" || !strings.HasPrefix(f.Addr, "0x") {
			t.Errorf("frame %+v in the stack of %s", f, r.Func)
		}
	}
}

var bottomOfStack = regexp.MustCompile(`sys_sendto|sys_write|el0|entry_SYSCALL_64|system_call|^run_ksoftirqd$`)

func (f frame) String() string { return fmt.Sprintf("%s+%#x", f.Symbol, f.Offset) }

// functionTracer is an instance of the kernel's function tracer that records the stack of each call.
type functionTracer struct {
	t         *testing.T
	folder    string
	functions []string
	text      string
}

// kernelStacks creates an instance for some functions, not enabled yet. It returns nil if the kernel
// has no function probes.
func kernelStacks(t *testing.T, functions []string) *functionTracer {
	t.Helper()
	if chosen() == tracepoint {
		return nil
	}
	folder := filepath.Join("/sys/kernel/tracing/instances", fmt.Sprintf("tracer-%d", os.Getpid()))
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(folder); err != nil {
			t.Error(err)
		}
	})
	return &functionTracer{t: t, folder: folder, functions: functions}
}

// write writes text to files of the instance, given as name and text. An error ends the test.
func (f *functionTracer) write(files ...[2]string) {
	f.t.Helper()
	for _, file := range files {
		if err := os.WriteFile(filepath.Join(f.folder, file[0]), []byte(file[1]), 0); err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *functionTracer) enable() {
	if f != nil {
		f.write([2]string{"set_ftrace_filter", strings.Join(f.functions, "\n")}, [2]string{"trace_options", "sym-offset"},
			[2]string{"current_tracer", "function"}, [2]string{"trace_options", "func_stack_trace"})
	}
}

// disable reads the recorded text, and switches the function tracer off.
func (f *functionTracer) disable() {
	if f == nil {
		return
	}
	f.write([2]string{"tracing_on", "0"})
	text, err := os.ReadFile(filepath.Join(f.folder, "trace"))
	if err != nil {
		f.t.Fatal(err)
	}
	f.text = string(text)
	f.write([2]string{"current_tracer", "nop"})
}

// compare checks that the calls have the same stacks in the same order. It skips the function's own frame, whose
// offset differs, and the frames of the function tracer.
func (f *functionTracer) compare(function string, events records) {
	f.t.Helper()
	stacks := f.stacks(function)
	if len(stacks) != len(events) || len(stacks) == 0 {
		f.t.Errorf("%s: %d stacks of the kernel's, %d events", function, len(stacks), len(events))
		return
	}
	for i, want := range stacks {
		var got []string
		for _, frame := range events[i].Stack[1:] {
			got = append(got, frame.String())
		}
		if !slices.Equal(got, want) {
			f.t.Errorf("stack %d of %s:\n got %s\nwant %s", i, function, strings.Join(got, " "), strings.Join(want, " "))
			return // the others would fail alike
		}
	}
}

var kernelFrame = regexp.MustCompile(`(?m)^ => (\S+\+0x[0-9a-f]+)/`)

// stacks returns the recorded stacks of the calls of one function, from its caller on.
func (f *functionTracer) stacks(function string) [][]string {
	var stacks [][]string
	for _, part := range strings.Split(f.text, "<stack trace>\n")[1:] {
		stack := framesOf(part)
		at := slices.IndexFunc(stack, func(s string) bool { return strings.HasPrefix(s, function+"+") })
		if at >= 0 && at <= 3 { // at a deeper frame it is only a caller of the traced function
			stacks = append(stacks, stack[at+1:])
		}
	}
	return stacks
}

func framesOf(text string) []string {
	var frames []string
	for _, m := range kernelFrame.FindAllStringSubmatch(text, -1) {
		frames = append(frames, m[1])
	}
	return frames
}
