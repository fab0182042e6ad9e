// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"

	"tracer/internal/plan"

	"github.com/spf13/pflag"
)

func followFlags(fs *pflag.FlagSet, o *options) {
	c := &o.config
	fs.BoolVar(&c.TrackSkb, "filter-track-skb", false, "follow packets that matched once, whatever becomes of them")
	fs.BoolVar(&c.TrackByStack, "filter-track-skb-by-stackid", false, "the same, and what the kernel makes for them on the stack")
	fs.BoolVar(&c.Output.Columns.ID, "output-id", false, "number of the packet, and what part of it; on with the above")
	fs.Var(amountValue{&c.TrackEntries, 1, "sk_buffs"}, "track-entries",
		fmt.Sprintf("follow `N` sk_buffs at a time (default %d)", plan.DefaultFollowed))
}

var followOffers = offers{"track-entries": anything}

// settleFollow shows the numbers of packets where they are followed.
func (o *options) settleFollow(fs *pflag.FlagSet) error {
	if (o.config.TrackSkb || o.config.TrackByStack) && !fs.Lookup("output-id").Changed {
		o.config.Output.Columns.ID = true
	}
	return nil
}
