// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"tracer/internal/expr"
	"tracer/internal/printable"
)

// Table is a set of causes, with the sites and decisions that they refer to.
type Table struct {
	Sites     []*Site
	Decisions []*Decision
	causes    []*compiled
}

// compiled is a cause with its parsed condition and text.
type compiled struct {
	*Cause
	site *Site
	when *expr.Formula
	text template
	// remedy and group are filled in even if some of their values are unknown.
	remedy, group template
	// denies is set if the condition or the text needs a value of a decision with Denies.
	denies bool
}

// family is one part of the table.
type family struct {
	name, title string
	sites       []Site
	decisions   []Decision
	causes      []Cause
}

// Load returns the whole table, which is parsed once. It must not be changed.
func Load() (*Table, error) { return parsed() }

var parsed = sync.OnceValues(func() (*Table, error) { return newTable(families) })

// Families returns the names of the families, in the order of the table.
func Families() []string {
	var names []string
	for _, f := range families {
		names = append(names, f.name)
	}
	return names
}

// LoadFamilies returns the table with the available causes of some families (see isTold), and the sites and decisions that
// they need. An unknown family is an error.
func LoadFamilies(names []string) (*Table, error) {
	for _, name := range names {
		if !slices.Contains(Families(), name) {
			return nil, fmt.Errorf("no family of causes %s", printable.Quote(name))
		}
	}
	whole, err := Load()
	if err != nil {
		return nil, err
	}
	t := &Table{Sites: slices.Clone(whole.Sites), Decisions: slices.Clone(whole.Decisions), causes: slices.Clone(whole.causes)}
	t.causes = slices.DeleteFunc(t.causes, func(c *compiled) bool { return !slices.Contains(names, c.Family) || !t.isTold(c) })
	t.Sites = slices.DeleteFunc(t.Sites, func(s *Site) bool { return !t.uses(s) })
	needed := t.neededDecisions()
	t.Decisions = slices.DeleteFunc(t.Decisions, func(d *Decision) bool { return !needed[d.Name] })
	return t, nil
}

func (t *Table) uses(s *Site) bool {
	return slices.ContainsFunc(t.causes, func(c *compiled) bool { return c.site == s })
}

// neededDecisions returns the names of the decisions whose values a cause uses or that must be unknown for it, and of those
// around them (Inside).
func (t *Table) neededDecisions() map[string]bool {
	needed := map[string]bool{}
	for _, c := range t.causes {
		needed[c.Silent] = true
		for _, key := range slices.Concat(c.keys(), c.mentioned()) {
			if name, _, isDecision := strings.Cut(key, "."); isDecision && t.Decision(name).isCaptured() {
				needed[name] = true
			}
		}
	}
	for _, d := range t.Decisions {
		if needed[d.Name] && d.Inside != "" {
			needed[d.Inside] = true
		}
	}
	return needed
}

// newTable compiles the causes after it has added all sites and decisions, since a cause may use those of any family.
func newTable(families []family) (*Table, error) {
	t := &Table{}
	for i := range families {
		if err := t.addPlaces(&families[i]); err != nil {
			return nil, err
		}
	}
	for i := range families {
		for j := range families[i].causes {
			c := &families[i].causes[j]
			c.Family = families[i].name
			if err := t.addCause(c); err != nil {
				return nil, fmt.Errorf("cause %s: %w", printable.Quote(c.ID), err)
			}
		}
	}
	return t, nil
}

// addPlaces adds the sites and decisions of a family.
func (t *Table) addPlaces(f *family) error {
	for i := range f.sites {
		t.Sites = append(t.Sites, &f.sites[i])
	}
	for i := range f.decisions {
		d := &f.decisions[i]
		d.Family = f.name
		if err := checkExceptions(d.NotOn); err != nil {
			return fmt.Errorf("decision %s: %w", printable.Quote(d.Name), err)
		}
		t.Decisions = append(t.Decisions, d)
	}
	return nil
}

// addCause compiles a cause.
func (t *Table) addCause(c *Cause) (err error) {
	added := &compiled{Cause: c, site: t.site(c.Site)}
	if added.site == nil && t.Decision(c.Silent) == nil && !c.Note {
		return fmt.Errorf("neither site %s nor decision %s exists", printable.Quote(c.Site), printable.Quote(c.Silent))
	}
	if err := checkExceptions(c.NotOn); err != nil {
		return err
	}
	if c.When != "" {
		if added.when, err = expr.ParseFormula(c.When); err != nil {
			return err
		}
	}
	if added.text, err = parseTemplate(c.Text); err != nil {
		return err
	}
	if added.remedy, err = parseRemedy(c.Remedy); err != nil {
		return err
	}
	if added.group, err = parseTemplate(c.Group); err != nil {
		return err
	}
	added.denies = slices.ContainsFunc(added.needed(), t.isDenial)
	t.causes = append(t.causes, added)
	return nil
}

// checkExceptions rejects an exception without kernels or without a reason.
func checkExceptions(list []Exception) error {
	for _, e := range list {
		if len(e.Kernels) == 0 || strings.TrimSpace(e.Why) == "" {
			return fmt.Errorf("exception for %s: kernels or the reason are missing", printable.Quote(strings.Join(e.Kernels, ", ")))
		}
	}
	return nil
}

// needed returns the keys whose values must be known for the cause.
func (c *compiled) needed() []string {
	return slices.Concat(c.text.keys(false), c.variables())
}

// variables returns the keys of the condition.
func (c *compiled) variables() []string {
	if c.when == nil {
		return nil
	}
	return slices.DeleteFunc(c.when.Names(), func(key string) bool { return key == specified })
}

// mentioned returns the keys of the condition that may be unknown.
func (c *compiled) mentioned() []string {
	if c.when == nil {
		return nil
	}
	return c.when.Asked()
}

// isDenial reports whether a key belongs to a decision with Denies.
func (t *Table) isDenial(key string) bool {
	name, _, isDecision := strings.Cut(key, ".")
	d := t.Decision(name)
	return isDecision && d != nil && d.Denies
}

func (t *Table) site(name string) *Site {
	if i := slices.IndexFunc(t.Sites, func(s *Site) bool { return s.Name == name }); i >= 0 {
		return t.Sites[i]
	}
	return nil
}

// Decision returns the decision with a name, or nil.
func (t *Table) Decision(name string) *Decision {
	if i := slices.IndexFunc(t.Decisions, func(d *Decision) bool { return d.Name == name }); i >= 0 {
		return t.Decisions[i]
	}
	return nil
}

// Causes returns all causes, in the order of the table.
func (t *Table) Causes() []*Cause {
	var list []*Cause
	for _, c := range t.causes {
		list = append(list, c.Cause)
	}
	return list
}
