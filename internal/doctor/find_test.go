// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"compress/gzip"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tracer/internal/kernel"
	"tracer/internal/ktest"
)

func TestSmallFilesAreParsed(t *testing.T) {
	for text, want := range map[string]string{"[none] integrity confidentiality": "none", "none [integrity] confidentiality": "integrity", "": "", "none": ""} {
		if got := chosen(text); got != want {
			t.Errorf("chosen of %q: %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]bool{"         0          0 4294967295": false, "0 1000 1": true, "": false} {
		if got := isNamespaced(text); got != want {
			t.Errorf("a user namespace with %q: %v", text, got)
		}
	}
	for release, want := range map[string]bool{"5.10.0-30-cloud-amd64": true, "5.11.0": false, "6.1": false, "4.19.1": true, "odd": false} {
		if got := countsMemory(release); got != want {
			t.Errorf("%s counts memory: %v", release, got)
		}
	}
}

func TestConfigIsReadPackedAndPlain(t *testing.T) {
	const text = "# CONFIG_FPROBE is not set\nCONFIG_BPF_JIT=y\nCONFIG_X=\"a=b\"\n"
	want := map[string]string{"CONFIG_BPF_JIT": "y", "CONFIG_X": `"a=b"`}
	folder := t.TempDir()
	plain, packed := filepath.Join(folder, "config"), filepath.Join(folder, "config.gz")
	file, err := os.Create(packed)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(file)
	_, err = z.Write([]byte(text))
	if err := errors.Join(err, z.Close(), file.Close(), os.WriteFile(plain, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{plain, packed} {
		if got, err := readConfig(path); err != nil || !maps.Equal(got, want) {
			t.Errorf("%s: %v (%v)", path, got, err)
		}
	}
	if _, err := readConfig(folder + "/none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if _, err := parseConfig(strings.NewReader("nothing\n")); !errors.Is(err, errNoConfig) {
		t.Errorf("error %v", err)
	}
}

// TestFindOnThisMachine checks that the findings agree with what tracing uses, and that nothing is left behind.
func TestFindOnThisMachine(t *testing.T) {
	ktest.NoLeaks(t)
	f, err := Find(context.Background(), "v1")
	if err != nil {
		t.Fatal(err)
	}
	facts, err := kernel.Gather(context.Background(), kernel.Options{})
	if err != nil || f.Kernel == nil || f.Release != facts.Release {
		t.Fatalf("found %+v, kernel %v (%v)", f, facts, err)
	}
	for _, b := range kernel.Backends {
		if runs := f.Plans[b].Reason == nil; runs != (facts.Support[b] == nil) {
			t.Errorf("%s runs: %v, and tracing says %v", b, runs, facts.Support[b])
		}
	}
	if got := f.Plans[kernel.TracepointBackend].Tracepoints; f.runs(kernel.TracepointBackend) && got != len(facts.Tracepoints) {
		t.Errorf("%d tracepoints planned, want %d", got, len(facts.Tracepoints))
	}
}

// TestBuiltInModulesAreFound checks modules against the symbols of the kernel: those of a loaded module name it.
func TestBuiltInModulesAreFound(t *testing.T) {
	symbols, err := os.ReadFile("/proc/kallsyms")
	if err != nil {
		t.Fatal(err)
	}
	f, err := Find(context.Background(), "v1")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(symbols)) {
		fields := strings.Fields(line)
		if fields[2] != "nft_do_chain" {
			continue
		}
		if builtIn := len(fields) == 3; f.Tables.BuiltIn != builtIn || f.Tables.Loaded == builtIn {
			t.Errorf("%+v, the symbol is %q", f.Tables, line)
		}
		return
	}
	if f.Tables != (Module{}) {
		t.Errorf("%+v, and there is no symbol nft_do_chain", f.Tables)
	}
}

func TestFindEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Find(ctx, "v1"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
