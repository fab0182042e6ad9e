// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"tracer/internal/app"
	"tracer/internal/column"
	"tracer/internal/plan"
	"tracer/internal/printable"
	"tracer/internal/replay"
	"tracer/internal/sink"
)

// readCommand prints recordings.
func readCommand() command {
	return command{
		name: "read", args: "[flags] FILE... [filter]", help: "print the events of a recording (--write)",
		details: "Each FILE is a recording, one compressed with zstd or gzip, or - for standard input; the files of a rotated recording can be " +
			"given together, in any order. What follows the files is a pcap filter for the recorded headers. Without flags of output, the " +
			"columns are those of the recorded command.",
		interruptible: true,
		call:          func() *call { return newRead(&readOptions{}) },
	}
}

// readOptions are the settings of one call of read.
type readOptions struct {
	// options has the outputs and limits, whose flags are those of trace.
	options
	selection         replay.Options
	only, never       string
	recorded          bool // no flag chooses columns
	files, filterArgs []string
}

func newRead(o *readOptions) *call {
	return &call{
		topics: []topic{
			{"Which events", o.selectFlags, readOffers},
			{"Limits", o.readLimitFlags, readLimitOffers},
			{"Output", o.readOutputFlags, o.outputOffers()},
			{"Output file", o.fileFlags, fileOffers},
			{"Recording", o.writeFlags, writeOffers},
		},
		arguments: everywhere(aFile),
		settle:    o.settle,
		run:       o.run,
	}
}

func (o *readOptions) selectFlags(fs *pflag.FlagSet) {
	s := &o.selection
	fs.Var(checked(&o.only, checkRegexp), "filter-func", "print only functions whose whole name matches this RE2 `REGEXP`")
	fs.Var(checked(&o.never, checkRegexp), "filter-func-exclude", "print no functions whose whole name matches this RE2 `REGEXP`")
	fs.BoolVar(&o.config.Drops.Only, "drop", false, "print only drops: reason, location and cause")
	fs.Var(list(&s.Reasons), "filter-drop-reason", "print only drops for these reasons, such as NO_SOCKET; !NAME excludes")
	fs.Var(list(&s.Causes), "filter-cause", "print only drops with these causes, such as no-listener; !NAME excludes")
	fs.Var(list(&s.Netns), "filter-netns", "print only these network namespaces: name or inode:N; !name excludes")
	fs.Var(list(&s.Ifnames), "filter-ifname", "print only these interfaces, such as eth0, veth*, !lo")
	fs.Var(list(&s.PIDs), "filter-pid", "print only processes with these IDs; !ID excludes")
	fs.Var(list(&s.Comms), "filter-comm", "print only processes with these names, such as nginx*; !NAME excludes")
	fs.StringVar(&s.Since, "since", "", "print only events from this `TIME` on: RFC 3339, or since the start, such as 1.5s")
	fs.StringVar(&s.Until, "until", "", "print only events up to this `TIME`")
	fs.Var(list(&s.Packets), "filter-packet", "print only packets with these numbers (--output-id), such as 3 or 10-20")
	fs.Var(list(&s.Events), "filter-event", "print only events with these numbers, which are Wireshark's frame numbers")
}

var readOffers = offers{
	"filter-func":         anything,
	"filter-func-exclude": anything,
	"filter-drop-reason":  listOf(negated(reasonsOffer)),
	"filter-cause":        anything,
	"filter-netns":        anything,
	"filter-ifname":       anything,
	"filter-pid":          anything,
	"filter-comm":         anything,
	"since":               anything,
	"until":               anything,
	"filter-packet":       anything,
	"filter-event":        anything,
}

func (o *readOptions) readLimitFlags(fs *pflag.FlagSet) {
	limits := &o.config.Limits
	fs.Var(counted(&limits.Packets, "packets"), "max-packets", "print the first `N` packets (0: no limit)")
	fs.Var(counted(&limits.Lines, "lines"), "output-limit-lines", "stop after `N` events (0: no limit)")
	fs.Var(counted(&limits.EventsPerPacket, "events"), "max-events-per-packet", "print only the first `N` events of each packet (0: no limit)")
}

var readLimitOffers = offers{"max-packets": anything, "output-limit-lines": anything, "max-events-per-packet": anything}

func (o *readOptions) readOutputFlags(fs *pflag.FlagSet) {
	o.outputFlags(fs)
	fs.BoolVar(&o.config.Output.Columns.ID, "output-id", false, "show packet and part numbers")
	fs.BoolVar(&o.outputWhy, outputWhyFlag, false, "show the cause of each drop below its row (implied by --drop)")
}

// settle separates files and filter, and completes the settings.
func (o *readOptions) settle(fs *pflag.FlagSet, typed []string) error {
	o.typed = typed
	o.split(fs.Args())
	if len(o.files) == 0 {
		return &usageError{text: "read: no file", hint: "name a recording: tracer read trace.pcapng"}
	}
	o.selection.Expr = strings.Join(o.filterArgs, " ")
	o.selection.Drops = o.config.Drops.Only
	if len(o.selection.Reasons)+len(o.selection.Causes) > 0 {
		o.config.Drops.Only = true
	}
	var err error
	if o.selection.Func, o.selection.FuncExclude, err = plan.CompileFuncs(o.only, o.never); err != nil {
		return err
	}
	o.recorded = !slices.ContainsFunc(names(topic{declare: (&readOptions{}).readOutputFlags}.flags()), func(name string) bool {
		return name != "output-json" && name != "color" && fs.Changed(name)
	}) && !fs.Changed("drop")
	return cmp.Or(checkNetns(o.selection.Netns), checkPIDs(o.selection.PIDs), o.check(fs), o.settleOutput(fs))
}

// split takes the leading arguments that are files as files. The first is always one.
func (o *readOptions) split(args []string) {
	n := min(1, len(args))
	for n < len(args) {
		if _, err := os.Stat(args[n]); err != nil && args[n] != sink.StdoutPath {
			break
		}
		n++
	}
	o.files, o.filterArgs = args[:n], args[n:]
}

// checkNetns rejects names that only the machine that recorded can resolve.
func checkNetns(words []string) error {
	for _, word := range words {
		name := strings.TrimPrefix(word, "!")
		if strings.ContainsRune(name, '/') || strings.HasPrefix(name, "pid:") {
			return &usageError{text: fmt.Sprintf("--filter-netns %s: a recording has names and inode numbers", printable.Quote(word)), hint: "use the name, or inode:N"}
		}
	}
	return nil
}

func checkPIDs(words []string) error {
	for _, word := range words {
		if strings.Trim(strings.TrimPrefix(word, "!"), "0123456789") != "" || strings.TrimPrefix(word, "!") == "" {
			return &usageError{text: fmt.Sprintf("--filter-pid %s: not a process ID", printable.Quote(word))}
		}
	}
	return nil
}

func (o *readOptions) run(ctx context.Context, _ []string, to streams) error {
	o.config.Stdout, o.config.Stderr = to.out, to.err
	cfg := app.ReadConfig{Config: o.config, Files: o.files, Stdin: os.Stdin, Select: o.selection}
	if o.recorded {
		cfg.Columns = o.recordedColumns
	}
	return withFlagWords(app.Read(ctx, cfg), o.typed)
}

// recordedColumns returns the columns of the recorded command, or the usual ones if this version does not understand it.
func (o *readOptions) recordedColumns(command []string) column.Options {
	trace, err := parseTrace(command)
	if err != nil {
		return o.config.Output.Columns
	}
	return trace.config.Output.Columns
}
