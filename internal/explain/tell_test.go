// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"slices"
	"strings"
	"testing"

	"tracer/internal/lookup"
)

// placedAll are the placements of sites or decisions whose values can all be read.
func placedAll[T any](list []T, of func(T) (string, []Read)) []Placement {
	var all []Placement
	for _, one := range list {
		p := Placement{}
		name, reads := of(one)
		p.Name = name
		for range reads {
			p.Placed = append(p.Placed, lookup.FieldSlots{Values: []lookup.Slot{{}}})
		}
		all = append(all, p)
	}
	return all
}

// ableMachine is a machine that has everything, and the layout of a run of --drop on it.
func ableMachine(t *testing.T) (*Table, *Layout, *Machine) {
	t.Helper()
	table, err := LoadFamilies(Families())
	if err != nil {
		t.Fatal(err)
	}
	yes := func(string) bool { return true }
	m := &Machine{HasFunction: yes, HasVariable: yes, IsLoaded: yes, IsDescribed: yes, ProbesFunctions: true, TracesPrograms: true}
	for _, c := range table.causes {
		reasons, _ := c.at()
		m.Reasons = append(m.Reasons, reasons...)
	}
	return table, &Layout{
		Families:  Families(),
		Sites:     placedAll(table.Sites, func(s *Site) (string, []Read) { return s.Name, s.Reads }),
		Decisions: placedAll(table.Decisions, func(d *Decision) (string, []Read) { return d.Name, d.Reads }),
	}, m
}

// tell returns the identifiers of the causes by what is missing for them.
func tell(t *testing.T, l *Layout, m *Machine) map[Lack][]string {
	t.Helper()
	lacks, err := l.Tell(m)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[Lack][]string{}
	for c, lack := range lacks {
		ids[lack] = append(ids[lack], c.ID)
	}
	for _, list := range ids {
		slices.Sort(list)
	}
	return ids
}

// TestTellOnAbleMachine checks that a machine that has everything can tell each cause.
func TestTellOnAbleMachine(t *testing.T) {
	_, l, m := ableMachine(t)
	ids := tell(t, l, m)
	if len(ids) != 1 || len(ids[NoLack]) == 0 {
		t.Errorf("%v", ids)
	}
}

// TestTellWithoutFunctions checks that exactly the causes that docs/drops.md marks as needing calls are unknown then.
func TestTellWithoutFunctions(t *testing.T) {
	table, l, m := ableMachine(t)
	l.Decisions, m.ProbesFunctions = nil, false
	got := tell(t, l, m)[LacksFunctions]
	var want []string
	for _, c := range table.causes {
		if !c.Note && !c.NeedsXDP() && strings.Contains(needsCalls(table, c), "*calls*") {
			want = append(want, c.ID)
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestTellWhatIsMissing checks one cause for each thing that a machine may lack.
func TestTellWhatIsMissing(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Layout, *Machine)
		lack   Lack
		cause  string
	}{
		"programs":        {func(_ *Layout, m *Machine) { m.TracesPrograms = false }, LacksPrograms, "xdp-native"},
		"all reasons":     {func(_ *Layout, m *Machine) { m.Reasons = nil }, LacksAllReasons, "rp-filter"},
		"one reason":      {func(_ *Layout, m *Machine) { m.Reasons = []string{"NO_SOCKET"} }, LacksReason, "rp-filter"},
		"code":            {func(_ *Layout, m *Machine) { m.HasFunction = func(f string) bool { return f != "ip_error" } }, LacksCode, "route-prohibit"},
		"types of module": {func(l *Layout, m *Machine) { l.without("nft_rule", "nft_chain"); m.IsDescribed = no }, LacksModuleTypes, "nft-rule"},
		"module":          {func(l *Layout, m *Machine) { l.without("ipvs"); m.IsLoaded = no }, LacksModule, "ipvs"},
		"per-CPU counters": {func(l *Layout, m *Machine) {
			l.without("xt_rule")
			m.HasVariable = no
		}, LacksVariables, "iptables-rule"},
		"variable": {func(l *Layout, m *Machine) {
			table, _ := Load()
			for _, p := range l.Sites {
				for i, r := range table.site(p.Name).Reads {
					if isReadWithVariable([]Read{r}, r.Key) {
						p.Placed[i] = lookup.FieldSlots{}
					}
				}
			}
			m.HasVariable = no
		}, LacksVariables, "cpu-backlog-full"},
		"silent": {func(l *Layout, _ *Machine) { l.without("conn_request") }, LacksCode, "syn-queue-full"},
	} {
		_, l, m := ableMachine(t)
		test.change(l, m)
		if got := tell(t, l, m); !slices.Contains(got[test.lack], test.cause) {
			for lack, ids := range got {
				if slices.Contains(ids, test.cause) {
					t.Errorf("%s: %s lacks %d, want %d", name, test.cause, lack, test.lack)
				}
			}
		}
	}
}

func no(string) bool { return false }

// without removes decisions.
func (l *Layout) without(names ...string) {
	l.Decisions = slices.DeleteFunc(l.Decisions, func(p Placement) bool { return slices.Contains(names, p.Name) })
}
