// SPDX-License-Identifier: Apache-2.0

package live

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tracer/internal/bpf"
	"tracer/internal/event"
	"tracer/internal/filter"
	"tracer/internal/kernel"
	"tracer/internal/plan"
)

func compiled(t *testing.T, expr string) *filter.Program {
	t.Helper()
	f, err := filter.Compile(expr)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func keys(list []event.Unseen) string {
	var all []string
	for _, u := range list {
		all = append(all, u.Key)
	}
	return strings.Join(all, " ")
}

func TestUnseen(t *testing.T) {
	drop := plan.Drop{Only: true}
	netns := plan.Options{Netns: plan.Netns{In: []uint32{1}}}
	hidden := event.Totals{HiddenReasons: []event.ReasonCount{{Name: "OTHERHOST", Count: 3}, {Name: "NO_SOCKET", Count: 1}}}
	for name, c := range map[string]struct {
		asked       plan.Options
		expr        string
		change      func(*plan.Plan)
		connections bool
		uncounted   bool
		totals      event.Totals
		want        string
	}{
		"nothing asked":  {},
		"protocol":       {expr: "icmp"},
		"port":           {expr: "udp port 53", want: "later_fragments nat"},
		"ICMP type":      {expr: "icmp[icmptype] = icmp-echo", want: "later_fragments"},
		"host":           {expr: "host 10.0.0.1", want: "nat"},
		"host, followed": {expr: "host 10.0.0.1", change: func(p *plan.Plan) { p.BPF.Config.FollowMatched = true }},
		"port, followed by tracepoints": {expr: "port 53", change: func(p *plan.Plan) { p.BPF.Config.FollowMatched, p.Backend = true, kernel.TracepointBackend },
			want: "later_fragments functions"},
		"port, followed by functions": {expr: "port 53", change: func(p *plan.Plan) { p.BPF.Config.FollowMatched = true }},
		"missed":                      {totals: event.Totals{Missed: 3}, want: "missed"},
		"missed while followed":       {totals: event.Totals{Missed: 3}, change: func(p *plan.Plan) { p.BPF.Config.Ids = true }, want: "missed_following"},
		"missed and not counted":      {uncounted: true, want: "missed_uncounted"},
		"namespace":                   {asked: netns},
		"unknown namespace":           {asked: netns, totals: event.Totals{WithoutNetns: 4}, want: "no_namespace"},
		"unknown interface":           {asked: netns, totals: event.Totals{WithoutIfname: 4}, want: "no_interface"},
		"excluded interface":          {asked: plan.Options{Ifnames: plan.Ifnames{Out: []string{"lo"}}}},
		"process":                     {asked: plan.Options{TaskFilter: plan.TaskFilter{PIDs: []uint32{1}}}, want: "no_process"},
		"tracepoints":                 {change: func(p *plan.Plan) { p.Backend = kernel.TracepointBackend }, want: "functions"},
		"drops":                       {asked: plan.Options{Drop: drop}, change: func(p *plan.Plan) { p.Backend = kernel.TracepointBackend }, want: "unreported_drops silent_drops"},
		"benign drops to hide, none":  {asked: plan.Options{Settings: bpf.Config{HideBenign: true}}},
		"benign drops hidden":         {asked: plan.Options{Settings: bpf.Config{HideBenign: true}}, totals: hidden, want: "hidden_reasons"},
		"reasons":                     {asked: plan.Options{Drop: plan.Drop{Reasons: []string{"NO_SOCKET"}}}, want: "other_reasons"},
		"other reasons":               {asked: plan.Options{Drop: plan.Drop{NotReasons: []string{"NO_SOCKET"}}}, want: "other_reasons"},
		"drops of a host": {asked: plan.Options{Drop: drop}, expr: "host 10.0.0.1", connections: true,
			change: func(p *plan.Plan) { p.BPF.Config.Variants = true }, want: "nat_without_connection unreported_drops silent_drops"},
		"connections can't be read": {asked: plan.Options{Drop: drop}, expr: "host 10.0.0.1",
			change: func(p *plan.Plan) { p.BPF.Config.Variants = true }, want: "connections unreported_drops silent_drops"},
		"no dropped fragments": {asked: plan.Options{Drop: drop}, expr: "udp port 53", connections: true,
			change: func(p *plan.Plan) { p.BPF.Config.Variants = true }, want: "nat_without_connection unreported_drops silent_drops"},
		"dropped fragments": {asked: plan.Options{Drop: drop}, expr: "udp port 53", totals: event.Totals{Headless: 2},
			change: func(p *plan.Plan) { p.BPF.Config.Variants = true }, want: "dropped_fragments connections unreported_drops silent_drops"},
		"service address, followed in a namespace": {asked: plan.Options{Netns: plan.Netns{In: []uint32{1}}}, expr: "host 10.0.0.1",
			change: func(p *plan.Plan) { p.BPF.Config.FollowMatched = true }, want: "changed_before"},
		"protocol, followed in a namespace": {asked: plan.Options{Netns: plan.Netns{In: []uint32{1}}}, expr: "icmp",
			change: func(p *plan.Plan) { p.BPF.Config.FollowMatched = true }},
	} {
		p := &plan.Plan{Backend: kernel.KprobeMulti, Asked: c.asked}
		p.Asked.Filter = compiled(t, c.expr)
		if c.change != nil {
			c.change(p)
		}
		v := view{plan: p, connections: c.connections, uncounted: c.uncounted}
		got := v.unseen(&c.totals)
		if keys(got) != c.want {
			t.Errorf("%s: %q, want %q", name, keys(got), c.want)
		}
		for _, u := range got {
			if strings.Contains(u.Text, "%") || u.Text == "" {
				t.Errorf("%s: text %q", name, u.Text)
			}
		}
	}
}

// TestUnseenIsCounted checks the numbers in the texts.
func TestUnseenIsCounted(t *testing.T) {
	v := view{plan: &plan.Plan{Backend: kernel.KprobeMulti, Asked: plan.Options{Filter: compiled(t, "icmp[icmptype] = 8")}}}
	v.plan.BPF.Config.Variants = true
	got := v.unseen(&event.Totals{
		HiddenReasons: []event.ReasonCount{{Name: "OTHERHOST", Count: 3}, {Name: "NO_SOCKET", Count: 1}},
		WithoutNetns:  5, WithoutIfname: 6, Headless: 7, Missed: 8,
	})
	want := []event.Unseen{
		{Key: "hidden_reasons", Text: "benign drops that --drop-hide-benign hides: 4"},
		{Key: "no_namespace", Text: "events whose network namespace is unknown, which --filter-netns rejects: 5"},
		{Key: "no_interface", Text: "events whose interface is unknown, which --filter-ifname rejects: 6"},
		{Key: "dropped_fragments", Text: "dropped fragments without the ports or the ICMP type that the filter tests: 7. Filter by address, too"},
		{Key: "missed", Text: "probe hits for which the kernel did not run the program: 8"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unseen (-want +got):\n%s", diff)
	}
}

// TestUnseenIsDocumented checks that each key has its row with the text, and that there is no other row.
func TestUnseenIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/output.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| `unseen` | On stderr |\n| --- | --- |\n")
	examples := map[string]string{"silent_drops": "xdp-native, xdp-redirect (" + needsXDP + ")"}
	var want []string
	for _, b := range blindSpots {
		want = append(want, "| `"+b.key+"` | "+strings.ReplaceAll(b.text, "%d", "2")+examples[b.key]+" |")
	}
	got := slices.Collect(strings.SplitSeq(table, "\n"))
	if len(got) < len(want)+1 || !slices.Equal(got[:len(want)], want) || got[len(want)] != "" {
		t.Errorf("docs/output.md should have the table\n%s", strings.Join(want, "\n"))
	}
}

// TestUnseenOnlyWithoutEvents checks that a run with events, printed or suppressed, has no blind spots.
func TestUnseenOnlyWithoutEvents(t *testing.T) {
	v := view{plan: &plan.Plan{Backend: kernel.KprobeMulti, Asked: plan.Options{Filter: compiled(t, "udp port 53")}}}
	for name, c := range map[string]struct {
		source Source
		want   string
	}{
		"no event":   {Source{view: v}, "later_fragments nat"},
		"delivered":  {Source{view: v, delivered: 1}, ""},
		"suppressed": {Source{view: v, totals: event.Totals{Suppressed: 1}}, ""},
	} {
		if got := keys(c.source.unseen()); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
