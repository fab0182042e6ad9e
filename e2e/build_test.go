// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"tracer/e2e/vm"
)

// programs are the paths of the binaries for the machines of one architecture.
type programs struct {
	init, tests, tracer string
}

// build compiles the guest's programs for each architecture in the list.
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
	err := errors.Join(
		vm.Build(arch, "build", "-ldflags=-s -w", "-o", p.init, "./init"),
		vm.Build(arch, "test", "-c", "-ldflags=-s -w", "-o", p.tests, "./guest"),
	)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// tracer returns the path where make puts the binary for an architecture.
func tracer(arch string) string {
	if arch == runtime.GOARCH {
		return "../tracer"
	}
	return filepath.Join("../build", arch, "tracer")
}
