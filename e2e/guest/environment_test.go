// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// traceable sends a datagram and wants it to be seen, whatever is wrong with the
// environment.
func traceable(t *testing.T, c command) {
	t.Helper()
	n := ktest.NewNetns(t, "a")
	listen(t, n)
	c.args = append(c.args, "--output-json", "--filter-func", landmark(), "udp and dst port 7777")
	p := c.start(t)
	p.awaitReady()
	do(t, n, func() error { return udp("127.0.0.1:7001", "127.0.0.1:7777").Send(1) })
	events := p.stop().events.that(sport(7001))
	events.passed(t, landmark())
	if len(events) != 1 {
		t.Errorf("%d events, want 1", len(events))
	}
}

func TestKernelPointersRestricted(t *testing.T) {
	ownMachine(t)
	const file = "/proc/sys/kernel/kptr_restrict"
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.WriteFile(file, before, 0); err != nil {
			t.Error(err)
		}
	})
	for level, check := range map[string]func(*testing.T){
		"1": func(t *testing.T) { traceable(t, command{}) },
		"2": withoutAddresses,
	} {
		if err := os.WriteFile(file, []byte(level), 0); err != nil {
			t.Fatal(err)
		}
		t.Run(level, check)
	}
}

// withoutAddresses: where the kernel shows no addresses to anybody, the tracer may
// fall back to another backend, says why, and traces all the same.
func withoutAddresses(t *testing.T) {
	n := ktest.NewNetns(t, "a")
	either := landmark() + "|" + marks(tracepoint).received
	p := start(t, "--filter-func", either, "--filter-netns", n.Path, "udp and dst port 7777")
	do(t, n, func() error { return udp("127.0.0.1:7001", "127.0.0.1:7777").Send(1) })
	events := p.stop().events.that(sport(7001))
	events.passed(t, marks(p.backend()).received)
	if p.backend() != chosen() && !strings.Contains(p.stderr(), "/proc/kallsyms hides") {
		t.Errorf("stderr does not say why %s runs and not %s: %s", p.backend(), chosen(), p.stderr())
	}
}

func TestNoTracefs(t *testing.T) {
	traceable(t, command{within: withoutTracefs})
}

// withoutTracefs calls f where tracefs and debugfs are not mounted.
func withoutTracefs(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // the thread ends with its mount namespace
		done <- func() error {
			if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
				return err
			}
			if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
				return err
			}
			for _, path := range []string{"/sys/kernel/debug/tracing", "/sys/kernel/tracing", "/sys/kernel/debug"} {
				err := unix.Unmount(path, unix.MNT_DETACH)
				if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
					return fmt.Errorf("unmount %s: %w", path, err)
				}
			}
			return f()
		}()
	}()
	return <-done
}

func TestNotRoot(t *testing.T) {
	p := command{credential: &syscall.Credential{Uid: nobody, Gid: nobody}}.start(t)
	p.ends(soon, 1)
	for _, capability := range []string{"CAP_BPF", "CAP_PERFMON"} {
		if !strings.Contains(p.stderr(), capability) {
			t.Errorf("stderr does not name %s: %s", capability, p.stderr())
		}
	}
}

// TestModuleUnloaded removes a module while one of its functions is traced. The
// kernel may refuse that, but the tracer has to go on and end well.
func TestModuleUnloaded(t *testing.T) {
	ownMachine(t)
	if chosen() == tracepoint {
		t.Fatal("this test needs a machine with kprobes")
	}
	if _, err := os.Stat("/sys/kernel/btf/dummy"); err != nil {
		withoutModuleTypes(t)
		return
	}
	for _, backend := range backends()[:len(backends())-1] {
		t.Run(backend, func(t *testing.T) { unloadWhileTraced(t, backend) })
	}
}

// withoutModuleTypes: a kernel without types for modules (before 5.11) can't
// trace one, and the tracer says which and goes on.
func withoutModuleTypes(t *testing.T) {
	t.Helper()
	p := start(t, "--kmods", "dummy", "--filter-func", few())
	p.stop()
	p.notes(t, `note: --kmods "dummy": it has no BTF, so its functions are not traced: this kernel has no BTF of modules`)
}

func unloadWhileTraced(t *testing.T, backend string) {
	n := ktest.NewNetns(t, "a")
	ktest.NewDummy(t, ktest.End{Netns: n, Name: "d0", Addresses: prefixes("10.7.0.1/24")})
	p := start(t, "--backend", backend, "--kmods", "dummy", "--filter-func", "dummy_xmit|ip_rcv", "udp and dst port 7777")
	do(t, n, func() error { return udp("10.7.0.1:7001", "10.7.0.2:7777").Send(1) })
	if err := n.DeleteLink("d0"); err != nil {
		t.Fatal(err)
	}
	unload(t, "dummy")
	listen(t, n)
	do(t, n, func() error { return udp("127.0.0.1:7002", "127.0.0.1:7777").Send(1) })
	events := p.stop().events
	through := events.that(sport(7001), func(r *record) bool { return r.Module == "dummy" })
	through.passed(t, "dummy_xmit")
	events.that(sport(7002)).passed(t, "ip_rcv")
}

// unload removes a module and has it back at the end of the test.
func unload(t *testing.T, name string) {
	t.Helper()
	err := unix.DeleteModule(name, unix.O_NONBLOCK)
	t.Logf("unload %s while it is traced: %v", name, err)
	if err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EBUSY) {
		t.Fatal(err)
	}
	if err == nil {
		t.Cleanup(func() { load(t, name) })
	}
}

func load(t *testing.T, name string) {
	f, err := os.Open(filepath.Join(os.Getenv("MODULES"), name+".ko"))
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil {
		t.Errorf("load %s again: %v", name, err)
	}
}

// TestLockedDown: where the kernel lets no program read its memory, nothing can be
// traced, and the tracer says that and not what a verifier says.
func TestLockedDown(t *testing.T) {
	ownMachine(t)
	for _, args := range [][]string{{"icmp"}, {"--backend", kprobe, "icmp"}, {"--backend", tracepoint, "icmp"}} {
		p := command{args: args}.start(t)
		p.ends(soon, 1)
		if !strings.Contains(p.stderr(), "does not let BPF programs read kernel memory (lockdown=confidentiality does this)") {
			t.Errorf("%v: stderr does not say so: %s", args, p.stderr())
		}
	}
}
