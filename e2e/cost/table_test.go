// SPDX-License-Identifier: Apache-2.0

package cost

import (
	"math"
	"strings"
	"testing"
)

// figuresOf returns three samples for each argument, with 100, 90 and 110 percent of its value, all of one backend.
func figuresOf(samples ...Sample) Figures {
	f := Figures{Kernel: "6.12", Arch: "amd64", Counted: true, Commit: "c0ffee"}
	for _, s := range samples {
		s.Backend = "kprobe-multi"
		for round, by := range []float64{1, 0.9, 1.1} {
			s.Round = round
			again := s
			again.Value *= by
			f.Samples = append(f.Samples, again)
		}
	}
	return f
}

func TestTableComparesMediansBeyondTheLoad(t *testing.T) {
	text := Table([]Figures{figuresOf(
		Sample{Measure: "exchange", Subject: Nothing, Value: 20000},
		Sample{Measure: "exchange", Subject: Floor, Value: 50000},
		Sample{Measure: "exchange", Subject: Tracer, Filter: ByProtocol, Value: 80000},
		Sample{Measure: "exchange", Subject: Pwru, Filter: ByProtocol, Value: 270000},
		Sample{Measure: "exchange", Subject: Tracer, Filter: ByAddress, Value: 90000},
		Sample{Measure: "delivered", Subject: Tracer, Filter: Everything, Value: 50000},
		Sample{Measure: "delivered", Subject: Pwru, Filter: Everything, Value: 10000},
		Sample{Measure: "process per event" + AsJSON, Subject: Tracer, Filter: Everything, Value: 400},
		Sample{Measure: "process per event", Subject: Pwru, Filter: Everything, Value: 5000},
		Sample{Measure: "idle", Subject: Tracer, Filter: ByProtocol, Value: 0.1},
	)})
	for _, want := range []string{
		"6.12, amd64, kprobe-multi; commit c0ffee; counted instructions",
		"| extra cost of an exchange, `icmp` (never matches) | 30 us ±16.7% | 60 us ±13.3% | 250 us ±10.8% | 2.00 | 0.24 | ≤ 2 of the floor, ≤ 0.25 of pwru |",
		"| the same, `host 203.0.113.1` | 30 us ±16.7% | 70 us ±12.9% | 250 us ±10.8% | 2.33 | 0.28 | **missed: ≤ 2 of the floor**, **missed: ≤ 0.25 of pwru** |",
		"| events a second to a file, none lost |  | 50 k ±10.0% | 10 k ±10.0% |  | 5.00 | **missed: ≥ 10 of pwru** |",
		"| the same, JSON (of pwru's text) |  | 0.4 us ±10.0% | 5 us ±10.0% |  | 0.08 | ≤ 0.1 of pwru |",
		"| processor while nothing matches |  | 0.1 % ±10.0% |  |  |  | ≤ 0.5 % |",
		"| resident set |  |  |  |  |  | ≤ 1 of pwru |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the table has no line\n%s\nbut is\n%s", want, text)
		}
	}
}

func TestOfFloor(t *testing.T) {
	f := figuresOf(
		sample("exchange", Nothing, "", 20), sample("exchange", Floor, "", 50), sample("exchange", Tracer, ByProtocol, 110),
		sample("exchange", Tracer, ByAddress, 1000),
	)
	if got := f.OfFloor("kprobe-multi"); !(math.Abs(got-3) < 1e-9) {
		t.Errorf("%g, want 3", got)
	}
	if got := f.OfFloor("kprobe"); !math.IsNaN(got) {
		t.Errorf("%g without samples, want NaN", got)
	}
}

// TestTableOfCauses checks the rows of a measurement of tracer --drop alone.
func TestTableOfCauses(t *testing.T) {
	text := Table([]Figures{figuresOf(
		sample("exchange", Nothing, "", 20000), sample("exchange", Floor, "", 70000),
		sample("exchange", Drops("all"), ByProtocol, 25000), sample("exchange", Drops("all"), Everything, 40000),
		sample("exchange", Drops("route"), Everything, 21000), sample("start", Drops("all"), Everything, 2),
	)})
	for _, want := range []string{
		"| extra cost of an exchange, `--drop icmp` (never matches) | 50 us ±14.0% | 5 us ±50.0% |  | 0.10 |  | ≤ 0.3 of the floor |",
		"| the same, filter that matches, no drops | 50 us ±14.0% | 20 us ±20.0% |  | 0.40 |  | **missed: ≤ 0.3 of the floor** |",
		"| filter that matches, no drops, `--why route` | 50 us ±14.0% | 1 us ±210.0% |  | 0.02 |  |  |",
		"| start, `--drop` |  | 2 s ±10.0% |  |  |  |  |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the table has no line\n%s\nbut is\n%s", want, text)
		}
	}
	if strings.Contains(text, "resident set") {
		t.Errorf("the table has rows of what was not measured:\n%s", text)
	}
}

func TestSubjectsNamed(t *testing.T) {
	for name, want := range map[string]Subjects{"all": All, "causes": Causes, "brief": Brief} {
		if got, err := SubjectsNamed(name); err != nil || got != want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	if _, err := SubjectsNamed("some"); err == nil || !strings.Contains(err.Error(), `"some"`) {
		t.Errorf("error %v", err)
	}
}

func sample(measure, subject, filter string, value float64) Sample {
	return Sample{Measure: measure, Subject: subject, Filter: filter, Value: value}
}

// TestStopTargetDependsOnBackend checks that the target for stopping is in seconds for kprobe-multi, which has
// one link for all functions, and a ratio to pwru for backends with one link per function.
func TestStopTargetDependsOnBackend(t *testing.T) {
	f := figuresOf(sample("stop", Tracer, ByProtocol, 0.5), sample("stop", Pwru, ByProtocol, 1))
	for backend, want := range map[string]string{
		"kprobe-multi": "| stop |  | 0.5 s ±10.0% | 1 s ±10.0% |  | 0.50 | ≤ 1 s |",
		"kprobe":       "| stop |  | 0.5 s ±10.0% | 1 s ±10.0% |  | 0.50 | **missed: ≤ 0.25 of pwru** |",
	} {
		for i := range f.Samples {
			f.Samples[i].Backend = backend
		}
		if text := Table([]Figures{f}); !strings.Contains(text, want) || strings.Count(text, "| stop |") != 1 {
			t.Errorf("the table has no line\n%s\nor another:\n%s", want, text)
		}
	}
}

func TestNamed(t *testing.T) {
	list, err := Named("6.12-amd64,6.12-amd64:kprobe,5.10-arm64")
	if err != nil {
		t.Fatal(err)
	}
	want := []Machine{{"6.12", "amd64", "kprobe-multi"}, {"6.12", "amd64", "kprobe"}, {"5.10", "arm64", "kprobe"}}
	for i, m := range list {
		if m != want[i] {
			t.Errorf("%v, want %v", m, want[i])
		}
	}
	if _, err := Named("6.12"); err == nil || !strings.Contains(err.Error(), `"6.12"`) {
		t.Errorf("error %v", err)
	}
}
