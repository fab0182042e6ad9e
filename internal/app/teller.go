// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"tracer/internal/attach"
	"tracer/internal/event"
	"tracer/internal/kernel"
	"tracer/internal/plan"
	"tracer/internal/printable"
	"tracer/internal/privilege"
)

// teller tells on stderr how far things are: on a terminal with a line that
// moves, elsewhere with one plain line a step.
type teller struct {
	w     *status
	debug bool
	plan  *plan.Plan
	// began is when the command began, shown when progress was last shown.
	began, shown time.Time
}

func newTeller(cfg Config, began time.Time) *teller {
	return &teller{w: &status{w: cfg.Stderr, terminal: isTerminal(cfg.Stderr)}, debug: cfg.Debug, began: began}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS)
	return err == nil
}

// reading shows at once that something is going on.
func (t *teller) reading() { t.w.show("reading kernel types…") }

// loading shows it again while the kernel checks the programs.
func (t *teller) loading() { t.w.show("loading BPF programs…") }

// unread notes that a FIFO has no reader yet.
func (t *teller) unread() {
	fmt.Fprintln(t.w, "note: waiting for a reader of the FIFO of --output-file")
}

// planned tells the backend and what will be attached.
func (t *teller) planned(facts *kernel.Facts, p *plan.Plan) {
	t.plan = p
	fmt.Fprintln(t.w, backendLine(p))
	if facts.PagesUnknown != nil && p.Far() {
		fmt.Fprintf(t.w, "warning: the filter does not see bytes in page fragments, where TCP keeps its payload: %v\n", facts.PagesUnknown)
	}
	if facts.ContextsUnknown != nil && (p.Asked.TaskFilter.Process() || len(p.Asked.TaskFilter.Cgroups) > 0) {
		fmt.Fprintf(t.w, "warning: filters by process and control group match only packets that have a socket: %v\n", facts.ContextsUnknown)
	}
	if len(p.Unfollowed) > 0 {
		fmt.Fprintf(t.w, "warning: on this kernel the backend %s can't follow packets through these: %s\n", p.Backend, strings.Join(p.Unfollowed, ", "))
	}
	if kernel.FtraceDisabled() {
		t.ftraceDisabled(p)
	}
	t.lacking(facts, p)
	t.planReturns(p)
	if !t.debug {
		return
	}
	if facts.ListReadable != nil {
		fmt.Fprintf(t.w, "debug: list of traceable functions: %v\n", facts.ListReadable)
	}
	for _, line := range skippedLines(facts.Skipped) {
		fmt.Fprintf(t.w, "debug: not traceable: %s\n", line)
	}
	for _, line := range skippedLines(p.LeftOut) {
		fmt.Fprintf(t.w, "debug: left out: %s\n", line)
	}
}

// ftraceDisabled warns that probes of functions may not run.
func (t *teller) ftraceDisabled(p *plan.Plan) {
	if len(p.Functions) > 0 {
		fmt.Fprintln(t.w, "warning: the sysctl kernel.ftrace_enabled is 0, so the kernel may not call the probes of functions: `sysctl kernel.ftrace_enabled=1`")
	}
}

// backendLine is how the kernel's functions are traced.
func backendLine(p *plan.Plan) string {
	if p.Asked.Programs.Only {
		return "only BPF programs are traced"
	}
	line := fmt.Sprintf("backend %s", p.Backend)
	if reasons := p.Reasons(); len(reasons) > 0 {
		line += " (" + strings.Join(reasons, "; ") + ")"
	}
	return line
}

// unknown warns of what the kernel does not let us read, for want of types.
func (t *teller) unknown(p *plan.Plan, types ...*btf.Spec) {
	if p.BPF.Config.Conntrack && !kernel.Describes("nf_conn", types...) {
		fmt.Fprintf(t.w, "warning: CONNTRACK shows only the state of each packet: %v\n", kernel.ErrNotDescribed("nf_conn", "nf_conntrack"))
	}
	if why := p.TablesUnseen(); why != "" {
		fmt.Fprintf(t.w, "warning: %s\n", why)
	}
}

// planReturns tells what goes beyond the entries of functions.
func (t *teller) planReturns(p *plan.Plan) {
	for _, note := range p.Notes {
		fmt.Fprintf(t.w, "note: %s\n", note)
	}
	if p.Returns == "" {
		return
	}
	if p.TellsReturns() && p.Asked.Func == "" {
		fmt.Fprintf(t.w, "warning: tracing the returns of all %d functions about doubles the cost: --filter-func selects fewer\n", len(p.Functions))
	}
	if t.debug {
		fmt.Fprintf(t.w, "debug: returns are traced by %s\n", p.ReturnsBy())
	}
}

// interval is how often the moving line moves.
const interval = 100 * time.Millisecond

func (t *teller) progress(done, total int) {
	if done < total && time.Since(t.shown) < interval {
		return
	}
	t.shown = time.Now()
	t.w.show("attaching %d of %d", done, total)
}

// attached tells what came of it.
func (t *teller) attached(s *attach.Session) {
	t.w.clear()
	took := time.Since(t.began).Seconds()
	fmt.Fprintf(t.w, "attached to %s in %.1fs%s\n", t.counted(s), took, skippedNote(s))
	if sights := len(t.plan.Sighters) + len(t.plan.SightTracepoints()); sights > 0 {
		fmt.Fprintf(t.w, "packets are followed to their drops by %s\n", count(sights, "probe"))
	}
	t.found(s.Programs)
	if t.plan.Asked.Programs.Only && s.TracedPrograms() == 0 {
		fmt.Fprintln(t.w, "note: no BPF program to trace is loaded yet: those that are loaded later will be traced")
	}
	if !t.debug {
		return
	}
	for _, skipped := range s.Skipped {
		fmt.Fprintf(t.w, "debug: not attached: %s: %v\n", printable.Text(skipped.Name), skipped.Reason)
	}
	for _, skipped := range s.SkippedReturns {
		fmt.Fprintf(t.w, "debug: not attached to the return of: %s: %v\n", printable.Text(skipped.Name), skipped.Reason)
	}
}

func (t *teller) counted(s *attach.Session) string {
	functions, tracepoints := len(t.plan.Functions), len(t.plan.Tracepoints)
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
	var parts []string
	for _, part := range []struct {
		n    int
		noun string
		said bool
	}{
		{functions, "function", functions > 0},
		{tracepoints, "tracepoint", tracepoints > 0 || functions == 0 && len(t.plan.Programs) == 0},
		{s.TracedPrograms(), "BPF program", len(t.plan.Programs) > 0},
	} {
		if part.said {
			parts = append(parts, count(part.n, part.noun))
		}
	}
	return strings.Join(parts, " and ")
}

// found tells of BPF programs, and warns of those that are not traced, each by name.
func (t *teller) found(f attach.Found) {
	for _, p := range f.Traced {
		if t.debug {
			fmt.Fprintf(t.w, "debug: BPF program %s is traced\n", &p)
		}
	}
	for _, p := range f.Gone {
		if t.debug {
			fmt.Fprintf(t.w, "debug: BPF program %s was unloaded\n", &p)
		}
	}
	if len(f.Unlanded) > 0 {
		fmt.Fprintf(t.w, "warning: the entry of these BPF programs is not traced where a tail call leads to them: %s\n", unlanded(f.Unlanded))
	}
	for _, u := range f.Untraced {
		fmt.Fprintf(t.w, "warning: BPF program %s is not traced: %v\n", &u.Program, u.Reason)
	}
}

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

// unlanded names programs, and why, once for all that have the same reason.
func unlanded(list []attach.Untraced) string {
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

// endless warns that a limit may take two packets for one.
func (t *teller) endless() {
	fmt.Fprintln(t.w, "warning: no traced function shows the end of a packet: it counts as ended after 1s without an event")
}

// dropped tells what rights are left.
func (t *teller) dropped(left kernel.CapabilitySet) {
	if t.debug {
		fmt.Fprintf(t.w, "debug: capabilities kept while tracing: %s\n", privilege.Names(left))
	}
}

// undropped warns where rights could not be given up.
func (t *teller) undropped(err error) {
	if err != nil {
		fmt.Fprintf(t.w, "warning: privileges that are not needed could not be dropped: %v\n", err)
	}
}

// summary tells what the run came to.
func (t *teller) summary(totals event.Totals) {
	var lost uint64
	for _, n := range totals.Lost {
		lost += n
	}
	line := fmt.Sprintf("traced %s of %s in %.1fs, %d lost",
		count(int(totals.Printed), "event"), count(int(totals.Packets), "packet"),
		time.Duration(totals.Duration).Seconds(), lost)
	if totals.Suppressed > 0 {
		line += fmt.Sprintf(", %d suppressed", totals.Suppressed)
	}
	if totals.Evicted > 0 {
		line += fmt.Sprintf(", %s evicted (--track-entries)", count(int(totals.Evicted), "sk_buff"))
	}
	if totals.Unreturned > 0 {
		line += fmt.Sprintf(", %s missed", count(int(totals.Unreturned), "return"))
	}
	if totals.Headless > 0 && t.plan != nil && t.plan.Asked.Filter.AsksTransport() {
		line += fmt.Sprintf(", %s without ports not matched", count(int(totals.Headless), "dropped fragment"))
	}
	if totals.Missed > 0 {
		line += fmt.Sprintf(", %s missed", count(int(totals.Missed), "probe hit"))
		if t.plan != nil && t.plan.BPF.Config.Ids {
			line += " (packets may have been lost from sight)"
		}
	}
	fmt.Fprintln(t.w, line)
	for _, hidden := range unplacedLines(totals) {
		fmt.Fprintln(t.w, hidden)
	}
	if len(totals.DropReasons) > 0 {
		fmt.Fprintln(t.w, dropLine(totals))
	}
	for _, note := range reasonNotes(totals) {
		fmt.Fprintf(t.w, "note: %s\n", note)
	}
	t.benign(totals)
	t.unseen(totals.Unseen)
}

// unseen prints what a run without events did not look at.
func (t *teller) unseen(list []event.Unseen) {
	if len(list) > 0 {
		fmt.Fprintln(t.w, "no event does not mean that there was no such packet. Not looked at:")
	}
	for _, u := range list {
		fmt.Fprintf(t.w, "  %s\n", u.Text)
	}
}

// skippedLines names functions that can't be traced, a line for each reason.
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
