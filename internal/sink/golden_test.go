// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tracer/internal/column"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files with what is printed now")

func TestMain(m *testing.M) {
	time.Local = time.FixedZone("test", 2*60*60)
	os.Exit(m.Run())
}

var golden = map[string]Options{
	"default.txt":   {Columns: column.Options{Meta: true, Tuple: true}},
	"bare.txt":      {},
	"current.txt":   {Columns: column.Options{Meta: true, Tuple: true, Timestamp: column.Current}},
	"relative.txt":  {Columns: column.Options{Tuple: true, Timestamp: column.Relative}},
	"absolute.txt":  {Columns: column.Options{Meta: true, Tuple: true, Timestamp: column.Absolute}},
	"default.json":  {JSON: true, Columns: column.Options{Meta: true, Tuple: true}},
	"bare.json":     {JSON: true},
	"full.txt":      {Columns: full},
	"colour.txt":    {Color: true, Columns: column.Options{Tuple: true}},
	"chosen.txt":    {Columns: column.Options{TCPSeq: true, Chosen: []string{"func", "stack", "tuple", "netns_name", "cpu"}}},
	"full.json":     {JSON: true, Color: true, Columns: full},
	"chosen.json":   {JSON: true, Columns: column.Options{Chosen: []string{"func", "pid", "stack", "tuple"}}},
	"absolute.json": {JSON: true, Columns: column.Options{Meta: true, Tuple: true, Timestamp: column.Absolute}},
}

// full is every column that can be printed together.
var full = column.Options{
	Meta: true, Tuple: true, Timestamp: column.Absolute, TCPFlags: true, TCPSeq: true, NetnsName: true, CB: true,
	Tunnel: true, Caller: true, Stack: true, Skb: true, Shared: true, Metadata: true, Why: true,
}

func TestGolden(t *testing.T) {
	for name, o := range golden {
		t.Run(name, func(t *testing.T) { checkGolden(t, filepath.Join("testdata", name), printed(t, o)) })
	}
}

func printed(t *testing.T, o Options) string {
	t.Helper()
	var out bytes.Buffer
	x := New(&out, o)
	for _, s := range samples() {
		if err := x.Take(&s.event); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
	}
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func checkGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is not what is printed now (-want +got):\n%s", path, diff)
	}
}
