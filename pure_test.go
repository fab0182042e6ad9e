// SPDX-License-Identifier: Apache-2.0

package tracer_test

import (
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// pure are packages that compute from their arguments alone.
var pure = []string{"internal/plan", "internal/lookup"}

// host are packages through which a program asks the machine that it runs on. The library's
// subpackages asm and btf do not.
var host = []string{"io/ioutil", "net", "os", "os/exec", "os/user", "path/filepath", "runtime", "runtime/debug", "syscall", "time", "github.com/cilium/ebpf", "github.com/cilium/ebpf/features", "github.com/cilium/ebpf/link", "golang.org/x/sys/unix"}

// constants are the exceptions: what they take of such a package are constants.
var constants = map[string][]string{"internal/lookup": {"golang.org/x/sys/unix"}}

// TestPurePackagesAskNothing: planning reads nothing from the machine, so that a plan for another
// kernel, from stored facts, is the one that is made there.
func TestPurePackagesAskNothing(t *testing.T) {
	files, err := parseImports(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, f := range files {
		folder := path.Dir(f.path)
		if !slices.Contains(pure, folder) || strings.HasSuffix(f.path, "_test.go") {
			continue
		}
		checked++
		for _, imported := range f.imports {
			if slices.Contains(host, imported) && !slices.Contains(constants[folder], imported) {
				t.Errorf("%s imports %q: pass what it reads as an argument", f.path, imported)
			}
		}
	}
	if checked == 0 {
		t.Error("no file was checked")
	}
}
