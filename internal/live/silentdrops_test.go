// SPDX-License-Identifier: Apache-2.0

package live

import (
	"slices"
	"strings"
	"testing"

	"tracer/internal/bpf"
	"tracer/internal/explain"
	"tracer/internal/kernel"
	"tracer/internal/plan"
)

// TestSilentDrops checks which causes of drops that the kernel does not report a run names, and why.
func TestSilentDrops(t *testing.T) {
	var all []explain.Placement
	causes, err := explain.SilentCauses()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, c := range causes {
		all = append(all, explain.Placement{Name: c.Silent})
		ids = append(ids, c.ID)
	}
	some := slices.DeleteFunc(slices.Clone(all), func(p explain.Placement) bool { return p.Name == "arp_filter" || p.Name == "arp_filtered" })
	const (
		xdp = "xdp-native, xdp-redirect"
		syn = "syn-accept-queue-full, syn-queue-full, syn-no-route, syn-queue-reserved, syn-refused"
	)
	rest := strings.Join(slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return strings.HasPrefix(id, "xdp-") }), ", ")
	for name, test := range map[string]struct {
		families  []string
		backend   kernel.Backend
		decisions []explain.Placement
		xdp       bool
		want      string
	}{
		"all":            {explain.Families(), kernel.Kprobe, all, true, ""},
		"without XDP":    {explain.Families(), kernel.Kprobe, all, false, xdp + " (" + needsXDP + ")"},
		"no causes":      {nil, kernel.Kprobe, nil, false, strings.Join(ids, ", ") + " (" + leftOutByWhy + ")"},
		"one family":     {[]string{"silent", "bpf", "qdisc"}, kernel.Kprobe, all, true, syn + " (" + leftOutByWhy + ")"},
		"no functions":   {explain.Families(), kernel.TracepointBackend, nil, false, xdp + " (" + needsXDP + "); " + rest + " (" + noFunctions + ")"},
		"one is missing": {explain.Families(), kernel.Kprobe, some, true, "arp-filtered (" + noFunction + ")"},
	} {
		p := &plan.Plan{Backend: test.backend, Asked: plan.Options{Drop: plan.Drop{Only: true}, Why: test.families}, Why: &explain.Layout{Decisions: test.decisions}}
		p.BPF.Config = bpf.Config{Xdp: test.xdp}
		if got := (&view{plan: p}).silentDrops(); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
		p.Asked.Drop.Only = false
		if got := (&view{plan: p}).silentDrops(); got != "" {
			t.Errorf("%s, without --drop: %q", name, got)
		}
	}
}
