// SPDX-License-Identifier: Apache-2.0

package notice

import (
	"fmt"
	"time"

	"tracer/internal/event"
)

// Summary reports the totals of a run.
func (n *Notifier) Summary(totals event.Totals) {
	n.send(Notice{Key: "summary", Text: n.summaryLine(totals), Fields: []Field{{"totals", totals}}})
	for _, line := range unknownNetdevs(totals) {
		n.info("netdev_unknown", "%s", line)
	}
	n.drops(totals)
	n.lostDrops(totals)
	for _, note := range reasonNotes(totals) {
		n.note("broad_reason", "%s", note)
	}
	if len(totals.BenignReasons) > 0 {
		n.info("benign", "%s", reasonLine("benign", totals.BenignReasons))
	}
	if len(totals.HiddenReasons) > 0 {
		n.info("hidden", "%s", reasonLine("hidden", totals.HiddenReasons))
	}
	n.unseen(totals.Unseen)
}

func (n *Notifier) summaryLine(totals event.Totals) string {
	line := fmt.Sprintf("traced %s of %s in %.1fs, %d lost",
		count(int(totals.Printed), "event"), count(int(totals.Packets), "packet"),
		time.Duration(totals.Duration).Seconds(), lostOf(totals))
	if totals.Suppressed > 0 {
		line += fmt.Sprintf(", %d withheld", totals.Suppressed)
	}
	if totals.Evicted > 0 {
		line += fmt.Sprintf(", %s evicted (--track-entries)", count(int(totals.Evicted), "sk_buff"))
	}
	if totals.Unreturned > 0 {
		line += fmt.Sprintf(", %s missed", count(int(totals.Unreturned), "return"))
	}
	if totals.Headless > 0 && n.plan != nil && n.plan.Asked.Filter.AsksTransport() {
		line += fmt.Sprintf(", %s without ports not matched", count(int(totals.Headless), "dropped fragment"))
	}
	if totals.Missed > 0 {
		line += n.missed(totals.Missed)
	}
	return line
}

func (n *Notifier) missed(hits uint64) string {
	text := fmt.Sprintf(", %s missed", count(int(hits), "probe hit"))
	if n.plan != nil && n.plan.BPF.Config.Ids {
		text += " (followed packets may be missing)"
	}
	return text
}

// lostDrops warns of what made a run of --drop miss drops or causes: packets that could not be followed to their drops, and
// programs that the kernel did not run.
func (n *Notifier) lostDrops(totals event.Totals) {
	if n.plan == nil || !n.plan.Asked.Drop.Only {
		return
	}
	follows, causes := n.plan.BPF.Config.FollowMatched, ""
	if n.plan.BPF.Config.Decisions > 0 {
		causes = ", and causes may be unknown"
	}
	if totals.Evicted > 0 && follows {
		n.warn("evicted_drops", "%s could not be followed to the end (--track-entries): their drops are missing unless they match the filter there%s", count(int(totals.Evicted), "sk_buff"), causes)
	}
	if totals.Missed > 0 {
		which := "drops"
		if follows {
			which = "drops, also of followed packets,"
		}
		n.warn("missed_drops", "the kernel did not run a program for %s: %s may be missing%s", count(int(totals.Missed), "probe hit"), which, causes)
	}
}

func lostOf(totals event.Totals) (lost uint64) {
	for _, n := range totals.Lost {
		lost += n
	}
	return lost
}

// unseen lists what a run without events did not look at.
func (n *Notifier) unseen(list []event.Unseen) {
	if len(list) > 0 {
		n.info("unseen", "no event does not mean that there was no such packet. Not looked at:")
	}
	for _, u := range list {
		n.send(Notice{Key: "unseen_item", Text: "  " + u.Text, Fields: []Field{{"item", u.Key}}})
	}
}

// unknownNetdevs say how many events --filter-netns and --filter-ifname rejected because the namespace
// or the interface of the packet was unknown.
func unknownNetdevs(totals event.Totals) []string {
	var lines []string
	for _, hidden := range []struct {
		count         uint64
		unknown, flag string
	}{
		{totals.WithoutNetns, "network namespace", "--filter-netns"},
		{totals.WithoutIfname, "interface", "--filter-ifname"},
	} {
		if hidden.count > 0 {
			lines = append(lines, fmt.Sprintf("not shown: %s whose %s is unknown (%s)", count(int(hidden.count), "event"), hidden.unknown, hidden.flag))
		}
	}
	return lines
}
