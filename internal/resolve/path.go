// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// BaseChain is a chain that a hook calls.
type BaseChain struct {
	Name     string
	Hook     string
	Priority int32
	Policy   string // "accept", "drop", or "" if unknown
}

// Step is a rule that jumps or goes to another chain.
type Step struct {
	Chain  string // that has the rule
	Handle uint64 // of the rule
	Goto   bool   // or jump
	Map    string // the verdict map that names the chain; "" if the rule does
	To     string
}

// Path is one way from a base chain to a chain.
type Path struct {
	Base  BaseChain
	Steps []Step
}

// String returns the path in one line: forward (policy accept) -> handle 4 jump deny; hook forward, priority 0.
func (p Path) String() string {
	var b strings.Builder
	b.WriteString(p.Base.Name)
	if p.Base.Policy != "" {
		fmt.Fprintf(&b, " (policy %s)", p.Base.Policy)
	}
	for _, s := range p.Steps {
		b.WriteString(" -> " + s.String())
	}
	fmt.Fprintf(&b, "; hook %s, priority %d", p.Base.Hook, p.Base.Priority)
	return b.String()
}

// String returns text like handle 4 jump deny, or for a verdict map: handle 4 vmap @ports jump deny.
func (s Step) String() string {
	words, to := "", s.To
	if s.Map != "" {
		words = "vmap "
		if !strings.HasPrefix(s.Map, "__map") {
			words += "@" + s.Map + " "
		}
	}
	if isAnonymous(to) {
		to = "{ }"
	}
	verdict := "jump "
	if s.Goto {
		verdict = "goto "
	}
	return fmt.Sprintf("handle %d %s%s%s", s.Handle, words, verdict, to)
}

// pathsMost is the largest number of paths to a chain in an answer. stepsMost is the kernel's limit for nested jumps
// (NFT_JUMP_STACK_SIZE).
const (
	pathsMost = 8
	stepsMost = 16
)

// paths returns at most pathsMost paths to a chain, from the base chains of a hook, or from all if it is empty. more is
// true if there are others.
func (t *table) paths(to, hook string) (paths []Path, more bool) {
	reachable := t.reachable(hook)
	var walk func(chain string, behind []Step)
	walk = func(chain string, behind []Step) {
		c := t.chains[chain]
		if c == nil || !reachable[chain] || more {
			return
		}
		if isStart(c, hook) {
			if more = len(paths) == pathsMost; !more {
				steps := slices.Clone(behind)
				slices.Reverse(steps)
				paths = append(paths, Path{BaseChain{c.name, c.hook, c.priority, c.policy}, steps})
			}
			return
		}
		if len(behind) == stepsMost {
			return
		}
		for _, s := range t.stepsTo()[chain] {
			walk(s.Chain, append(slices.Clone(behind), s))
		}
	}
	walk(to, nil)
	return paths, more
}

// isStart reports whether the chain is a base chain of the hook, or of any hook if that is empty.
func isStart(c *chain, hook string) bool { return c.base && (hook == "" || c.hook == hook) }

// reachable returns the chains that base chains of the hook lead to. A walk from a chain back to a base chain that stays
// within this set always finds a path, so pathsMost limits the number of walks.
func (t *table) reachable(hook string) map[string]bool {
	steps := map[string][]string{}
	for to, all := range t.stepsTo() {
		for _, s := range all {
			steps[s.Chain] = append(steps[s.Chain], to)
		}
	}
	reachable := map[string]bool{}
	var next []string
	for _, c := range t.chains {
		if isStart(c, hook) {
			next = append(next, c.name)
		}
	}
	for len(next) > 0 {
		chain := next[len(next)-1]
		next = next[:len(next)-1]
		if !reachable[chain] {
			reachable[chain] = true
			next = append(next, steps[chain]...)
		}
	}
	return reachable
}

// stepsTo returns the rules that lead to each chain, in the order of their handles.
func (t *table) stepsTo() map[string][]Step {
	if t.steps != nil {
		return t.steps
	}
	t.steps = map[string][]Step{}
	for _, c := range t.chains {
		for _, r := range c.rules {
			for _, s := range r.steps(t.sets) {
				t.steps[s.To] = append(t.steps[s.To], s)
			}
		}
	}
	for _, steps := range t.steps {
		slices.SortFunc(steps, func(a, b Step) int { return int(int64(a.Handle) - int64(b.Handle)) })
	}
	return t.steps
}

// steps returns the steps of a rule to other chains, each once. It ignores malformed expressions.
func (r *rule) steps(sets map[string]*set) (steps []Step) {
	seen := map[Step]bool{}
	add := func(to string, isGoto bool, of string) {
		if s := (Step{r.chain, r.handle, isGoto, of, to}); to != "" && !seen[s] {
			seen[s] = true
			steps = append(steps, s)
		}
	}
	_ = eachNested(r.raw, func(ad *netlink.AttributeDecoder) error {
		name, data := "", []byte(nil)
		_ = eachNested(ad.Bytes(), func(ad *netlink.AttributeDecoder) error {
			switch ad.Type() {
			case unix.NFTA_EXPR_NAME:
				name = ad.String()
			case unix.NFTA_EXPR_DATA:
				data = ad.Bytes()
			}
			return nil
		})
		switch name {
		case "immediate":
			value, _ := immediateOf(data)
			if v, ok := value.(*expr.Verdict); ok {
				add(v.Chain, v.Kind == expr.VerdictGoto, "")
			}
		case "lookup":
			var l expr.Lookup
			if unmarshal(0, data, &l) == nil && sets[l.SetName] != nil {
				for _, target := range sets[l.SetName].targets {
					add(target.chain, !target.jump, l.SetName)
				}
			}
		}
		return nil
	})
	return steps
}
