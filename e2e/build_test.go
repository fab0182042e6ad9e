// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// programs are what a machine of one architecture runs.
type programs struct {
	init, tests, tracer string
}

// build compiles the guest's side for each architecture that is wanted.
func build(t *testing.T, list []machine) map[string]programs {
	t.Helper()
	built := make(map[string]programs)
	for _, m := range list {
		if _, ok := built[m.arch]; !ok {
			built[m.arch] = buildFor(t, m.arch)
		}
	}
	return built
}

func buildFor(t *testing.T, arch string) programs {
	t.Helper()
	folder := t.TempDir()
	p := programs{init: filepath.Join(folder, "init"), tests: filepath.Join(folder, "guest.test"), tracer: tracer(arch)}
	if _, err := os.Stat(p.tracer); err != nil {
		t.Fatalf("no tracer for %s: %v: run make GOARCH=%s", arch, err, arch)
	}
	goTool(t, arch, "build", "-ldflags=-s -w", "-o", p.init, "./init")
	goTool(t, arch, "test", "-c", "-ldflags=-s -w", "-o", p.tests, "./guest")
	return p
}

// tracer is where make puts the binary for an architecture.
func tracer(arch string) string {
	if arch == runtime.GOARCH {
		return "../tracer"
	}
	return filepath.Join("../build", arch, "tracer")
}

func goTool(t *testing.T, arch string, args ...string) {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+arch)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("go %v: %w\n%s", args, err, out))
	}
}
