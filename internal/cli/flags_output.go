// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"

	"tracer/internal/column"

	"github.com/spf13/pflag"
)

func outputFlags(fs *pflag.FlagSet, o *options) {
	c := &o.config
	columns := &c.Output.Columns
	fs.BoolVar(&columns.Meta, "output-meta", true, "netns, mark, interface, protocol, MTU and length")
	fs.BoolVar(&columns.Tuple, "output-tuple", true, "addresses, ports and the like")
	fs.Var(timestampValue{&columns.Timestamp}, "timestamp", "`FORM` of time: "+strings.Join(column.Timestamps(), ", "))
	fs.BoolVar(&c.Output.JSON, "output-json", false, "one JSON object per line")
	fs.Var(counted(&c.Limits.Lines, "lines"), "output-limit-lines", "end after this many events (`LINES`), 0 for no limit")
}

// timestampValue is a form of time.
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
