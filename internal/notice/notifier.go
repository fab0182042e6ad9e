// SPDX-License-Identifier: Apache-2.0

package notice

import (
	"fmt"
	"strings"
	"time"

	"github.com/cilium/ebpf/btf"

	"tracer/internal/column"
	"tracer/internal/kernel"
	"tracer/internal/plan"
	"tracer/internal/printable"
	"tracer/internal/privilege"
)

// Options tune a Notifier.
type Options struct {
	// Debug includes notices of this severity.
	Debug bool
	// Began is when the command was started.
	Began time.Time
}

// Notifier makes the notices of one run. It observes a live source (live.Observer).
type Notifier struct {
	send func(Notice)
	Options
	plan *plan.Plan
	// shown is when the progress was last shown.
	shown time.Time
}

// New returns a Notifier that calls send with each notice. It may do so from several goroutines.
func New(send func(Notice), o Options) *Notifier { return &Notifier{send: send, Options: o} }

func (n *Notifier) info(key, format string, args ...any) {
	n.send(Notice{Key: key, Severity: Info, Text: fmt.Sprintf(format, args...)})
}

func (n *Notifier) note(key, format string, args ...any) {
	n.send(Notice{Key: key, Severity: Note, Text: fmt.Sprintf(format, args...)})
}

func (n *Notifier) warn(key, format string, args ...any) {
	n.send(Notice{Key: key, Severity: Warning, Text: fmt.Sprintf(format, args...)})
}

func (n *Notifier) debug(key, format string, args ...any) {
	if n.Debug {
		n.send(Notice{Key: key, Severity: Debug, Text: fmt.Sprintf(format, args...)})
	}
}

func (n *Notifier) status(format string, args ...any) {
	n.send(Notice{Key: "status", Severity: Status, Text: printable.Text(fmt.Sprintf(format, args...))})
}

// Reading shows the first step, which takes some time.
func (n *Notifier) Reading() { n.status("reading kernel types…") }

// Loading shows that the kernel verifies the programs.
func (n *Notifier) Loading() { n.status("loading BPF programs…") }

// NoReader notes that a FIFO has no reader yet.
func (n *Notifier) NoReader() {
	n.note("no_reader", "waiting for a reader of the FIFO of --output-file")
}

// Planned reports the backend and what will be attached.
func (n *Notifier) Planned(facts *kernel.Facts, p *plan.Plan) {
	n.plan = p
	n.send(Notice{Key: "backend", Text: backendLine(p), Fields: []Field{{"backend", string(p.Backend)}}})
	if facts.PagesUnknown != nil && p.MayReadNonlinear() {
		n.warn("pages_unknown", "the filter does not see bytes in page fragments, where TCP keeps its payload: %v", facts.PagesUnknown)
	}
	if facts.ContextsUnknown != nil && (p.Asked.TaskFilter.Process() || len(p.Asked.TaskFilter.Cgroups) > 0) {
		n.warn("contexts_unknown", "filters by process and control group match only packets that have a socket: %v", facts.ContextsUnknown)
	}
	if len(p.Unfollowed) > 0 {
		n.warn("unfollowed", "on this kernel the backend %s can't follow packets through these: %s%s", p.Backend, strings.Join(p.Unfollowed, ", "), unfollowedDrops(p))
	}
	if kernel.FtraceDisabled() {
		n.ftraceDisabled(p)
	}
	if len(p.Asked.Why) > 0 && !p.ProbesFunctions() {
		n.note("causes_unknown", "no function can be probed, so causes that need earlier calls, such as firewall rules and queueing disciplines, are unknown: `tracer doctor` shows why")
	}
	n.lacking(facts, p)
	n.planReturns(p)
	if n.Debug {
		n.untraceable(facts, p)
	}
}

// unfollowedDrops says what it means for drops that packets can't be followed.
func unfollowedDrops(p *plan.Plan) string {
	switch {
	case !p.Asked.Drop.Only:
		return ""
	case p.BPF.Config.Decisions == 0:
		return ". Drops after them are shown only if the packet matches the filter there"
	}
	return ". Drops after them are shown only if the packet matches the filter there, and their causes may be unknown"
}

// untraceable names the functions that can't be traced.
func (n *Notifier) untraceable(facts *kernel.Facts, p *plan.Plan) {
	if facts.ListReadable != nil {
		n.debug("list_unreadable", "list of traceable functions: %v", facts.ListReadable)
	}
	if facts.NotDescribed != nil {
		n.debug("not_described", "drops by nftables are not explained, since the kernel does not describe its types: %v", facts.NotDescribed)
	}
	for _, line := range skippedLines(facts.Skipped) {
		n.debug("not_traceable", "not traceable: %s", line)
	}
	for _, line := range skippedLines(p.LeftOut) {
		n.debug("left_out", "left out: %s", line)
	}
}

// ftraceDisabled warns that probes of functions may not run.
func (n *Notifier) ftraceDisabled(p *plan.Plan) {
	if len(p.Functions) > 0 {
		n.warn("ftrace_disabled", "the sysctl kernel.ftrace_enabled is 0, so the kernel may not call the probes of functions: `sysctl kernel.ftrace_enabled=1`")
	}
}

// backendLine names the backend, and the reasons why better ones are not used.
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

// UnknownTypes warns of data that can't be read because its types are unknown.
func (n *Notifier) UnknownTypes(p *plan.Plan, types ...*btf.Spec) {
	if p.BPF.Config.Conntrack && !kernel.Describes("nf_conn", types...) {
		n.warn("conntrack_unknown", "CONNTRACK shows only the state of each packet: %v", kernel.ErrNotDescribed("nf_conn", "nf_conntrack"))
	}
	if why := p.TablesUnseen(); why != "" {
		n.warn("tables_unknown", "%s", why)
	}
}

// planReturns reports the notes of the plan, and how returns are traced.
func (n *Notifier) planReturns(p *plan.Plan) {
	for _, note := range p.Notes {
		n.note("plan", "%s", note)
	}
	if p.Returns == "" {
		return
	}
	if p.EmitsReturns() && p.Asked.Func == "" {
		n.warn("many_returns", "tracing the returns of all %d functions about doubles the cost: --filter-func selects fewer", len(p.Functions))
	}
	n.debug("returns", "returns are traced by %s", p.ReturnsBy())
}

// interval is the minimum time between two updates of the progress.
const interval = 100 * time.Millisecond

// Progress shows how many probes are attached.
func (n *Notifier) Progress(done, total int) {
	if done < total && time.Since(n.shown) < interval {
		return
	}
	n.shown = time.Now()
	n.status("attaching %d of %d", done, total)
}

// Narrow notes the columns that do not fit a terminal of this width; 0 means no terminal.
func (n *Notifier) Narrow(o column.Options, width int) {
	if width == 0 {
		return
	}
	layout := column.Lay(o, width)
	switch {
	case !layout.Cut:
		n.note("rows_wrap", "no room for all of --output-columns in %d columns: rows wrap", width)
	case len(layout.LeftOut) > 0:
		n.note("columns_left_out", "no room for %s in %d columns: --output-columns %s shows all",
			strings.Join(headers(layout.LeftOut), ", "), width, column.DefaultColumns)
	}
}

func headers(columns []column.Column) []string {
	var list []string
	for _, c := range columns {
		list = append(list, c.Header)
	}
	return list
}

// EndsUnknown warns that a limit may treat two packets as one.
func (n *Notifier) EndsUnknown() {
	n.warn("ends_unknown", "no traced function shows the end of a packet: it counts as ended after 1s without an event")
}

// Dropped reports the capabilities that are kept, or why the others could not be dropped.
func (n *Notifier) Dropped(kept kernel.CapabilitySet, err error) {
	if err != nil {
		n.warn("privileges_kept", "privileges that are not needed could not be dropped: %v", err)
		return
	}
	n.debug("capabilities", "capabilities kept while tracing: %s", privilege.Names(kept))
}
