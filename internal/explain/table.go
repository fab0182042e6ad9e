// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"

	"tracer/internal/expr"
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
}

// family is one part of the table.
type family struct {
	name, title string
	sites       []Site
	decisions   []Decision
	causes      []Cause
}

// Load parses the whole table.
func Load() (*Table, error) { return newTable(families) }

// Families returns the names of the families, in the order of the table.
func Families() []string {
	var names []string
	for _, f := range families {
		names = append(names, f.name)
	}
	return names
}

func newTable(families []family) (*Table, error) {
	t := &Table{}
	for i := range families {
		f := &families[i]
		for j := range f.sites {
			t.Sites = append(t.Sites, &f.sites[j])
		}
		for j := range f.decisions {
			f.decisions[j].Family = f.name
			t.Decisions = append(t.Decisions, &f.decisions[j])
		}
	}
	for i := range families {
		for j := range families[i].causes {
			c := &families[i].causes[j]
			c.Family = families[i].name
			if err := t.add(c); err != nil {
				return nil, fmt.Errorf("cause %q: %w", c.ID, err)
			}
		}
	}
	return t, nil
}

// add compiles a cause.
func (t *Table) add(c *Cause) (err error) {
	added := &compiled{Cause: c, site: t.site(c.Site)}
	if added.site == nil && t.Decision(c.Silent) == nil {
		return fmt.Errorf("neither site %q nor decision %q exists", c.Site, c.Silent)
	}
	if c.When != "" {
		if added.when, err = expr.ParseFormula(c.When); err != nil {
			return err
		}
	}
	if added.text, err = parseTemplate(c.Text); err != nil {
		return err
	}
	t.causes = append(t.causes, added)
	return nil
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
