// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
)

func needBTF(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(btfVmlinux); err != nil {
		t.Skip(err)
	}
}

// TestGather examines this kernel. It needs no privileges: every refusal must have a reason.
func TestGather(t *testing.T) {
	needBTF(t)
	f, err := Gather(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if f.Release == "" || f.BTF == nil || len(f.Tracepoints) == 0 {
		t.Errorf("release %q, %d tracepoints", f.Release, len(f.Tracepoints))
	}
	for _, b := range Backends {
		if _, ok := f.Support[b]; !ok {
			t.Errorf("nothing is known about %s", b)
		}
	}
	if f.PageSize != os.Getpagesize() || f.CPUsUnknown != nil || f.CPUs < runtime.NumCPU() {
		t.Errorf("pages of %d bytes, %d CPUs (%v), of which this process may use %d", f.PageSize, f.CPUs, f.CPUsUnknown, runtime.NumCPU())
	}
	if f.Symbols == nil {
		if len(f.Functions) > 0 || !errors.Is(f.Support[Kprobe], ErrAddressesHidden) && f.Support[Kprobe] == nil {
			t.Error("functions without symbols")
		}
		return
	}
	if len(f.Functions) < 300 {
		t.Errorf("%d functions", len(f.Functions))
	}
}

// TestOwnSupport compares the results of the backend tests with sysfs.
func TestOwnSupport(t *testing.T) {
	needBTF(t)
	if err := CheckPrivileges(); err != nil {
		t.Skip(err)
	}
	f, err := Gather(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if f.Support[TracepointBackend] != nil {
		t.Errorf("%s: %v", TracepointBackend, f.Support[TracepointBackend])
	}
	_, noPMU := os.Stat(kprobePMU)
	if (f.Support[Kprobe] == nil) != (noPMU == nil) && f.Symbols != nil {
		t.Errorf("%s: %v, and %v", Kprobe, f.Support[Kprobe], noPMU)
	}
	if noPMU != nil && f.Support[KprobeMulti] == nil {
		t.Errorf("%s runs without kprobes", KprobeMulti)
	}
}

func TestGatherErrors(t *testing.T) {
	needBTF(t)
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Gather(done, Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := Gather(t.Context(), Options{BTFFile: "/no/such/file"}); err == nil || !strings.Contains(err.Error(), `"/no/such/file"`) {
		t.Error(err)
	}
	if _, err := Gather(t.Context(), Options{Modules: []string{"no/such"}}); err == nil || !strings.Contains(err.Error(), `"no/such"`) {
		t.Error(err)
	}
}

func TestGatherWithAnAbsentModule(t *testing.T) {
	needBTF(t)
	f, err := Gather(t.Context(), Options{Modules: []string{"nosuch"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Tracepoints) == 0 || len(f.Modules) != 0 || len(f.AbsentModules) != 1 || f.AbsentModules[0].Name != "nosuch" {
		t.Errorf("%d tracepoints, modules %v, absent %v", len(f.Tracepoints), f.Modules, f.AbsentModules)
	}
}

// TestNoMountIsLeft checks that reading a file system that is not mounted leaves no visible mount and no open
// descriptor.
func TestNoMountIsLeft(t *testing.T) {
	before := visible(t)
	_, _ = readList(runtime.GOARCH)
	_ = readBlacklist()
	diff(t, before, visible(t))
}

func visible(t *testing.T) map[string]int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]int{
		"mounts":      strings.Count(string(file(t, "/proc/self/mounts")), "\n"),
		"descriptors": len(fds),
	}
}

func TestRelease(t *testing.T) {
	want, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	if got := Release(); got+"\n" != string(want) {
		t.Errorf("%q, want %q", got, want)
	}
}
