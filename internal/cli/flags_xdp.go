// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"slices"

	"tracer/internal/printable"

	"github.com/spf13/pflag"
)

// xdpKind is the kind of BPF programs that run at XDP.
const xdpKind = "xdp"

func (o *options) xdpFilterFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.config.Plan.XDPExpr, xdpExpr, "", "trace only XDP frames that meet this C-like `CONDITION`, such as 'xdp->rxq->queue_index == 0'")
}

func (o *options) xdpOutputFlags(fs *pflag.FlagSet) {
	fs.Var(distinct(&o.config.Plan.Record.XDPValues), xdpMetadata, "show the values of these expressions for XDP frames, such as xdp->rxq->queue_index")
}

// Flags that work only if XDP programs are traced.
const (
	xdpExpr     = "filter-xdp-expr"
	xdpMetadata = "output-xdp-metadata"
)

// settleXDP adds the columns of XDP frames if XDP programs are traced, and otherwise rejects the
// flags that need them.
func (o *options) settleXDP(fs *pflag.FlagSet) error {
	columns := &o.config.Output.Columns
	columns.Head = slices.Contains(o.config.Plan.Programs.Kinds, xdpKind)
	columns.XDPMetadata = len(o.config.Plan.Record.XDPValues) > 0
	for _, name := range []string{xdpExpr, xdpMetadata} {
		if fs.Changed(name) && !columns.Head {
			return &usageError{
				text: fmt.Sprintf("--%s %s: no XDP programs are traced", name, printable.Quote(fs.Lookup(name).Value.String())),
				hint: "add --filter-trace-xdp",
			}
		}
	}
	return nil
}
