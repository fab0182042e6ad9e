// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sourceDir holds the C sources.
const sourceDir = "../../bpf"

// sourceFolders are the folders of sourceDir in reading order.
var sourceFolders = []string{"core", "packet", "match", "follow", "explain", "emit", "entry"}

// headers returns the paths of all headers below sourceDir, such as core/kernel.h.
func headers(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(sourceDir + "/*/*.h")
	if err != nil || len(found) < 40 {
		t.Fatalf("found %d headers below %s, error %v", len(found), sourceDir, err)
	}
	for i, path := range found {
		found[i] = strings.TrimPrefix(path, sourceDir+"/")
	}
	return found
}

// compilers are the names of clang, the one that generates the objects first.
var compilers = []string{"clang-19", "clang"}

func clang(t *testing.T) string {
	t.Helper()
	for _, name := range compilers {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no clang on this machine")
	return ""
}

// compile checks the syntax of a source that is nothing but an include of the header.
func compile(compiler, dir, header string) error {
	cmd := exec.Command(compiler, "-target", "bpf", "-D__TARGET_ARCH_x86", "-I", dir, "-mcpu=v3", "-O2", "-g",
		"-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-fsyntax-only", "-x", "c", "-")
	cmd.Stdin = strings.NewReader(fmt.Sprintf("#include %q\n", header))
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, output)
	}
	return nil
}

// TestHeadersCompileAlone checks that each header includes what it uses.
func TestHeadersCompileAlone(t *testing.T) {
	compiler := clang(t)
	for _, header := range headers(t) {
		if err := compile(compiler, sourceDir, header); err != nil {
			t.Errorf("%s does not compile alone: %v", header, err)
		}
	}
}

// TestCompileFindsMissingIncludes checks that TestHeadersCompileAlone can fail.
func TestCompileFindsMissingIncludes(t *testing.T) {
	compiler, dir := clang(t), t.TempDir()
	if err := os.WriteFile(dir+"/bare.h", []byte("static u32 unused;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if compile(compiler, dir, "bare.h") == nil {
		t.Error("a header that uses u32 without core/kernel.h compiles")
	}
}

var includeLine = regexp.MustCompile(`(?m)^#include "([^"]+)"$`)

// TestHeadersIncludeEarlierFolders checks that a header includes only headers of its own folder and
// of those before it in reading order.
func TestHeadersIncludeEarlierFolders(t *testing.T) {
	for _, header := range headers(t) {
		source, err := os.ReadFile(sourceDir + "/" + header)
		if err != nil {
			t.Fatal(err)
		}
		own := slices.Index(sourceFolders, filepath.Dir(header))
		if own < 0 {
			t.Errorf("%s: its folder is not among %q", header, sourceFolders)
		}
		for _, include := range includeLine.FindAllStringSubmatch(string(source), -1) {
			if of := slices.Index(sourceFolders, filepath.Dir(include[1])); of < 0 || of > own {
				t.Errorf("%s includes %q", header, include[1])
			}
		}
	}
}
