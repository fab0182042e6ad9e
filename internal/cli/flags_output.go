// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"strconv"
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
	fs.Var(linesValue{&c.Limit}, "output-limit-lines", "end after this many events (`LINES`), 0 for no limit")
	fs.StringVar(&c.OutputFile, "output-file", "", "write to this `FILE` and not to standard output")
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

// linesValue is a number of lines.
type linesValue struct{ to *uint64 }

func (v linesValue) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return errors.New("not a number of lines, which is 0 or more")
	}
	*v.to = n
	return nil
}

func (v linesValue) String() string {
	if v.to == nil {
		return ""
	}
	return strconv.FormatUint(*v.to, 10)
}

func (linesValue) Type() string { return "lines" }
