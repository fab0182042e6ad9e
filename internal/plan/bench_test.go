// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"context"
	"testing"

	"tracer/internal/bpf"
	"tracer/internal/filter"
	"tracer/internal/kernel"
)

// BenchmarkNew plans all functions of this kernel with a packet filter, as if the kernel supported every
// backend.
func BenchmarkNew(b *testing.B) {
	found, err := kernel.Gather(context.Background(), kernel.Options{})
	if err != nil {
		b.Fatal(err)
	}
	found.Support = facts().Support
	program, err := filter.Compile("tcp and port 80")
	if err != nil {
		b.Fatal(err)
	}
	o := Options{Backend: kernel.KprobeMulti, Filter: program, Settings: bpf.Config{Meta: true, Tuple: true}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(o, found); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(found.Functions)), "functions")
}
