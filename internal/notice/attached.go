// SPDX-License-Identifier: Apache-2.0

package notice

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tracer/internal/attach"
	"tracer/internal/kernel"
	"tracer/internal/printable"
)

// Attached reports what was attached.
func (n *Notifier) Attached(s *attach.Session) {
	n.status("")
	took := time.Since(n.Began).Seconds()
	parts := n.counts(s)
	n.send(Notice{
		Key:    "attached",
		Text:   fmt.Sprintf("attached to %s in %.1fs%s", joinParts(parts), took, skippedNote(s)),
		Fields: append(fieldsOf(parts), Field{"seconds", took}),
	})
	if probes := len(n.plan.MatchFunctions) + len(n.plan.MatchTracepoints()); probes > 0 {
		n.info("followed", "packets are followed to their drops by %s", count(probes, "probe"))
	}
	n.Programs(s.Programs)
	if n.plan.Asked.Programs.Only && s.TracedPrograms() == 0 {
		n.note("no_program", "no BPF program to trace is loaded yet: programs loaded later will be traced")
	}
	for _, skipped := range s.Skipped {
		n.debug("not_attached", "not attached: %s: %v", printable.Text(skipped.Name), skipped.Reason)
	}
	for _, skipped := range s.SkippedReturns {
		n.debug("return_not_attached", "not attached to the return of: %s: %v", printable.Text(skipped.Name), skipped.Reason)
	}
}

// part is the number of attached functions, tracepoints or BPF programs.
type part struct {
	n       int
	noun    string
	printed bool
}

func (n *Notifier) counts(s *attach.Session) []part {
	functions, tracepoints := len(n.plan.Functions), len(n.plan.Tracepoints)
	for _, skipped := range s.Skipped {
		if skipped.Silent {
			continue
		}
		if strings.HasPrefix(skipped.Name, "tp:") {
			tracepoints--
		} else {
			functions--
		}
	}
	return []part{
		{functions, "function", functions > 0},
		{tracepoints, "tracepoint", tracepoints > 0 || functions == 0 && len(n.plan.Programs) == 0},
		{s.TracedPrograms(), "BPF program", len(n.plan.Programs) > 0},
	}
}

func joinParts(parts []part) string {
	var words []string
	for _, p := range parts {
		if p.printed {
			words = append(words, count(p.n, p.noun))
		}
	}
	return strings.Join(words, " and ")
}

func fieldsOf(parts []part) []Field {
	var fields []Field
	for _, p := range parts {
		fields = append(fields, Field{strings.ReplaceAll(p.noun, " ", "_") + "s", p.n})
	}
	return fields
}

// Programs reports changes of the traced BPF programs, and warns of those that are not traced, by name.
func (n *Notifier) Programs(f attach.Found) {
	for _, p := range f.Traced {
		n.debug("program_traced", "BPF program %s is traced", &p)
	}
	for _, p := range f.Gone {
		n.debug("program_unloaded", "BPF program %s was unloaded", &p)
	}
	if len(f.WithoutBreakpoint) > 0 {
		n.warn("tail_calls_untraced", "the entry of these BPF programs is not traced where a tail call leads to them: %s", tailCalled(f.WithoutBreakpoint))
	}
	for _, u := range f.Untraced {
		n.warn("program_untraced", "BPF program %s is not traced: %v", &u.Program, u.Reason)
	}
}

// count is like `1 event` or `2 events`.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func skippedNote(s *attach.Session) string {
	var notes []string
	if n := len(s.Skipped); n > 0 {
		notes = append(notes, fmt.Sprintf("refused %d", n))
	}
	if n := len(s.SkippedReturns); n > 0 {
		notes = append(notes, fmt.Sprintf("refused %s", count(n, "return")))
	}
	if notes == nil {
		return ""
	}
	return " (the kernel " + strings.Join(notes, " and ") + ", --debug names them)"
}

// tailCalled names programs with the reason why tail calls to them are not traced. Consecutive programs with
// the same reason share it.
func tailCalled(list []attach.Untraced) string {
	var parts []string
	for i, u := range list {
		part := u.Program.String()
		if i == len(list)-1 || list[i+1].Reason.Error() != u.Reason.Error() {
			part += ": " + u.Reason.Error()
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

// skippedLines names functions that can't be traced, in one line for each reason.
func skippedLines(skipped []kernel.Skipped) []string {
	names := map[string][]string{}
	for _, s := range skipped {
		names[s.Reason] = append(names[s.Reason], printable.Text(s.Name))
	}
	var lines []string
	for _, reason := range slices.Sorted(maps.Keys(names)) {
		lines = append(lines, fmt.Sprintf("%s (%d): %s", reason, len(names[reason]), strings.Join(names[reason], " ")))
	}
	return lines
}
