// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func load(t testing.TB) *Table {
	t.Helper()
	table, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

var (
	stableID = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	keyName  = regexp.MustCompile(`^[a-z0-9_]+$`)
)

// keysOf returns the keys that the conditions and texts of a cause may have.
func keysOf(table *Table, c *compiled) map[string]bool {
	keys := map[string]bool{}
	if c.site != nil {
		for _, r := range c.site.Reads {
			keys[r.Key] = true
		}
	}
	for _, d := range table.Decisions {
		for _, r := range d.Reads {
			keys[d.Name+"."+r.Key] = true
		}
	}
	return keys
}

// TestTable checks that the parts of the table fit together.
func TestTable(t *testing.T) {
	table := load(t)
	ids := map[string]bool{}
	for _, c := range table.causes {
		if ids[c.ID] || !stableID.MatchString(c.ID) {
			t.Errorf("cause %q: the identifier is taken, or not lower-case words joined by -", c.ID)
		}
		ids[c.ID] = true
		if c.Text == "" || c.Remedy == "" {
			t.Errorf("cause %q has no text or no remedy", c.ID)
		}
		if one := (c.Site == "") != (c.Silent == ""); one == c.Note {
			t.Errorf("cause %q needs either a site or a decision in Silent, unless it is a note", c.ID)
		}
		if c.Site != "" && len(c.site.Functions) == 0 && len(c.site.Reasons) == 0 {
			t.Errorf("cause %q: its site applies to every drop", c.ID)
		}
		reasons, _ := c.at()
		if c.Site != "" && c.When == "" && (len(reasons) == 0 || slices.Contains(reasons, Unspecified)) {
			t.Errorf("cause %q has neither a condition nor a reason of its own: it would be a guess", c.ID)
		}
		checkKeys(t, table, c)
	}
	for _, c := range table.causes {
		for _, id := range c.Refines {
			if !ids[id] {
				t.Errorf("cause %q refines %q, which does not exist", c.ID, id)
			}
		}
	}
}

// checkKeys checks that each key is read somewhere, and that keys of resolvers are only in optional parts.
func checkKeys(t *testing.T, table *Table, c *compiled) {
	t.Helper()
	known := keysOf(table, c)
	needed := c.text.keys(false)
	needed = append(needed, c.variables()...)
	for _, key := range slices.Concat(needed, c.remedy.keys(false), c.group.keys(false)) {
		if !known[key] {
			t.Errorf("cause %q: nothing reads %q", c.ID, key)
		}
	}
	for _, key := range slices.Concat(c.text.keys(true), c.remedy.keys(true), c.group.keys(true)) {
		if !known[key] && !slices.Contains(resolvedKeys, key) {
			t.Errorf("cause %q: nothing reads or resolves %q", c.ID, key)
		}
	}
}

func TestSitesAndDecisions(t *testing.T) {
	table := load(t)
	used := map[string]bool{}
	for _, c := range table.causes {
		used[c.Site], used[c.Silent] = true, true
		for _, key := range c.keys() {
			name, _, _ := strings.Cut(key, ".")
			used[name] = true
		}
		if c.When != "" {
			for _, key := range regexp.MustCompile(`known\((\w+)`).FindAllStringSubmatch(c.When, -1) {
				used[key[1]] = true
			}
		}
	}
	for _, s := range table.Sites {
		if !used[s.Name] {
			t.Errorf("no cause uses the site %s", s.Name)
		}
		checkReads(t, s.Name, "", ownReads(table, s))
	}
	for _, d := range table.Decisions {
		if !used[d.Name] && d.Special == "" {
			t.Errorf("no cause uses the decision %s", d.Name)
		}
		if d.Special == "" && (d.Skb == "") == (len(d.Within) == 0) {
			t.Errorf("decision %s needs either an expression for the packet, or functions within which it is called", d.Name)
		}
		if d.Counters != nil && (d.At != AtEntry || d.Reads[0].Key != movedKey) {
			t.Errorf("decision %s has counters, but not at the entry, or its first value is not the one that moved", d.Name)
		}
		checkReads(t, d.Name, d.Special, d.Reads)
	}
}

// TestOneFamilyKnowsWhatOthersDecided checks that a condition known() of a decision of another family is not false just
// because that family was not chosen.
func TestOneFamilyKnowsWhatOthersDecided(t *testing.T) {
	table, err := LoadFamilies([]string{"device"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"enqueue", "handover"} { // of qdisc and mtu
		if table.Decision(name) == nil {
			t.Errorf("the family device needs the decision %s", name)
		}
	}
}

// ownReads returns the reads of a site without those that stand for a decision.
func ownReads(table *Table, s *Site) []Read {
	return slices.DeleteFunc(slices.Clone(s.Reads), func(r Read) bool {
		name, _, isDecision := strings.Cut(r.Key, ".")
		d := table.Decision(name)
		return isDecision && d != nil && d.AtDrop
	})
}

// TestDecisionsReadAtDrops checks that the site of each cause reads the values of decisions that are not kept where the
// drop tracepoint names the socket.
func TestDecisionsReadAtDrops(t *testing.T) {
	table := load(t)
	checked := 0
	for _, c := range table.causes {
		for _, key := range c.keys() {
			name, _, isDecision := strings.Cut(key, ".")
			if d := table.Decision(name); !isDecision || d == nil || !d.AtDrop {
				continue
			}
			if checked++; c.site == nil || !slices.ContainsFunc(c.site.Reads, func(r Read) bool { return r.Key == key }) {
				t.Errorf("cause %s: its site does not read %s", c.ID, key)
			}
		}
	}
	if checked == 0 {
		t.Error("no cause uses a decision that is read at the drop")
	}
}

func checkReads(t *testing.T, of, special string, reads []Read) {
	t.Helper()
	keys := map[string]bool{}
	for _, r := range reads {
		if keys[r.Key] || !keyName.MatchString(r.Key) {
			t.Errorf("%s: key %q is taken, or not a word", of, r.Key)
		}
		keys[r.Key] = true
		if len(r.Variants) == 0 && special == "" {
			t.Errorf("%s: %s has no expression", of, r.Key)
		}
	}
}

// TestUntold checks that each cause that can't be told has a reason for that, and no other.
func TestUntold(t *testing.T) {
	table := load(t)
	for _, c := range table.causes {
		if table.isTold(c) != (c.Untold == "") {
			t.Errorf("%s: told %v, reason %q", c.ID, table.isTold(c), c.Untold)
		}
	}
}

// TestSitesOfADrop checks that no drop has more sites with values than the BPF programs read (MAX_DROP_SITES in
// bpf/explain/why.h): the values of the others would be unknown.
func TestSitesOfADrop(t *testing.T) {
	const most = 4
	table := load(t)
	reasons, functions := []string{Unspecified}, []string{""}
	for _, s := range table.Sites {
		reasons, functions = append(reasons, s.Reasons...), append(functions, s.Functions...)
	}
	slices.Sort(reasons)
	slices.Sort(functions)
	reasons, functions = slices.Compact(reasons), slices.Compact(functions)
	for _, function := range functions {
		for _, reason := range reasons {
			var names []string
			for _, s := range table.Sites {
				if len(s.Reads) > 0 && isAt(&Drop{Reason: reason, Location: function}, s.Reasons, s.Functions) {
					names = append(names, s.Name)
				}
			}
			if len(names) > most {
				t.Errorf("%s at %s: the sites %v have values, but only those of %d are read", reason, function, names, most)
			}
		}
	}
}

// TestAskedDecisionsAreLoaded checks that a decision is loaded with a family whose causes only ask whether it has values: without
// it, device-down would hold for a packet that a queueing discipline refused.
func TestAskedDecisionsAreLoaded(t *testing.T) {
	table, err := LoadFamilies([]string{"device"})
	if err != nil {
		t.Fatal(err)
	}
	if table.Decision("enqueue") == nil {
		t.Error("the decision enqueue is not loaded")
	}
}

// TestDecisionsAroundOthersAreNeeded checks that a decision is loaded with one whose calls are inside its own.
func TestDecisionsAroundOthersAreNeeded(t *testing.T) {
	table, err := newTable([]family{{
		name: "f", sites: []Site{{Name: "s", Functions: []string{"f"}}},
		decisions: []Decision{{Name: "outer"}, {Name: "inner", Inside: "outer"}, {Name: "around"}, {Name: "unused", Inside: "around"}},
		causes:    []Cause{{ID: "x", Site: "s", When: "inner.a == 1", Text: "x"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	needed := table.neededDecisions()
	for name, want := range map[string]bool{"outer": true, "inner": true, "around": false, "unused": false} {
		if needed[name] != want {
			t.Errorf("%s: needed %v", name, needed[name])
		}
	}
}

// TestWrongTables checks that errors in an entry are found, and name it.
func TestWrongTables(t *testing.T) {
	site := []Site{{Name: "s", Functions: []string{"f"}}}
	for name, test := range map[string]struct {
		cause Cause
		want  string
	}{
		"no site":        {Cause{ID: "x", Site: "nowhere"}, `cause "x": neither site "nowhere"`},
		"wrong formula":  {Cause{ID: "x", Site: "s", When: "a ="}, `cause "x"`},
		"wrong text":     {Cause{ID: "x", Site: "s", Text: "a {b"}, "{ and } do not match"},
		"unclosed part":  {Cause{ID: "x", Site: "s", Text: "a [[b"}, "[[ and ]] do not match"},
		"unopened part":  {Cause{ID: "x", Site: "s", Text: "a b]]"}, "[[ and ]] do not match"},
		"part in a part": {Cause{ID: "x", Site: "s", Text: "[[a [[b]]]]"}, "[[ and ]] do not match"},
		"empty key":      {Cause{ID: "x", Site: "s", Remedy: "{}"}, "{ and } do not match"},
		"no reason":      {Cause{ID: "x", Site: "s", NotOn: []Exception{{Kernels: []string{"5.10"}, Why: " "}}}, `cause "x": exception for "5.10": kernels or the reason are missing`},
		"no kernels":     {Cause{ID: "x", Site: "s", NotOn: []Exception{{Why: "it is inlined"}}}, `cause "x": exception for "": kernels or the reason are missing`},
	} {
		_, err := newTable([]family{{name: "f", sites: site, causes: []Cause{test.cause}}})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
	}
	_, err := newTable([]family{{name: "f", decisions: []Decision{{Name: "d", NotOn: []Exception{{Kernels: []string{"6.1"}}}}}}})
	if want := `decision "d": exception for "6.1"`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("a decision: error %v, want %q", err, want)
	}
}
