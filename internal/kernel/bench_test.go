// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/cilium/ebpf/btf"
)

func ownBTF(b *testing.B) []byte {
	b.Helper()
	raw, err := readBTF("")
	if err != nil {
		b.Skip(err)
	}
	return raw
}

// BenchmarkTypes measures the whole search for functions, tracepoints and reasons.
func BenchmarkTypes(b *testing.B) {
	raw := ownBTF(b)
	for b.Loop() {
		if _, err := parseImages("amd64", raw, nil, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSpec measures how long cilium/ebpf takes to index BTF before it can answer anything.
func BenchmarkSpec(b *testing.B) {
	raw := ownBTF(b)
	for b.Loop() {
		if _, err := btf.LoadSpecFromReader(bytes.NewReader(raw)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSpecFunctions measures a search with cilium/ebpf, for comparison with BenchmarkTypes. The difference is
// why this package has its own BTF parser ([types]).
func BenchmarkSpecFunctions(b *testing.B) {
	raw := ownBTF(b)
	for b.Loop() {
		spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
		if err != nil {
			b.Fatal(err)
		}
		for _, err := range spec.All() {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkSymbols(b *testing.B) {
	raw, err := os.ReadFile(kallsymsPath)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := ParseSymbols(bytes.NewReader(raw)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGather(b *testing.B) {
	for b.Loop() {
		if _, err := Gather(context.Background(), Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
