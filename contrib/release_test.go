// SPDX-License-Identifier: Apache-2.0

package contrib_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const packaging = "packaging"

// TestVersionsOfReleases checks which versions version.sh accepts.
func TestVersionsOfReleases(t *testing.T) {
	t.Parallel()
	for version, good := range map[string]bool{
		"v1.2.3": true, "v0.0.0": true, "v10.20.30": true, "v1.2.3-rc.1": true, "v1.2.3-0.x-y.7a": true,
		"": false, "1.2.3": false, "v1.2": false, "v1.2.3.4": false, "v01.2.3": false, "v1.2.3-": false,
		"v1.2.3-rc..1": false, "v1.2.3-01": false, "v1.2.3+build": false, "v1.2.3 ": false, "v1.2.3\nv1.2.3": false,
		"V1.2.3": false, "devel": false, "v1.2.3/../x": false,
	} {
		out, err := exec.Command(packaging+"/version.sh", version).CombinedOutput()
		if (err == nil) != good {
			t.Errorf("%q: %v, want success %t", version, err, good)
		}
		if !good && !strings.Contains(string(out), "is not v and a semantic version\nhint: make release VERSION=v1.2.3") {
			t.Errorf("%q: says %s", version, out)
		}
	}
}

// TestReleaseIsRefused checks that nothing is built for an invalid version.
func TestReleaseIsRefused(t *testing.T) {
	t.Parallel()
	out, ok := newMakefile(t).run(nil, "release", "VERSION=1.2.3")
	if ok || !strings.HasPrefix(out, "version 1.2.3 is not v and a semantic version\n") {
		t.Errorf("make release VERSION=1.2.3: success %t, says %s", ok, out)
	}
}

// git runs git in the folder dir, with a made-up user.
func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=x", "-c", "user.email=x@example.org"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %q: %v: %s", args, err, out)
	}
}

// TestUncommittedFilesPreventARelease checks committed.sh without a repository, and with a clean and a changed one.
func TestUncommittedFilesPreventARelease(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := filepath.Join(dir, "contrib/packaging/committed.sh")
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(filepath.Dir(script), 0o755))
	must(os.WriteFile(script, []byte(read(t, packaging+"/committed.sh")), 0o755))
	expect := func(good bool, want string) {
		t.Helper()
		out, err := exec.Command(script).CombinedOutput()
		if (err == nil) != good || !strings.Contains(string(out), want) {
			t.Errorf("%v: says %q, want success %t and %q", err, out, good, want)
		}
	}
	expect(false, "a release must be built in a git checkout")
	git(t, dir, "init", "--quiet")
	git(t, dir, "add", ".")
	git(t, dir, "commit", "--quiet", "--message", "x")
	expect(true, "")
	must(os.WriteFile(filepath.Join(dir, "new"), nil, 0o644))
	expect(false, "not committed, so a release would lack it:\n?? new")
}

// TestReleaseWithoutSourceDateEpoch checks the error without SOURCE_DATE_EPOCH.
func TestReleaseWithoutSourceDateEpoch(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(packaging+"/release.sh", t.TempDir(), "v1.2.3", "no-such")
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=")
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "SOURCE_DATE_EPOCH: must be the time of the commit") {
		t.Errorf("%v: says %s", err, out)
	}
}

// TestMissingLicences checks the errors of licences.sh.
func TestMissingLicences(t *testing.T) {
	t.Parallel()
	bare := `case $1 in
env) echo "$0.d" ;;
version) printf '\tdep\texample.org/x\tv1.2.3\th1:\n' ;;
list) echo "$0.d" ;;
esac`
	for name, test := range map[string]struct{ tracer, libpcap, goCommand, want string }{
		"no libpcap":           {executable(t), t.TempDir(), "", "version: No such file"},
		"not a Go binary":      {"/bin/sh", library(t), "", "not a Go executable"},
		"no such binary":       {"no-such", library(t), "", "no-such"},
		"Go without a licence": {"x", library(t), bare, "no licence of Go's standard library"},
		"a module without a licence": {"x", library(t), "mkdir -p $0.d/bare && touch $0.d/LICENSE\n" +
			strings.Replace(bare, `list) echo "$0.d"`, `list) echo "$0.d/bare"`, 1), "no licence of example.org/x v1.2.3"},
		"a missing module": {"x", library(t), "mkdir -p $0.d && touch $0.d/LICENSE\n" +
			strings.Replace(bare, `list) echo "$0.d"`, `list) echo "$0.d/none"`, 1), "module example.org/x is not in the module cache"},
		"no modules": {"x", library(t), "mkdir -p $0.d && touch $0.d/LICENSE\n" +
			strings.Replace(bare, `version)`, `never)`, 1), "x: no Go modules are named in it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(packaging+"/licences.sh", test.tracer, test.libpcap)
			if test.goCommand != "" {
				cmd.Env = append(os.Environ(), "GO="+shellScript(t, test.goCommand))
			}
			out, err := cmd.CombinedOutput()
			if lines := strings.Split(string(out), "\n"); err == nil || !strings.Contains(string(out), test.want) {
				t.Errorf("%v: want a failure with %q, got … %s", err, test.want, lines[max(0, len(lines)-3):])
			}
		})
	}
}

// shellScript creates a shell script with this text.
func shellScript(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

// library creates a folder like the one that libpcap/build.sh prints.
func library(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"LICENSE", "version", "origin"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("of libpcap\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
