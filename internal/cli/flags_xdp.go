// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/pflag"
)

// xdpKind is the kind of BPF programs that get frames.
const xdpKind = "xdp"

func xdpFilterFlags(fs *pflag.FlagSet, o *options) {
	fs.StringVar(&o.config.XDPExpr, xdpExpr, "", "only XDP frames that meet this C-like `CONDITION` on xdp->…")
}

func xdpOutputFlags(fs *pflag.FlagSet, o *options) {
	fs.Var(distinct(&o.config.XDPMetadata), xdpMetadata, "the same for XDP programs, such as xdp->rxq->queue_index")
}

// Flags that mean nothing where no XDP programs are traced.
const (
	xdpExpr     = "filter-xdp-expr"
	xdpMetadata = "output-xdp-metadata"
)

// settleXDP adds what there is to tell of frames where they are, and refuses to look at
// those that nobody tells of.
func (o *options) settleXDP(fs *pflag.FlagSet) error {
	columns := &o.config.Output.Columns
	columns.Head = slices.Contains(o.config.Programs, xdpKind)
	columns.XDPMetadata = len(o.config.XDPMetadata) > 0
	for _, name := range []string{xdpExpr, xdpMetadata} {
		if fs.Changed(name) && !columns.Head {
			return &usageError{
				text: fmt.Sprintf("--%s %q: no XDP programs are traced", name, fs.Lookup(name).Value),
				hint: "--filter-trace-xdp traces them",
			}
		}
	}
	return nil
}
