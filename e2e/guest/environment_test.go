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

// traceable checks that tracer sees a datagram in spite of a restricted environment.
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

// TestKernelPointersRestricted checks that tracer works with each level of kptr_restrict.
func TestKernelPointersRestricted(t *testing.T) {
	needDedicatedMachine(t)
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

// withoutAddresses checks that tracer still works if the kernel shows no addresses even to root. It may
// fall back to another backend, and then says why.
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

// TestNoTracefs checks that tracer works without tracefs.
func TestNoTracefs(t *testing.T) {
	traceable(t, command{within: withoutTracefs})
}

// withoutTracefs calls f in a mount namespace without tracefs and debugfs.
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

// TestNotRoot checks that the error for an unprivileged user names the missing capabilities.
func TestNotRoot(t *testing.T) {
	p := command{credential: &syscall.Credential{Uid: nobody, Gid: nobody}}.start(t)
	p.ends(soon, 1)
	for _, capability := range []string{"CAP_BPF", "CAP_PERFMON"} {
		if !strings.Contains(p.stderr(), capability) {
			t.Errorf("stderr does not name %s: %s", capability, p.stderr())
		}
	}
}

// TestModuleUnloaded unloads a module while one of its functions is traced. The kernel may
// refuse that, but tracer must continue and end normally.
func TestModuleUnloaded(t *testing.T) {
	needDedicatedMachine(t)
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

// withoutModuleTypes checks that on a kernel without BTF of modules (before 5.11) tracer names
// the module that it cannot trace, and continues.
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

// unload unloads a module, and loads it again at the end of the test.
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

// TestLockedDown checks the error on a kernel whose lockdown forbids BPF programs to read kernel memory: it
// names lockdown, and is not a verifier error.
func TestLockedDown(t *testing.T) {
	needDedicatedMachine(t)
	for _, args := range [][]string{{"icmp"}, {"--backend", kprobe, "icmp"}, {"--backend", tracepoint, "icmp"}} {
		p := command{args: args}.start(t)
		p.ends(soon, 1)
		if !strings.Contains(p.stderr(), "does not let BPF programs read kernel memory (lockdown=confidentiality does this)") {
			t.Errorf("%v: stderr does not say so: %s", args, p.stderr())
		}
	}
}
