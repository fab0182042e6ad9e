// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"tracer/internal/kernel"
	"tracer/internal/ktest"
)

const nobody = 65534

// with adds CAP_SYS_RESOURCE on kernels before 5.11, where BPF memory counts towards RLIMIT_MEMLOCK.
func with(numbers ...uintptr) []uintptr {
	if isBefore(5, 11) {
		numbers = append(numbers, unix.CAP_SYS_RESOURCE)
	}
	return numbers
}

// forFunctions returns the capabilities to trace functions, in addition to more.
func forFunctions(more ...uintptr) []uintptr {
	return with(append(more, unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_SYSLOG)...)
}

// isBefore reports whether the running kernel is older than a version.
func isBefore(major, minor int) bool {
	var u unix.Utsname
	var itsMajor, itsMinor int
	if unix.Uname(&u) != nil {
		return false
	}
	_, _ = fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &itsMajor, &itsMinor)
	return itsMajor < major || itsMajor == major && itsMinor < minor
}

// asUser starts tracer as an unprivileged user with these capabilities.
func asUser(t *testing.T, capabilities []uintptr, args ...string) *process {
	t.Helper()
	dir, err := os.MkdirTemp(folder, "user")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	ready := filepath.Join(dir, "ready")
	p := command{
		args:       append([]string{"--output-json", "--ready-file", ready}, args...),
		credential: &syscall.Credential{Uid: nobody, Gid: nobody},
		ambient:    capabilities,
	}.start(t)
	p.readyFile = ready
	return p
}

// setting sets a sysctl until the end of the test.
func setting(t *testing.T, name, value string) {
	t.Helper()
	file := "/proc/sys/" + name
	before, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, []byte(value), 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.WriteFile(file, before, 0); err != nil {
			t.Error(err)
		}
	})
}

// tracesPing checks that tracer sees a ping between two hosts, and ends normally.
func tracesPing(t *testing.T, p *process, backend string) {
	t.Helper()
	w := newWorld(t)
	p.awaitReady()
	ping(t, w.a, b4, vethID)
	events := p.stop().events
	for _, function := range []string{marks(backend).sent, marks(backend).received} {
		events.passed(t, function)
	}
	if p.backend() != backend {
		t.Errorf("backend %q, want %q: %s", p.backend(), backend, p.stderr())
	}
}

// pingFunctions is a pattern for the functions or tracepoints in which tracesPing expects the ping.
func pingFunctions(backend string) string { return marks(backend).sent + "|" + marks(backend).received }

// TestUnprivilegedUser checks each backend with the minimum capabilities of an unprivileged user.
func TestUnprivilegedUser(t *testing.T) {
	needDedicatedMachine(t)
	for _, backend := range backends() {
		t.Run(backend, func(t *testing.T) {
			capabilities := forFunctions()
			if backend == tracepoint {
				capabilities = with(unix.CAP_BPF, unix.CAP_PERFMON)
			}
			if backend == kprobe {
				setting(t, "kernel/perf_event_paranoid", "2")
			}
			p := asUser(t, capabilities, "--backend", backend, "--filter-func", pingFunctions(backend), "icmp")
			p.awaitReady()
			p.hasOnly(t, keptForCounters(unix.CAP_BPF))
			tracesPing(t, p, backend)
		})
	}
}

// TestKprobesNeedSysAdmin checks that with kernel.perf_event_paranoid=3, as some distributions have it, the kprobe
// backend needs CAP_SYS_ADMIN, and the error names it.
func TestKprobesNeedSysAdmin(t *testing.T) {
	needDedicatedMachine(t)
	setting(t, "kernel/perf_event_paranoid", "3")
	args := []string{"--backend", kprobe, "--filter-func", pingFunctions(kprobe), "icmp"}
	p := asUser(t, forFunctions(), args...)
	p.ends(soon, 1)
	for _, word := range []string{"CAP_SYS_ADMIN", "kernel.perf_event_paranoid"} {
		if !strings.Contains(p.stderr(), word) {
			t.Errorf("stderr does not name %s: %s", word, p.stderr())
		}
	}
	tracesPing(t, asUser(t, forFunctions(unix.CAP_SYS_ADMIN), args...), kprobe)
}

// TestFileCapabilities checks a binary with file capabilities.
func TestFileCapabilities(t *testing.T) {
	needDedicatedMachine(t)
	was := os.Getenv("TRACER")
	t.Setenv("TRACER", withFileCapabilities(t, was, unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_SYSLOG, unix.CAP_SYS_RESOURCE))
	backend := chosen()
	if backend == kprobe {
		setting(t, "kernel/perf_event_paranoid", "2")
	}
	p := asUser(t, nil, "--filter-func", pingFunctions(backend), "icmp")
	p.awaitReady()
	p.hasOnly(t, keptForCounters(unix.CAP_BPF))
	tracesPing(t, p, backend)
}

// withFileCapabilities copies the program and sets file capabilities, like `setcap NAMES+ep`.
func withFileCapabilities(t *testing.T, program string, numbers ...uint) string {
	t.Helper()
	dir, err := os.MkdirTemp(folder, "caps")
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	copied := filepath.Join(dir, "tracer")
	text, err := os.ReadFile(program)
	err = errors.Join(err, os.WriteFile(copied, text, 0o755))
	if err == nil {
		err = unix.Setxattr(copied, "security.capability", fileCapabilities(numbers...), 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return copied
}

// fileCapabilities returns a struct vfs_cap_data (include/uapi/linux/capability.h) with these capabilities
// permitted and effective.
func fileCapabilities(numbers ...uint) []byte {
	const revision2, effective = 0x02000000, 1
	set := uint64(kernel.SetOf(numbers...))
	words := [5]uint32{revision2 | effective, uint32(set), 0, uint32(set >> 32), 0}
	return unsafe.Slice((*byte)(unsafe.Pointer(&words)), unsafe.Sizeof(words))
}

// TestRequiredCapabilityIsNamed checks that the error names the missing capability.
func TestRequiredCapabilityIsNamed(t *testing.T) {
	needDedicatedMachine(t)
	for missing, held := range map[string]uintptr{"CAP_BPF": unix.CAP_PERFMON, "CAP_PERFMON": unix.CAP_BPF} {
		p := asUser(t, with(held, unix.CAP_SYSLOG), "icmp")
		p.ends(soon, 1)
		if want := "tracer: not permitted: lacking " + missing + "\n"; !strings.HasPrefix(p.stderr(), want) {
			t.Errorf("stderr %q, want %q", p.stderr(), want)
		}
	}
}

// TestMissingOptionalCapabilities checks that without each optional capability a note says what is missing, and
// the rest still works.
func TestMissingOptionalCapabilities(t *testing.T) {
	needDedicatedMachine(t)
	if chosen() == kprobe {
		setting(t, "kernel/perf_event_paranoid", "2")
	}
	t.Run("CAP_SYSLOG", func(t *testing.T) {
		either := pingFunctions(chosen()) + "|" + pingFunctions(tracepoint)
		p := asUser(t, with(unix.CAP_BPF, unix.CAP_PERFMON), "--filter-func", either, "icmp")
		tracesPing(t, p, tracepoint)
		p.notes(t, "note: lacking CAP_SYSLOG: only tracepoints are traced")
	})
	t.Run("CAP_DAC_READ_SEARCH", func(t *testing.T) {
		p := asUser(t, forFunctions(), "--filter-func", pingFunctions(chosen()), "icmp")
		tracesPing(t, p, chosen())
		p.notes(t, "note: lacking CAP_DAC_READ_SEARCH: tracer does not know beforehand which functions the kernel refuses")
	})
	t.Run("CAP_SYS_RAWIO", func(t *testing.T) {
		p := asUser(t, forFunctions(unix.CAP_DAC_READ_SEARCH), "--filter-func", pingFunctions(chosen()), "udp[100] == 1 or icmp")
		tracesPing(t, p, chosen())
		p.notes(t, "note: lacking CAP_SYS_RAWIO: filters do not see bytes in page fragments")
	})
	t.Run("CAP_SYS_PTRACE", func(t *testing.T) {
		p := asUser(t, forFunctions(), "--filter-func", few(), "--filter-pid", "1", "icmp")
		p.awaitReady()
		p.stop()
		p.notes(t, "warning: lacking CAP_SYS_PTRACE, perhaps CAP_DAC_READ_SEARCH: a socket is matched to these processes only once it has sent: 1\n")
	})
	t.Run("CAP_SYS_RESOURCE", func(t *testing.T) {
		lockedMemory(t, 64<<10)
		p := asUser(t, []uintptr{unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_SYSLOG}, "--filter-func", pingFunctions(chosen()), "icmp")
		if !isBefore(5, 11) {
			tracesPing(t, p, chosen())
			return
		}
		p.ends(startLimit, 1)
		p.notes(t, "the limit of locked memory, 64 KiB, may be too low (before Linux 5.11)")
		p.notes(t, "hint: run as root, with CAP_SYS_RESOURCE, or after `ulimit -l unlimited`")
	})
	t.Run("CAP_SYS_ADMIN", func(t *testing.T) {
		p := asUser(t, forFunctions(), "--filter-func", few(), "--filter-trace-tc", "icmp")
		p.ends(startLimit, 1)
		p.notes(t, "lacking CAP_SYS_ADMIN")
	})
}

// lockedMemory sets RLIMIT_MEMLOCK, which child processes inherit, until the end of the test. Other tests may have
// raised it.
func lockedMemory(t *testing.T, size uint64) {
	t.Helper()
	var had unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &had)
	if err = errors.Join(err, unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: size, Max: size})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &had); err != nil {
			t.Error(err)
		}
	})
}

// notes checks that stderr contains a text.
func (p *process) notes(t *testing.T, line string) {
	t.Helper()
	if !strings.Contains(p.stderr(), line) {
		t.Errorf("stderr does not say %q: %s", line, p.stderr())
	}
}

// keptForCounters returns the given capabilities on kernels where tracer keeps them to read its counters: before 5.19
// with kernel.unprivileged_bpf_disabled, reading a map that the process has open needs CAP_BPF.
func keptForCounters(numbers ...uint) kernel.CapabilitySet {
	disabled, err := os.ReadFile("/proc/sys/kernel/unprivileged_bpf_disabled")
	if err != nil || strings.TrimSpace(string(disabled)) == "0" || !isBefore(5, 19) {
		return 0
	}
	return kernel.SetOf(numbers...)
}

var rightsLine = regexp.MustCompile(`(?m)^(Cap\w+|NoNewPrivs):\t(\w+)$`)

// hasOnly checks that each thread of tracer has exactly these capabilities, and cannot gain others.
func (p *process) hasOnly(t *testing.T, want kernel.CapabilitySet) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", p.cmd.Process.Pid))
	if err != nil || len(tasks) < 3 {
		t.Fatalf("threads %v (%v)", tasks, err)
	}
	for _, task := range tasks {
		status, err := os.ReadFile(task)
		if errors.Is(err, os.ErrNotExist) { // the thread has ended
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		p.checkRights(t, string(status), want)
	}
}

func (p *process) checkRights(t *testing.T, status string, want kernel.CapabilitySet) {
	t.Helper()
	held := fmt.Sprintf("%016x", uint64(want))
	none := fmt.Sprintf("%016x", 0)
	rights := map[string]string{"CapInh": none, "CapPrm": held, "CapEff": held, "CapAmb": none, "NoNewPrivs": "1"}
	found := 0
	for _, m := range rightsLine.FindAllStringSubmatch(status, -1) {
		if value, known := rights[m[1]]; known {
			if found++; m[2] != value {
				t.Errorf("a thread has %s %s, want %s", m[1], m[2], value)
			}
		}
	}
	if found != len(rights) {
		t.Errorf("%d of %d rights in %s", found, len(rights), status)
	}
}

// TestPrivilegesAreDropped checks that root keeps no capabilities, and that tracer still finds names of later objects:
// a namespace, its interfaces, and functions of a module.
func TestPrivilegesAreDropped(t *testing.T) {
	needDedicatedMachine(t)
	if err := unix.DeleteModule("dummy", unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	p := start(t, "--filter-func", landmark()+"|kfree_skb.*|consume_skb|__kfree_skb|netif_receive_skb", "--output-stack", "--output-netns-names", "icmp or udp port 7777")
	p.hasOnly(t, keptForCounters(unix.CAP_BPF))
	w := newWorld(t)
	ping(t, w.a, b4, vethID)
	load(t, "dummy")
	ktest.NewDummy(t, ktest.End{Netns: w.a, Name: "d0", Addresses: prefixes("10.7.0.1/24")})
	// The first unknown address causes the symbols to be read again. That may be delayed by up to a minute
	// if they were read recently.
	for range 90 {
		do(t, w.a, func() error { return udp("10.7.0.1:7001", "10.7.0.2:7777").Send(1) })
		time.Sleep(time.Second)
		if strings.Contains(p.stdout(), "dummy_xmit") || chosen() == tracepoint { // stacks of tracepoints may not have it
			break
		}
	}
	p.hasOnly(t, keptForCounters(unix.CAP_BPF))
	events := p.stop().events
	later := events.that(func(r *record) bool { return r.Ifname == "vb" })
	if len(later) == 0 || later[0].NetnsName == nil || *later[0].NetnsName != filepath.Base(w.b.Path) {
		t.Errorf("%d events at vb, want some in the namespace %s", len(later), w.b.Path)
	}
	if chosen() != tracepoint && !slices.ContainsFunc(events, throughDummy) {
		t.Errorf("no stack has dummy_xmit, of a module that was loaded later: %v", events.that(sport(7001)))
	}
}

func throughDummy(r record) bool {
	return slices.ContainsFunc(r.Stack, func(f frame) bool { return strings.HasPrefix(f.Symbol, "dummy_xmit") })
}

// TestPrivilegesForPrograms checks that tracer keeps the capabilities to trace programs that are loaded later.
func TestPrivilegesForPrograms(t *testing.T) {
	needDedicatedMachine(t)
	p := command{args: []string{"--output-json", "--filter-func", few(), "--filter-trace-tc", "icmp"}}.start(t)
	if p.untraceable() {
		return // TestPrograms checks the error
	}
	p.hasOnly(t, kernel.SetOf(unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_SYS_ADMIN, unix.CAP_SYSLOG))
	p.stop()
}

// TestPrivilegesForProcesses checks that --filter-pid keeps the capabilities to search the sockets of processes
// repeatedly.
func TestPrivilegesForProcesses(t *testing.T) {
	needDedicatedMachine(t)
	p := start(t, "--filter-func", few(), "--filter-pid", "1", "icmp")
	p.hasOnly(t, kernel.SetOf(unix.CAP_SYS_PTRACE, unix.CAP_DAC_READ_SEARCH)|keptForCounters(unix.CAP_BPF))
	p.stop()
	if strings.Contains(p.stderr(), "warning:") {
		t.Errorf("unexpected warning: %s", p.stderr())
	}
}

// untraceable waits until tracer is ready or has ended, and reports whether it ended because BPF programs can't
// be traced.
func (p *process) untraceable() bool {
	return !p.isReady() && p.hasEnded() && strings.Contains(p.stderr(), "BPF programs can't be traced")
}

// TestRotationInForeignFolder checks that tracer keeps the capabilities to rotate files in another user's folder.
func TestRotationInForeignFolder(t *testing.T) {
	needDedicatedMachine(t)
	dir := t.TempDir()
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chown(dir, nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	s := newStream(t, nil, "--output-json", "--output-file", filepath.Join(dir, "trace.json"), "--output-file-max-size", "1", "--output-skb")
	s.hasOnly(t, kernel.SetOf(unix.CAP_DAC_OVERRIDE, unix.CAP_CHOWN, unix.CAP_FOWNER)|keptForCounters(unix.CAP_BPF))
	s.send(packets)
	s.stopText()
	if files, err := os.ReadDir(dir); err != nil || len(files) < 2 {
		t.Errorf("%d files, want several (%v)", len(files), err)
	}
}
