// SPDX-License-Identifier: Apache-2.0

package contrib_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// printer is a fake tracer to install: it prints its arguments, fails if FAILS is set, and prints nothing if SILENT is
// set.
const printer = "#!/bin/sh\n[ -z \"$FAILS\" ] || exit 3\n[ -n \"$SILENT\" ] || echo \"$*\"\n"

// installation has the files that make install creates in PREFIX, with their uncompressed text.
var installation = map[string]string{
	"bin/tracer":                                  printer,
	"share/man/man8/tracer.8.gz":                  "man\n",
	"share/zsh/site-functions/_tracer":            "completion zsh\n",
	"share/bash-completion/completions/tracer":    "completion bash\n",
	"share/fish/vendor_completions.d/tracer.fish": "completion fish\n",
}

// makefile runs make in the root of the repository, with the fake tracer.
type makefile struct {
	*testing.T
	dir string
}

func newMakefile(t *testing.T) *makefile {
	t.Helper()
	m := &makefile{t, t.TempDir()}
	if err := os.WriteFile(m.tracer(), []byte(printer), 0o755); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *makefile) tracer() string  { return filepath.Join(m.dir, "a tracer") }
func (m *makefile) destdir() string { return filepath.Join(m.dir, "root with a blank") }

// run returns make's output, and whether it succeeded.
func (m *makefile) run(env []string, args ...string) (string, bool) {
	m.Helper()
	cmd := exec.Command("make", append([]string{"-C", "..", "--no-print-directory", "PREFIX=/opt/x", "DESTDIR=" + m.destdir(), "TRACER=" + m.tracer()}, args...)...)
	cmd.Env = append(os.Environ(), append([]string{"MAKEFLAGS=", "MAKELEVEL="}, env...)...)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		m.Fatal(err)
	}
	return string(out), err == nil
}

// files returns the files in PREFIX, with their text.
func (m *makefile) files() map[string]string {
	m.Helper()
	found := map[string]string{}
	root := filepath.Join(m.destdir(), "opt/x")
	err := filepath.WalkDir(m.destdir(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		found[name] = m.text(path)
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		m.Fatal(err)
	}
	return found
}

func (m *makefile) text(path string) string {
	m.Helper()
	if filepath.Ext(path) != ".gz" {
		return read(m.T, path)
	}
	out, err := exec.Command("gunzip", "--to-stdout", path).Output()
	if err != nil {
		m.Fatal(err)
	}
	return string(out)
}

// TestInstallAndUninstall checks that make uninstall removes exactly the files of make install.
func TestInstallAndUninstall(t *testing.T) {
	t.Parallel()
	m := newMakefile(t)
	for range 2 { // the second time overwrites the first
		if out, ok := m.run(nil, "install"); !ok {
			t.Fatal(out)
		}
	}
	if diff := cmp.Diff(installation, m.files()); diff != "" {
		t.Errorf("installed (-want +got):\n%s", diff)
	}
	own := filepath.Join(m.destdir(), "opt/x/bin/other")
	if err := os.WriteFile(own, []byte("other"), 0o755); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing to remove
		if out, ok := m.run(nil, "uninstall"); !ok {
			t.Fatal(out)
		}
	}
	if diff := cmp.Diff(map[string]string{"bin/other": "other"}, m.files()); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

// TestInstallFails checks that a failed installation leaves no files.
func TestInstallFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ env, arg, want string }{
		"no tracer":              {"X=", "TRACER=no/such", "there is no no/such yet: run make first"},
		"a tracer that fails":    {"FAILS=1", "X=", "Error 3"},
		"a tracer that is quiet": {"SILENT=1", "X=", "a tracer man: printed nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMakefile(t)
			out, ok := m.run([]string{test.env}, "install", test.arg)
			if ok || !strings.Contains(out, test.want) {
				t.Errorf("want a failure with %q, got %s", test.want, out)
			}
			if left := m.files(); len(left) > 0 {
				t.Errorf("a failed installation left %q", left)
			}
		})
	}
}
