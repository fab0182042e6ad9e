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

// asked are the names of files that the tracer was asked to write: those of [process], the output
// and older files.
var asked = regexp.MustCompile(`^(out|err|ready|trace\.json|trace-[-0-9T.]+\.json(\.gz)?)$`)

// onlyExpected finds files that nobody asked for, such as those that hold the place of others.
// After a run that came to its end, each file has whole lines, and older ones are compressed.
func onlyExpected(t *testing.T, dir string, p *process) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if !asked.MatchString(e.Name()) {
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

// surroundings are the files of a machine that is ours, and how often its kernel has warned.
type surroundings struct {
	files    []string
	warnings int
}

func newSurroundings(t *testing.T) surroundings {
	t.Helper()
	if !onOwnMachine() {
		return surroundings{}
	}
	return surroundings{files: machineFiles(t), warnings: warnings(t)}
}

// check finds files that are new anywhere on the machine, and new warnings of the kernel.
func (s surroundings) check(t *testing.T) {
	t.Helper()
	if !onOwnMachine() {
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
	if err := kernelIsWell(); err != nil {
		t.Error(err)
	}
}

// machineFiles are all files but the kernel's, those of the running tests and their results.
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

// warnings counts those in the kernel's log.
func warnings(t *testing.T) int {
	t.Helper()
	log, err := kernelLog()
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(log, warning)
}
