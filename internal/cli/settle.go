// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"path/filepath"

	"tracer/internal/app"
	"tracer/internal/printable"

	"github.com/spf13/pflag"
)

// check rejects values that contradict each other.
func (o *options) check(fs *pflag.FlagSet) error {
	c := &o.config
	if c.OutputFile != "" && c.ReadyFile != "" && filepath.Clean(c.OutputFile) == filepath.Clean(c.ReadyFile) {
		return &usageError{text: fmt.Sprintf("--ready-file %s: is also the --output-file", printable.Quote(c.ReadyFile)), hint: "name another file"}
	}
	return cmp.Or(checkRotation(fs, c.OutputFile), checkWrite(fs, c), checkDrop(c), checkReturns(c))
}

// dropTracepoint is the name of the drop tracepoint for --filter-func.
const dropTracepoint = "tp:kfree_skb"

// checkDrop rejects a choice of functions if only drops are traced.
func checkDrop(c *app.Config) error {
	why := "--drop"
	if !c.Drops.Only {
		why = "--filter-drop-reason"
	}
	switch {
	case !c.Drops.OnlyDrops():
		return nil
	case c.Plan.Func != "":
		return &usageError{
			text: fmt.Sprintf("--filter-func %s: %s traces the drop tracepoint only, no functions", printable.Quote(c.Plan.Func), why),
			hint: fmt.Sprintf("leave out %s and use --filter-func %s for these functions and the drops; or leave out --filter-func to trace only the drops", why, shellWord(c.Plan.Func+"|"+dropTracepoint)),
		}
	case c.Plan.FuncExclude != "":
		return &usageError{
			text: fmt.Sprintf("--filter-func-exclude %s: %s traces the drop tracepoint only, no functions", printable.Quote(c.Plan.FuncExclude), why),
			hint: fmt.Sprintf("leave out --filter-func-exclude to trace only the drops, or %s to trace functions too", why),
		}
	}
	return nil
}

// checkReturns rejects --returns-by if no returns are traced.
func checkReturns(c *app.Config) error {
	if c.Plan.ReturnsBy == "" || c.Output.Columns.Return || c.Plan.Follow.ByStack {
		return nil
	}
	return &usageError{text: fmt.Sprintf("--returns-by %s: no returns are traced", printable.Quote(string(c.Plan.ReturnsBy))), hint: "add --output-return"}
}
