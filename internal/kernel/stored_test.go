// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// storedKernels are cut out of Debian's kernels by testdata/gen.
var storedKernels = []string{"5.10-amd64", "6.1-amd64", "6.12-amd64", "7.3-amd64", "6.12-arm64"}

func stored(t testing.TB, kernel string) Sources {
	t.Helper()
	dir := filepath.Join("testdata", kernel)
	s := Sources{
		Arch:    strings.SplitN(kernel, "-", 2)[1],
		BTF:     gunzip(t, filepath.Join(dir, "btf.gz")),
		Symbols: bytes.NewReader(file(t, filepath.Join(dir, "kallsyms"))),
	}
	if b, err := os.ReadFile(filepath.Join(dir, "places")); err == nil {
		s.Places = bytes.NewReader(b)
	} else {
		s.Names = bytes.NewReader(file(t, filepath.Join(dir, "names")))
	}
	return s
}

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func gunzip(t testing.TB, name string) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(file(t, name)))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func facts(t testing.TB, s Sources) *Facts {
	t.Helper()
	f, err := FactsFrom(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
