// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tracer/internal/ktest"
)

// The names of the backends.
const (
	kprobeMulti = "kprobe-multi"
	kprobe      = "kprobe"
	tracepoint  = "tracepoint"
)

// folder is the temporary folder of this test run.
var folder string

// makeFolder makes the folder accessible to all users, since some tests run tracer as nobody.
func makeFolder() (err error) {
	if folder, err = os.MkdirTemp("", "tracer-e2e"); err != nil {
		return err
	}
	return os.Chmod(folder, 0o755)
}

func TestMain(m *testing.M) {
	ktest.ChildMain()
	readerMain()
	if err := makeFolder(); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(folder)
	if err := errors.Join(checkKernelLog(), figures.write()); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		code = max(code, 1)
	}
	os.Exit(code)
}

// binary returns the path of the tracer under test.
func binary(t *testing.T) string {
	t.Helper()
	ktest.Root(t)
	path := os.Getenv("TRACER")
	if path == "" {
		path = build(t)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// built builds tracer once for this test run, and returns its path.
var built = sync.OnceValues(func() (string, error) {
	path := filepath.Join(folder, "tracer")
	output, err := exec.Command("go", "build", "-o", path, "tracer/cmd/tracer").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, output)
	}
	return path, nil
})

// build is used if TRACER is not set. It builds tracer with `go build`, so that the binary is never
// stale.
func build(t *testing.T) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// backends returns the backends that must run on this kernel, best first.
func backends() []string {
	if list := os.Getenv("BACKENDS"); list != "" {
		return strings.Split(list, ",")
	}
	return detected()
}

// detected returns the backends that the kernel seems to support, independently of tracer.
var detected = sync.OnceValue(func() []string {
	var list []string
	symbols, _ := os.ReadFile("/proc/kallsyms")
	if bytes.Contains(symbols, []byte(" register_fprobe_ips\n")) {
		list = append(list, kprobeMulti)
	}
	if _, err := os.Stat("/sys/bus/event_source/devices/kprobe"); err == nil {
		list = append(list, kprobe)
	}
	return append(list, tracepoint)
})

// chosen returns the backend that tracer must choose without --backend.
func chosen() string { return backends()[0] }

// isDedicated reports whether the machine is used only for the tests.
func isDedicated() bool { return os.Getenv("RESULTS") != "" }

// needDedicatedMachine skips a test that changes settings of the whole machine, unless the machine is used only for the
// tests.
func needDedicatedMachine(t *testing.T) {
	t.Helper()
	if !isDedicated() {
		t.Skip("changes the whole machine: only runs in a virtual machine (make e2e)")
	}
}

// figure is the measurement of a backend with all functions attached.
type figure struct {
	Backend string `json:"backend"`
	// Functions is the number of functions, or of tracepoints for the tracepoint backend.
	Functions int `json:"functions"`
	// Ready is the time from start to ready, in seconds.
	Ready float64 `json:"ready"`
}

type figureList struct {
	mu   sync.Mutex
	list []figure
}

var figures = figureList{list: []figure{}}

func (l *figureList) add(f figure) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, f)
}

func (l *figureList) write() error {
	folder := os.Getenv("RESULTS")
	if folder == "" {
		return nil
	}
	b, err := json.Marshal(l.list)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "figures.json"), b, 0o644)
}

// TestBackendsMatchMachine checks that the backends in the table of machines are those that the kernel seems to
// support.
func TestBackendsMatchMachine(t *testing.T) {
	ktest.Root(t)
	if got, want := strings.Join(detected(), ","), strings.Join(backends(), ","); got != want {
		t.Errorf("the kernel seems to support %s, the table of machines says %s", got, want)
	}
}
