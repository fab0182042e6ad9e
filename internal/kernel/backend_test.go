// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestEveryBackendIsDescribed checks that a backend that probes functions can also probe their returns, and
// that every backend except the best states its cost.
func TestEveryBackendIsDescribed(t *testing.T) {
	for i, d := range backends {
		if d.try == nil || (d.Cost == "") != (i == 0) || d.Functions != (len(d.Returns) > 0) {
			t.Errorf("%q: %+v", d.Backend, d)
		}
		for _, way := range d.Returns {
			if !slices.Contains(ReturnWays(), way) {
				t.Errorf("%q: returns by %q, which is not described", d.Backend, way)
			}
		}
		if got := d.Backend.Describe(); got.Backend != Backends[i] || got.Cost != d.Cost {
			t.Errorf("%q is described as %+v", d.Backend, got)
		}
	}
}

// TestWaysToTraceReturns checks that every way except the best has a cost and a remedy, and that only the best,
// a kprobe session, can be missing.
func TestWaysToTraceReturns(t *testing.T) {
	noSession := &Facts{NoSession: errNoSession}
	for i, d := range returnWays {
		best := i == 0
		if (d.Cost == "") != best || (d.Remedy == "") != best || d.Way.Describe().WithEntries != best {
			t.Errorf("%q: %+v", d.Way, d)
		}
		if (d.Missing(noSession) != nil) != best || d.Missing(new(Facts)) != nil {
			t.Errorf("%q: without sessions %v, with them %v", d.Way, d.Missing(noSession), d.Missing(new(Facts)))
		}
	}
}

func TestUnknownNamesDescribeNothing(t *testing.T) {
	if d := Backend("magic").Describe(); d.Backend != "magic" || d.Functions || d.try != nil {
		t.Errorf("backend %+v", d)
	}
	if d := ReturnWay("magic").Describe(); d.Way != "magic" || d.WithEntries {
		t.Errorf("returns %+v", d)
	}
}

// TestDocsListTheBackends checks that the table in docs/backends.md has a column for each backend, best first.
func TestDocsListTheBackends(t *testing.T) {
	docs, err := os.ReadFile("../../docs/backends.md")
	if err != nil {
		t.Fatal(err)
	}
	head := "| |"
	for _, b := range Backends {
		head += " `" + string(b) + "` |"
	}
	if !strings.Contains(string(docs), "\n"+head+"\n") {
		t.Errorf("docs/backends.md has no table that begins with %s", head)
	}
}
