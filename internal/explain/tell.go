// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"slices"
	"strings"
)

// Machine is what a kernel has besides the values that can be read.
type Machine struct {
	// Reasons are the names of its drop reasons, without the prefix; empty if it has none.
	Reasons []string
	// HasFunction reports whether the address of a function is known.
	HasFunction func(name string) bool
	// HasVariable reports whether the address of a variable is known.
	HasVariable func(name string) bool
	// IsLoaded reports whether a module is loaded or built in, IsDescribed whether its types are known.
	IsLoaded, IsDescribed func(module string) bool
	// ProbesFunctions and TracesPrograms report whether functions and BPF programs can be traced.
	ProbesFunctions, TracesPrograms bool
}

// Lack is why a cause is always unknown on a machine.
type Lack uint8

const (
	// NoLack means that the machine has all that the cause needs.
	NoLack Lack = iota
	// LacksFunctions is for values of calls: no function can be probed.
	LacksFunctions
	// LacksPrograms is for XDP programs: BPF programs can't be traced.
	LacksPrograms
	// LacksModuleTypes is for modules that are loaded, and have no BTF.
	LacksModuleTypes
	// LacksVariables is for variables whose addresses are unknown.
	LacksVariables
	// LacksAllReasons is for a kernel without drop reasons, LacksReason for a newer reason.
	LacksAllReasons
	LacksReason
	// LacksModule is for modules that are not loaded.
	LacksModule
	// LacksCode is for functions that the kernel does not have, or that can't be probed, and for types.
	LacksCode
	// Lacks is the number of values.
	Lacks
)

// Tell returns for each cause of the layout why the machine can't tell it, or NoLack.
func (l *Layout) Tell(m *Machine) (map[*Cause]Lack, error) {
	table, err := LoadFamilies(l.Families)
	if err != nil {
		return nil, err
	}
	lacks := map[*Cause]Lack{}
	for _, c := range table.causes {
		if !c.Note {
			lacks[c.Cause] = teller{table, l, m}.lack(c)
		}
	}
	return lacks, nil
}

type teller struct {
	table  *Table
	layout *Layout
	*Machine
}

func (t teller) lack(c *compiled) Lack {
	if c.NeedsXDP() {
		if t.TracesPrograms {
			return NoLack
		}
		return LacksPrograms
	}
	if c.Silent != "" && !t.layout.Reads(c.Silent) {
		return t.decisionLack(t.table.Decision(c.Silent))
	}
	if lack := t.placeLack(c); lack != NoLack {
		return lack
	}
	keys := c.needed()
	if strings.Contains(c.When, specified) && t.isUnspecified(c) {
		keys = append(keys, c.mentioned()...)
	}
	for _, key := range keys {
		if lack := t.valueLack(c, key); lack != NoLack {
			return lack
		}
	}
	return NoLack
}

// isUnspecified reports whether drops with the cause have no specific reason on this kernel.
func (t teller) isUnspecified(c *compiled) bool {
	reasons, _ := c.at()
	return !slices.ContainsFunc(reasons, func(r string) bool { return r != Unspecified && slices.Contains(t.Reasons, r) })
}

// placeLack checks the reasons and the functions of a cause.
func (t teller) placeLack(c *compiled) Lack {
	reasons, functions := c.at()
	has := func(r string) bool { return r == Unspecified || slices.Contains(t.Reasons, r) }
	switch {
	case c.site == nil:
		return NoLack
	case len(t.Reasons) == 0 && (len(functions) == 0 || len(reasons) > 0 && !slices.Contains(reasons, Unspecified)):
		return LacksAllReasons
	case len(reasons) > 0 && !slices.ContainsFunc(reasons, has):
		return LacksReason
	case len(functions) == 0 || slices.ContainsFunc(functions, t.HasFunction):
		return NoLack
	case c.site.Module != "" && !t.any(c.site.Module, t.IsLoaded):
		return LacksModule
	}
	return LacksCode
}

// valueLack checks a value of the condition or of the text.
func (t teller) valueLack(c *compiled, key string) Lack {
	if c.site != nil {
		if r, known := t.isPlaced(t.layout.Sites, c.site.Name, c.site.Reads, key); known {
			return NoLack
		} else if r != nil {
			return t.readLack(r, c.site.Module)
		}
	}
	name, value, _ := strings.Cut(key, ".")
	d := t.table.Decision(name)
	if d == nil || !t.layout.Reads(name) {
		return t.decisionLack(d)
	}
	r, known := t.isPlaced(t.layout.Decisions, name, d.Reads, value)
	if known || r == nil {
		return NoLack
	}
	return t.readLack(r, d.Module)
}

// isPlaced returns the read of a key, and whether the records have its value.
func (t teller) isPlaced(list []Placement, name string, reads []Read, key string) (*Read, bool) {
	i := slices.IndexFunc(reads, func(r Read) bool { return r.Key == key })
	if i < 0 {
		return nil, false
	}
	known := slices.ContainsFunc(list, func(p Placement) bool {
		return p.Name == name && i < len(p.Placed) && len(p.Placed[i].Values) > 0
	})
	return &reads[i], known
}

// decisionLack returns why the values of a decision are not read.
func (t teller) decisionLack(d *Decision) Lack {
	switch {
	case d == nil:
		return LacksCode
	case !t.ProbesFunctions:
		return LacksFunctions
	case t.lacksVariables(d):
		return LacksVariables
	case d.Inside != "" && !t.layout.Reads(d.Inside):
		return t.decisionLack(t.table.Decision(d.Inside))
	}
	return t.moduleLack(d.Module)
}

// lacksVariables reports whether the condition of a decision needs a variable whose address is unknown, or the decision the
// offsets of per-CPU counters.
func (t teller) lacksVariables(d *Decision) bool {
	counts := d.Counters != nil || d.Special == countedSpecial
	return slices.ContainsFunc(Symbols, func(s Symbol) bool {
		return (strings.Contains(d.Keep, s.Name) || counts && s.Name == "__per_cpu_offset") && !t.HasVariable(s.Name)
	})
}

// readLack returns why a value can't be read: a variable, or types.
func (t teller) readLack(r *Read, module string) Lack {
	for _, s := range Symbols {
		names := func(text string) bool { return strings.Contains(text, s.Name) }
		uses := slices.ContainsFunc(r.Variants, func(v []string) bool { return slices.ContainsFunc(v, names) })
		if !uses || t.HasVariable(s.Name) {
			continue
		}
		if s.Module != "" && !t.IsLoaded(s.Module) {
			return LacksModule
		}
		return LacksVariables
	}
	return t.moduleLack(module)
}

// moduleLack returns what is wrong with modules, or else LacksCode.
func (t teller) moduleLack(modules string) Lack {
	isUndescribed := func(m string) bool { return t.IsLoaded(m) && !t.IsDescribed(m) }
	switch {
	case modules == "":
		return LacksCode
	case t.any(modules, isUndescribed):
		return LacksModuleTypes
	case !t.any(modules, t.IsLoaded):
		return LacksModule
	}
	return LacksCode
}

// any reports whether one of the modules, which are separated by spaces, has a property.
func (t teller) any(modules string, has func(string) bool) bool {
	return slices.ContainsFunc(strings.Fields(modules), has)
}

// Functions returns the set of the functions at which the causes of the layout drop packets.
func (l *Layout) Functions() map[string]bool {
	set := map[string]bool{}
	table, err := LoadFamilies(l.Families)
	if err != nil {
		return set
	}
	for _, s := range table.Sites {
		for _, f := range s.Functions {
			set[f] = true
		}
	}
	return set
}
