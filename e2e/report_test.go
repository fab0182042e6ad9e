// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tracer/e2e/vm"
)

// report collects the rows of the table that is printed at the end of a run.
type report struct {
	order []machine
	mu    sync.Mutex
	rows  map[machine][]string
}

func newReport(list []machine) *report {
	return &report{order: list, rows: make(map[machine][]string)}
}

const head = "| kernel | arch | backend | functions | s to ready | scenarios passed |\n|---|---|---|--:|--:|--:|\n"

// add adds one row for each backend of a machine, and one for the scenarios in which
// tracer chooses the backend.
func (r *report) add(m machine, release string, ended *vm.Result, o *outcome) {
	var rows []string
	for _, backend := range m.backendList() {
		functions, ready := o.measured(backend)
		rows = append(rows, row(release, m.arch, backend, functions, ready, of(o.score("TestBackend/"+backend+"/"))))
	}
	rows = append(rows, row(release, m.arch, chosen(m), "", "", of(o.score(""))))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows[m] = rows
}

// chosen returns the backend cell of the row for scenarios in which tracer chooses the backend.
func chosen(m machine) string {
	if m.variant != "" {
		return "none (" + m.kernelArgs + ")"
	}
	return "chosen by tracer"
}

func row(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |\n" }

// measured returns a backend's number of functions and its start time, as text.
func (o *outcome) measured(backend string) (functions, ready string) {
	for _, f := range o.figures {
		if f.Backend == backend {
			return fmt.Sprint(f.Functions), fmt.Sprintf("%.1f", f.Ready)
		}
	}
	return "none", "never"
}

// score counts the scenarios with a prefix. An empty prefix means all except those of TestBackend.
func (o *outcome) score(prefix string) (passed, total int) {
	for _, one := range o.tests {
		if !strings.HasPrefix(one.name, prefix) || prefix == "" && strings.HasPrefix(one.name, "TestBackend/") {
			continue
		}
		total++
		if one.verdict == "PASS" {
			passed++
		}
	}
	return passed, total
}

func of(passed, total int) string { return fmt.Sprintf("%d of %d", passed, total) }

// publish prints the table and writes it to table.md.
func (r *report) publish(t *testing.T) {
	table := head
	for _, m := range r.order {
		if r.rows[m] == nil {
			table += row(m.series, m.arch, "", "", "", "none")
		}
		table += strings.Join(r.rows[m], "")
	}
	t.Log("\n" + table)
	if err := os.MkdirAll(resultsFolder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(resultsFolder, "table.md"), []byte(table), 0o644); err != nil {
		t.Error(err)
	}
}

func TestScore(t *testing.T) {
	o := outcome{tests: []test{{"TestBackend/kprobe/a", "PASS"}, {"TestBackend/kprobe-multi/a", "FAIL"}, {"TestX", "PASS"}}}
	for prefix, want := range map[string]string{"TestBackend/kprobe/": "1 of 1", "TestBackend/kprobe-multi/": "0 of 1", "": "1 of 1"} {
		if got := of(o.score(prefix)); got != want {
			t.Errorf("%q: got %s, want %s", prefix, got, want)
		}
	}
}
