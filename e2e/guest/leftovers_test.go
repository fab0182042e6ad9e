// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// outputName is the output file of a run that is killed.
const outputName = "trace.json"

// expectedFile matches the names of the files that tracer may leave: the files of [process], the output and rotated
// files.
var expectedFile = regexp.MustCompile(`^(out|err|ready|trace\.json|trace-[-0-9T.]+\.json(\.gz)?)$`)

// onlyExpected checks that tracer has left only expected files, for instance no temporary files. After a run that
// ended normally, each file must have complete lines, and rotated ones must be compressed.
func onlyExpected(t *testing.T, dir string, p *process) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if !expectedFile.MatchString(e.Name()) {
			t.Errorf("left %s", e.Name())
			continue
		}
		if p.code() == 0 && strings.HasPrefix(e.Name(), "trace") {
			checkWhole(t, filepath.Join(dir, e.Name()))
		}
	}
}

func checkWhole(t *testing.T, path string) {
	t.Helper()
	text, err := plain(path)
	if err != nil || text != "" && !strings.HasSuffix(text, "}\n") {
		t.Errorf("%s ends with %q, %v", filepath.Base(path), text[max(0, len(text)-20):], err)
	}
	if name := filepath.Base(path); strings.HasPrefix(name, "trace-") && !strings.HasSuffix(name, ".gz") {
		t.Errorf("%s is not compressed", name)
	}
}

// surroundings are the files of a machine that is used only for the tests, and the number of its kernel's warnings.
type surroundings struct {
	files    []string
	warnings int
}

func newSurroundings(t *testing.T) surroundings {
	t.Helper()
	if !isDedicated() {
		return surroundings{}
	}
	return surroundings{files: machineFiles(t), warnings: warnings(t)}
}

// check checks that there are no new files anywhere on the machine, and no new warnings of the kernel.
func (s surroundings) check(t *testing.T) {
	t.Helper()
	if !isDedicated() {
		return
	}
	for _, name := range machineFiles(t) {
		if !slices.Contains(s.files, name) {
			t.Errorf("left %s", name)
		}
	}
	if n := warnings(t); n != s.warnings {
		t.Errorf("the kernel warned %d times", n-s.warnings)
	}
	if err := checkKernelLog(); err != nil {
		t.Error(err)
	}
}

// machineFiles returns all files except the kernel's, those of the running tests, and the results.
func machineFiles(t *testing.T) (names []string) {
	t.Helper()
	others := []string{"/proc", "/sys", "/dev", os.Getenv("RESULTS"), folder, filepath.Dir(t.TempDir())}
	err := filepath.WalkDir("/", func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && slices.Contains(others, name) {
			return fs.SkipDir
		}
		names = append(names, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

var warning = []byte("WARNING: CPU")

// warnings counts the warnings in the kernel's log.
func warnings(t *testing.T) int {
	t.Helper()
	log, err := kernelLog()
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(log, warning)
}
