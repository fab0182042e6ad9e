// SPDX-License-Identifier: Apache-2.0

package cost

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"tracer/internal/explain"
)

// row describes one line of the table: the measure, the filter and the targets.
type row struct {
	title, measure, filter string
	// subject is the subject that is compared; empty means tracer.
	subject string
	// only is the only backend for which the row is shown, but the backend for which it is not; empty means none.
	only, but string
	// peers is pwru's measure, if it differs from tracer's.
	peers string
	// beyond subtracts the duration of an exchange without any subject.
	beyond bool
	// ofFloor and ofPeer are upper bounds of the ratio to the floor and to pwru, or lower bounds if
	// more is set; 0 means no target.
	ofFloor, ofPeer float64
	// most is an absolute upper bound, in the displayed unit; 0 means none.
	most float64
	// more is true if larger values are better.
	more bool
	// unit is the displayed unit. Values of samples are divided by size.
	unit string
	size float64
}

var rows = slices.Concat(usual, dropRows())

// OfFloorWithDrops is the target for the cost of --drop with all causes, for packets that are not dropped.
const OfFloorWithDrops = 0.3

// dropRows are the rows for drops and their causes, one for each family.
func dropRows() []row {
	list := []row{
		{title: "extra cost of an exchange, `--drop icmp` (never matches)", measure: "exchange", subject: Drops("all"), filter: ByProtocol, beyond: true, ofFloor: OfFloorWithDrops, unit: "us", size: 1e3},
		{title: "the same, filter that matches, no drops", measure: "exchange", subject: Drops("all"), filter: Everything, beyond: true, ofFloor: OfFloorWithDrops, unit: "us", size: 1e3},
		{title: "the same, `--why none`", measure: "exchange", subject: Drops("none"), filter: Everything, beyond: true, unit: "us", size: 1e3},
		{title: "start, `--drop`", measure: "start", subject: Drops("all"), filter: Everything, unit: "s", size: 1},
		{title: "start, `--drop --why none`", measure: "start", subject: Drops("none"), filter: Everything, unit: "s", size: 1},
	}
	for _, family := range explain.Families() {
		list = append(list, row{title: "filter that matches, no drops, `--why " + family + "`", measure: "exchange", subject: Drops(family), filter: Everything, beyond: true, unit: "us", size: 1e3})
	}
	return list
}

var usual = []row{
	{title: "extra cost of an exchange, `icmp` (never matches)", measure: "exchange", filter: ByProtocol, beyond: true, ofFloor: 2, ofPeer: 1. / 4, unit: "us", size: 1e3},
	{title: "the same, `host 203.0.113.1`", measure: "exchange", filter: ByAddress, beyond: true, ofFloor: 2, ofPeer: 1. / 4, unit: "us", size: 1e3},
	{title: "the same, `tcp and port 80`", measure: "exchange", filter: ByPort, beyond: true, ofFloor: 2, ofPeer: 1. / 4, unit: "us", size: 1e3},
	{title: "extra cost of an exchange that matches, to a file", measure: "exchange", filter: Everything, beyond: true, ofPeer: 1. / 3, unit: "us", size: 1e3},
	{title: "events a second to a file, none lost", measure: "delivered", filter: Everything, ofPeer: 10, more: true, unit: "k", size: 1e3},
	{title: "the process's time for an event", measure: "process per event", filter: Everything, ofPeer: 1. / 10, unit: "us", size: 1e3},
	{title: "the same, JSON (of pwru's text)", measure: "process per event" + AsJSON, peers: "process per event", filter: Everything, ofPeer: 1. / 10, unit: "us", size: 1e3},
	{title: "start", measure: "start", filter: ByProtocol, ofFloor: 1.3, ofPeer: 1. / 3, unit: "s", size: 1},
	{title: "stop", measure: "stop", filter: ByProtocol, only: "kprobe-multi", most: 1, unit: "s", size: 1},
	{title: "stop", measure: "stop", filter: ByProtocol, but: "kprobe-multi", ofPeer: 1. / 4, unit: "s", size: 1},
	{title: "processor while nothing matches", measure: "idle", filter: ByProtocol, most: 0.5, unit: "%", size: 1},
	{title: "resident set", measure: "resident set", filter: ByProtocol, ofPeer: 1, unit: "MB", size: 1e6},
	{title: "BPF maps", measure: "maps", filter: ByProtocol, ofPeer: 1, unit: "MB", size: 1e6},
}

// Table returns all figures in Markdown, one table for each kernel and backend.
func Table(all []Figures) string {
	var b strings.Builder
	for _, f := range all {
		for _, backend := range f.backends() {
			f.write(&b, backend)
		}
	}
	return b.String()
}

// OfFloor returns the overhead of tracer on an exchange with a filter that never matches, as a
// multiple of the floor's overhead, or NaN without samples.
func (f Figures) OfFloor(backend string) float64 { return f.ratio(backend, Tracer, ByProtocol) }

// DropsOfFloor returns the same for tracer --drop with these families of causes and a filter.
func (f Figures) DropsOfFloor(backend, families, filter string) float64 {
	return f.ratio(backend, Drops(families), filter)
}

func (f Figures) ratio(backend, subject, filter string) float64 {
	load := f.of(backend, "exchange", Nothing, "").median()
	ours := f.of(backend, "exchange", subject, filter).median()
	return (ours - load) / (f.of(backend, "exchange", Floor, "").median() - load)
}

func (f Figures) backends() (list []string) {
	for _, s := range f.Samples {
		if !slices.Contains(list, s.Backend) {
			list = append(list, s.Backend)
		}
	}
	return list
}

func (f Figures) write(b *strings.Builder, backend string) {
	times := "wall clock"
	if f.Counted {
		times = "counted instructions as time, 2 ns each"
	}
	fmt.Fprintf(b, "\n%s, %s, %s; commit %s; %s\n\n", f.Kernel, f.Arch, backend, f.Commit, times)
	fmt.Fprintf(b, "An exchange without any of them takes %s.\n\n", f.of(backend, "exchange", Nothing, "").text(1e3, "us"))
	b.WriteString("| measure | floor | tracer | pwru | of the floor | of pwru | wanted |\n|---|--:|--:|--:|--:|--:|---|\n")
	for _, r := range f.rows() {
		if (r.only == "" || r.only == backend) && r.but != backend {
			f.writeRow(b, backend, r)
		}
	}
}

// rows returns the rows for the subjects that were measured.
func (f Figures) rows() []row {
	if slices.ContainsFunc(f.Samples, func(s Sample) bool { return s.Subject == Tracer }) {
		return rows
	}
	return dropRows()
}

func (f Figures) writeRow(b *strings.Builder, backend string, r row) {
	ours := f.of(backend, r.measure, cmp.Or(r.subject, Tracer), r.filter)
	theirs := f.of(backend, cmp.Or(r.peers, r.measure), Pwru, peerFilter(r.filter))
	least := f.of(backend, r.measure, Floor, "")
	if r.filter == Everything && r.subject == "" {
		least = nil // the floor produces no events
	}
	if r.beyond {
		idle := f.of(backend, "exchange", Nothing, "").median()
		ours, theirs, least = ours.less(idle), theirs.less(idle), least.less(idle)
	}
	toFloor, toPeer := ours.of(least), ours.of(theirs)
	cells := []string{
		r.title, least.text(r.size, r.unit), ours.text(r.size, r.unit), theirs.text(r.size, r.unit),
		ratio(toFloor), ratio(toPeer), r.verdict(ours, toFloor, toPeer),
	}
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}

// peerFilter returns the filter of pwru's samples to compare with those of tracer with a filter: pwru is measured with
// only one filter that never matches, since its cost is the same for all.
func peerFilter(filter string) string {
	if filter == Everything {
		return Everything
	}
	return ByProtocol
}

// verdict returns the targets, and marks those that are missed.
func (r row) verdict(ours values, toFloor, toPeer float64) string {
	var wanted []string
	add := func(limit, got float64, what string) {
		if limit == 0 {
			return
		}
		sign, met := "≤", got <= limit
		if r.more {
			sign, met = "≥", got >= limit
		}
		text := fmt.Sprintf("%s %.3g%s", sign, limit, what)
		if !math.IsNaN(got) && !met {
			text = "**missed: " + text + "**"
		}
		wanted = append(wanted, text)
	}
	add(r.ofFloor, toFloor, " of the floor")
	add(r.ofPeer, toPeer, " of pwru")
	add(r.most, ours.median()/r.size, " "+r.unit)
	return strings.Join(wanted, ", ")
}

func ratio(r float64) string {
	if math.IsNaN(r) || math.IsInf(r, 0) {
		return ""
	}
	return fmt.Sprintf("%.2f", r)
}

// values are all samples of one measure and subject, sorted.
type values []float64

func (f Figures) of(backend, measure, subject, filter string) (v values) {
	for _, s := range f.Samples {
		if s.Backend == backend && s.Measure == measure && s.Subject == subject && s.Filter == filter {
			v = append(v, s.Value)
		}
	}
	slices.Sort(v)
	return v
}

// of returns the ratio of the medians, or NaN if one has no samples or is not positive, because it is below the noise
// of the clock.
func (v values) of(other values) float64 {
	ours, theirs := v.median(), other.median()
	if !(ours > 0 && theirs > 0) {
		return math.NaN()
	}
	return ours / theirs
}

// median returns the median, or NaN without values.
func (v values) median() float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

func (v values) less(by float64) (list values) {
	for _, value := range v {
		list = append(list, value-by)
	}
	return list
}

// text returns the median and, if there is more than one value, half of their range in percent.
func (v values) text(size float64, unit string) string {
	if len(v) == 0 {
		return ""
	}
	text := fmt.Sprintf("%.4g %s", v.median()/size, unit)
	if spread := v[len(v)-1] - v[0]; len(v) > 1 && v.median() > 0 {
		text += fmt.Sprintf(" ±%.1f%%", 50*spread/v.median())
	}
	return text
}
