// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"
	"strings"

	"tracer/internal/event"
)

// Question asks for a value of a text that is not in the record of the drop: one of resolvedKeys, or the prefix of commands
// that have to run in Netns ([InNetns], [InInitialNetns]).
type Question struct {
	Key    string
	Netns  uint32
	Cause  *Cause
	Values Values
	// Used are the keys of the values that the condition and the text of the cause use.
	Used  []string
	Event *event.Event
}

// Value returns a value by its key without the name of the decision, such as inode. Only the site of the cause and the
// decisions whose values it uses count: the values of other decisions may be about another socket or rule.
func (q *Question) Value(key string) (v Value, known bool) {
	for _, used := range q.Used {
		v, known = q.Values[used[:strings.LastIndex(used, ".")+1]+key]
		if known {
			break
		}
	}
	return v, known
}

// resolvedKeys are the keys whose values a [Resolver] finds after the drop. They are only in optional parts of texts.
var resolvedKeys = []string{"rule", "rule_name", "listeners", "owner", "top_sources", "queue_fill"}

// Resolver answers questions. ok is false if it has no answer.
type Resolver interface {
	Resolve(q Question) (text string, ok bool)
}

// asked returns the keys of the text and of the group that need a resolver.
func (c *compiled) asked() []string {
	var keys []string
	for _, key := range slices.Concat(c.text.keys(true), c.group.keys(true)) {
		if slices.Contains(resolvedKeys, key) && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// complete adds the answers of the resolver to the values, and returns the text and the group with them.
func (s *Stage) complete(a Answer, e *event.Event) (text, group string) {
	c := s.table.compiled(a.Cause)
	known := false
	for _, key := range c.asked() {
		text, ok := s.resolver.Resolve(Question{Key: key, Netns: e.Meta.Netns, Cause: a.Cause, Values: a.Values, Used: a.Keys, Event: e})
		if ok {
			a.Values[key] = Value{Kind: event.WordFact, Text: text}
		}
		known = known || ok
	}
	if !known {
		return a.Text, a.Group
	}
	text, _ = c.text.fill(a.Values)
	if group, known = c.group.fill(a.Values); !known {
		group = a.Group
	}
	return text, group
}

// remedy returns the remedy with the prefixes of its commands. If it is not known how to enter the network namespace, the
// remedy ends with that.
func (s *Stage) remedy(a Answer, e *event.Event) string {
	c, unknown := s.table.compiled(a.Cause), false
	netns := e.Meta.Netns
	if c.Netns != "" {
		netns = uint32(a.Values[c.Netns].Number)
	}
	for _, p := range c.remedy.places() {
		prefix, ok := s.resolver.Resolve(Question{Key: string(p), Netns: netns, Cause: a.Cause, Values: a.Values, Used: a.Keys, Event: e})
		a.Values[prefixKey+string(p)] = Value{Kind: event.WordFact, Text: prefix}
		unknown = unknown || !ok && p == InNetns
	}
	text := c.remedy.fillLoosely(a.Values)
	if unknown && netns != 0 {
		text += fmt.Sprintf(" (in network namespace %d, which has neither a name nor a process)", netns)
	}
	return text
}

func (t *Table) compiled(c *Cause) *compiled {
	return t.causes[slices.IndexFunc(t.causes, func(other *compiled) bool { return other.Cause == c })]
}
