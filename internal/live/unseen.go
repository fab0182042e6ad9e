// SPDX-License-Identifier: Apache-2.0

package live

import (
	"fmt"

	"github.com/cilium/ebpf/btf"

	"tracer/internal/event"
	"tracer/internal/kernel"
	"tracer/internal/plan"
)

// view is what the blind spots of a run depend on.
type view struct {
	plan *plan.Plan
	// connections means that the entries of connection tracking can be read.
	connections bool
	// uncounted means that the kernel does not count all hits for which it ran no program.
	uncounted bool
}

func newView(p *plan.Plan, facts *kernel.Facts, types []*btf.Spec) view {
	return view{
		plan:        p,
		connections: p.ReadsConnections() && kernel.Describes("nf_conn", types...),
		uncounted:   !kernel.CountsMisses(facts.BTF, p.Backend),
	}
}

// blindSpot is a kind of packet or event that a run may miss.
type blindSpot struct {
	// key is its value in JSON.
	key string
	// text describes it, and which flag shows it; %d is the count that holds returns.
	text string
	// holds reports whether the run may have missed such packets or events, and their number if they are
	// counted. It is false if they are counted and the number is 0.
	holds func(v *view, t *event.Totals) (bool, uint64)
	// details are appended to the text; nil if there are none.
	details func(v *view) string
}

const trackFlag = "--filter-track-skb"

// blindSpots are in the order of the message, those caused by the user's flags first. docs/output.md also
// lists them.
var blindSpots = []blindSpot{
	{key: "hidden_reasons", text: "benign drops that --drop-hide-benign hides: %d", holds: func(_ *view, t *event.Totals) (bool, uint64) {
		return counted(hiddenDrops(t))
	}},
	{key: "other_reasons", text: "drops for the reasons that --filter-drop-reason rejects", holds: func(v *view, _ *event.Totals) (bool, uint64) {
		return len(v.plan.Asked.Drop.Reasons)+len(v.plan.Asked.Drop.NotReasons) > 0, 0
	}},
	{key: "no_namespace", text: "events whose network namespace is unknown, which --filter-netns rejects: %d", holds: func(_ *view, t *event.Totals) (bool, uint64) {
		return counted(t.WithoutNetns)
	}},
	{key: "no_interface", text: "events whose interface is unknown, which --filter-ifname rejects: %d", holds: func(_ *view, t *event.Totals) (bool, uint64) {
		return counted(t.WithoutIfname)
	}},
	{key: "no_process", text: "received packets before the kernel has found their socket: --filter-pid, --filter-comm and --filter-cgroup reject them", holds: func(v *view, _ *event.Totals) (bool, uint64) {
		return v.plan.Asked.TaskFilter.Process() || len(v.plan.Asked.TaskFilter.Cgroups) > 0, 0
	}},
	{key: "dropped_fragments", text: "dropped fragments without the ports or the ICMP type that the filter tests: %d. Filter by address, too", holds: func(v *view, t *event.Totals) (bool, uint64) {
		return v.asksTransport() && t.Headless > 0, t.Headless
	}},
	{key: "later_fragments", text: "later fragments, which have no ports and no ICMP type to match", holds: func(v *view, _ *event.Totals) (bool, uint64) {
		c := &v.plan.BPF.Config
		follows := c.FollowMatched && v.plan.TracesFunctions()
		return v.asksTransport() && !c.Variants && !follows, 0
	}},
	{key: "nat", text: "packets whose addresses or ports NAT has changed: " + trackFlag + " follows them", holds: func(v *view, _ *event.Totals) (bool, uint64) {
		return v.asksTranslated() && !v.plan.BPF.Config.Variants && !v.plan.BPF.Config.FollowMatched, 0
	}},
	{key: "nat_without_connection", text: "dropped packets whose addresses or ports NAT has changed, where the kernel has no connection for them, as at a socket: " + trackFlag + " follows them", holds: func(v *view, _ *event.Totals) (bool, uint64) {
		return v.asksTranslated() && v.plan.BPF.Config.Variants && !v.plan.BPF.Config.FollowMatched && v.connections, 0
	}},
	{key: "connections", text: "the addresses and ports before NAT: the kernel's types do not describe connection tracking (is nf_conntrack loaded?)", holds: func(v *view, _ *event.Totals) (bool, uint64) {
		return v.asksTranslated() && v.plan.BPF.Config.Variants && !v.connections, 0
	}},
	{key: "changed_before", text: "packets that NAT or a tunnel changed before they reached a namespace of --filter-netns or an interface of --filter-ifname: without these flags they are followed from their start", holds: func(v *view, _ *event.Totals) (bool, uint64) {
		return v.asksTranslated() && v.selectsNetdevs() && v.plan.BPF.Config.FollowMatched, 0
	}},
	{key: "unreported_drops", text: "drops that the kernel does not report: by XDP programs, drivers and network cards, and packets that it counts as consumed, of which only those with a cause are shown", holds: func(v *view, _ *event.Totals) (bool, uint64) {
		return v.plan.Asked.Drop.Only, 0
	}},
	{
		key: "silent_drops", text: "drops that the kernel does not report, by cause: ",
		holds:   func(v *view, _ *event.Totals) (bool, uint64) { return v.silentDrops() != "", 0 },
		details: (*view).silentDrops,
	},
	{key: "functions", text: "functions: this backend sees tracepoints only", holds: func(v *view, _ *event.Totals) (bool, uint64) {
		return !v.plan.TracesFunctions() && !v.plan.Asked.Drop.Only && !v.plan.Asked.Programs.Only, 0
	}},
	{key: "missed", text: "probe hits for which the kernel did not run the program: %d", holds: func(v *view, t *event.Totals) (bool, uint64) {
		return t.Missed > 0 && !v.plan.BPF.Config.Ids, t.Missed
	}},
	{key: "missed_following", text: "probe hits for which the kernel did not run the program: %d. Followed packets may be missing", holds: func(v *view, t *event.Totals) (bool, uint64) {
		return t.Missed > 0 && v.plan.BPF.Config.Ids, t.Missed
	}},
	{key: "missed_uncounted", text: "probe hits for which the kernel did not run the program: it does not count all of them with this backend", holds: func(v *view, _ *event.Totals) (bool, uint64) {
		return v.uncounted, 0
	}},
}

// counted returns n, and whether it is not 0.
func counted(n uint64) (bool, uint64) { return n > 0, n }

// hiddenDrops returns the number of hidden drops for all reasons.
func hiddenDrops(t *event.Totals) (n uint64) {
	for _, r := range t.HiddenReasons {
		n += r.Count
	}
	return n
}

func (v *view) asksTransport() bool { return v.plan.Asked.Filter.AsksTransport() }

// asksTranslated reports whether the filter tests what NAT changes.
func (v *view) asksTranslated() bool {
	return v.plan.Asked.Filter.AsksAddresses() || v.plan.Asked.Filter.AsksPorts()
}

// selectsNetdevs reports whether only packets in some namespaces or on some interfaces match.
func (v *view) selectsNetdevs() bool {
	return len(v.plan.Asked.Netns.In)+len(v.plan.Asked.Ifnames.In) > 0
}

// unseen lists the blind spots of a run without events.
func (v *view) unseen(t *event.Totals) []event.Unseen {
	var list []event.Unseen
	for _, b := range blindSpots {
		holds, n := b.holds(v, t)
		if !holds {
			continue
		}
		text := b.text
		if n > 0 {
			text = fmt.Sprintf(text, n)
		}
		if b.details != nil {
			text += b.details(v)
		}
		list = append(list, event.Unseen{Key: b.key, Text: text})
	}
	return list
}
