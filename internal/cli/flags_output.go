// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tracer/internal/app"
	"tracer/internal/column"
	"tracer/internal/complete"
	"tracer/internal/nearest"
	"tracer/internal/plan"
	"tracer/internal/printable"

	"github.com/spf13/pflag"
)

func (o *options) outputFlags(fs *pflag.FlagSet) {
	c := &o.config
	columns := &c.Output.Columns
	fs.BoolVar(&columns.Meta, "output-meta", true, "show namespace, mark, interface, protocol, MTU and length")
	fs.BoolVar(&columns.Tuple, "output-tuple", true, "show addresses, ports and protocol")
	tupleFlags(fs, columns)
	o.deepFlags(fs)
	fs.Var(distinct(&o.columns), "output-columns", "print only the columns of this `LIST`: names, default, all")
	fs.Var(timestampValue{&columns.Timestamp}, "timestamp", "time `FORM`: "+strings.Join(column.Timestamps(), ", "))
	jsonFlag(fs, &c.Output.JSON, "output-json")
	fs.Var(checked(&c.Color, checkColor), "color", "colour drops red `WHEN`: auto (on a terminal), always, never")
}

func (o *options) outputOffers() offers {
	return offers{
		"netns-names-max-length": anything,
		"output-lookups":         listOf(oneOf(plan.LookupWords()...)),
		"output-skb-metadata":    anything,
		xdpMetadata:              anything,
		"output-columns":         listOf(o.columnsOffer),
		"timestamp":              oneOf(column.Timestamps()...),
		"color":                  oneOf(app.ColorAuto, app.ColorAlways, app.ColorNever),
	}
}

// columnsOffer completes the columns of the chosen format.
func (o *options) columnsOffer(string) []complete.Word {
	words := []complete.Word{
		{Text: column.DefaultColumns, Help: "the columns that are printed without a list"},
		{Text: column.AllColumns, Help: "all columns that need no additional events"},
	}
	for _, c := range column.All() {
		if c.Group == column.First && !o.config.Drops.OnlyDrops() {
			continue
		}
		if o.config.Output.JSON || c.Text != nil {
			words = append(words, complete.Word{Text: c.Name, Help: c.Help})
		}
	}
	return words
}

// tupleFlags declares the flags about addresses, connections and namespaces.
func tupleFlags(fs *pflag.FlagSet, columns *column.Options) {
	fs.BoolVar(&columns.TCPFlags, "output-tcp-flags", false, "show TCP flags, as in tcp:SYN|ACK")
	fs.BoolVar(&columns.TCPSeq, "output-tcp-seq", false, "show TCP flags, sequence, acknowledgement and window")
	fs.BoolVar(&columns.Tunnel, "output-tunnel", false, "show the inner packet of VXLAN, Geneve, GRE and IPIP")
	fs.BoolVar(&columns.Netfilter, "output-netfilter", false, "show hook, priority, table and chain in netfilter functions")
	fs.BoolVar(&columns.Conntrack, "output-conntrack", false, "show the packet's connection tracking state")
	fs.BoolVar(&columns.BPFMap, "output-bpfmap", false, "show map operations of BPF programs for a packet: keys, values")
	fs.BoolVar(&columns.NetnsName, "output-netns-names", false, "show names of network namespaces")
	fs.Var(charactersValue{&columns.NetnsNameMost}, "netns-names-max-length",
		fmt.Sprintf("cut namespace names to `N` characters in text (default %d)", column.DefaultNetnsNameMost))
}

// deepFlags declares the flags for returns, lookups, stacks and fields of kernel structs.
func (o *options) deepFlags(fs *pflag.FlagSet) {
	columns := &o.config.Output.Columns
	fs.BoolVar(&columns.Return, "output-return", false, "also show return values and durations")
	fs.Var(lookups(&o.config.Plan.Lookups), "output-lookups", "show what the kernel looked up for the packet, a `LIST` of "+strings.Join(plan.LookupWords(), ", "))
	fs.BoolVar(&columns.Caller, "output-caller", false, "show the caller of the function")
	fs.BoolVar(&columns.Stack, "output-stack", false, "show the kernel stack below each row")
	fs.BoolVar(&columns.CB, "output-skb-cb", false, "show the five words of skb->cb that tc programs use")
	fs.BoolVar(&columns.Skb, "output-skb", false, "show all fields of the sk_buff below each row")
	fs.BoolVar(&columns.Shared, "output-skb-shared-info", false, "show all fields of the skb_shared_info below each row")
	fs.Var(distinct(&o.config.Plan.Record.Values), "output-skb-metadata", "show the values of these expressions, such as skb->dev->mtu")
	o.xdpOutputFlags(fs)
}

func checkColor(value string) error {
	switch value {
	case app.ColorAuto, app.ColorAlways, app.ColorNever:
		return nil
	}
	return fmt.Errorf("not one of %s, %s, %s", app.ColorAuto, app.ColorAlways, app.ColorNever)
}

// settleOutput sets the columns that depend on several flags.
func (o *options) settleOutput(fs *pflag.FlagSet) error {
	columns := &o.config.Output.Columns
	columns.Metadata = len(o.config.Plan.Record.Values) > 0
	columns.Lookups = len(o.config.Plan.Lookups) > 0
	columns.First = o.config.Drops.OnlyDrops()
	columns.Why = o.showsWhy(fs)
	if o.columns == nil {
		return nil
	}
	chosen, err := column.Choose(o.columns, *columns, o.config.Output.JSON)
	if err != nil {
		return o.choiceError(err)
	}
	columns.Chosen = chosen
	o.noteOmitted(fs)
	return nil
}

// noteOmitted adds a note about columns that flags ask for and that the list of columns does not
// name. Columns that another flag implies are not noted.
func (o *options) noteOmitted(fs *pflag.FlagSet) {
	asked := o.config.Output.Columns
	asked.ID = asked.ID && fs.Lookup("output-id").Changed
	asked.Why = asked.Why && (fs.Changed(whyFlag) || o.outputWhy)
	if names := column.Omitted(asked, o.config.Output.JSON); len(names) > 0 {
		o.notes = append(o.notes, fmt.Sprintf("--output-columns does not name %s: not printed", strings.Join(names, ", ")))
	}
}

func (o *options) choiceError(err error) error {
	var choice *column.ChoiceError
	if !errors.As(err, &choice) {
		return err
	}
	e := &usageError{text: "--output-columns " + printable.Quote(choice.Word), cause: choice.Cause}
	if errors.Is(err, column.ErrUnknown) {
		e.hint = columnHint(choice.Word, columnNames(o.config.Output.JSON))
	}
	return e
}

// columnNames returns the names of the columns of the format.
func columnNames(json bool) []string {
	var names []string
	for _, c := range column.All() {
		if json || c.Text != nil {
			names = append(names, c.Name)
		}
	}
	return names
}

func columnHint(word string, names []string) string {
	hint := "the columns are " + strings.Join(names, ", ") + ", or default, or all"
	if near := nearest.Word(strings.ToLower(word), names); near != "" {
		return "did you mean " + near + "? " + hint
	}
	return hint
}

// charactersValue is the greatest length of a name, in characters.
type charactersValue struct{ to *int }

func (v charactersValue) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil || n == 0 {
		return errors.New("not a number from 1 to 255")
	}
	*v.to = int(n)
	return nil
}

func (v charactersValue) String() string {
	if v.to == nil || *v.to == 0 {
		return ""
	}
	return strconv.Itoa(*v.to)
}

func (charactersValue) Type() string { return "characters" }

// timestampValue is a form in which the time is printed.
type timestampValue struct{ to *column.Timestamp }

func (v timestampValue) Set(s string) (err error) {
	*v.to, err = column.ParseTimestamp(s)
	return err
}

func (v timestampValue) String() string {
	if v.to == nil {
		return ""
	}
	return v.to.String()
}

func (timestampValue) Type() string { return "form" }
