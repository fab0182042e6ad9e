// SPDX-License-Identifier: Apache-2.0

package value

import (
	"bytes"
	"compress/gzip"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files with the current output")

// storedKernels are the types of Debian's kernels that testdata/gen extracted.
var storedKernels = []string{"5.10-amd64", "6.1-amd64", "6.12-amd64", "7.3-amd64"}

// TestStoredKernels prints the same bytes with the types of several kernels.
func TestStoredKernels(t *testing.T) {
	for _, kernel := range storedKernels {
		t.Run(kernel, func(t *testing.T) {
			spec := storedTypes(t, filepath.Join("testdata", kernel+".btf.gz"))
			var got []byte
			for _, name := range []string{"sk_buff", "skb_shared_info"} {
				f := format(t, structOfKernel(t, spec, name))
				raw := countingBytes(f.Size())
				got = append(f.AppendLines(got, raw, 0), '\n')
				got = append(f.AppendJSON(got, raw), '\n')
			}
			checkGolden(t, filepath.Join("testdata", kernel+".golden"), got)
		})
	}
}

func storedTypes(t *testing.T, name string) *btf.Spec {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// countingBytes returns bytes that count up from 0, so that each value shows its offset. The third byte,
// which is nr_frags in skb_shared_info, is small.
func countingBytes(n int) []byte {
	raw := make([]byte, n)
	for i := range raw {
		raw[i] = byte(i)
	}
	return raw
}

func checkGolden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
