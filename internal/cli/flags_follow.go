// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"

	"tracer/internal/plan"

	"github.com/spf13/pflag"
)

func (o *options) followFlags(fs *pflag.FlagSet) {
	c := &o.config
	fs.BoolVar(&c.Plan.Follow.Matched, "filter-track-skb", false, "follow matched packets through NAT, tunnels and clones")
	fs.BoolVar(&c.Plan.Follow.ByStack, "filter-track-skb-by-stackid", false, "also follow packets created while handling one (replies, ACKs, ICMP errors)")
	fs.BoolVar(&c.Output.Columns.ID, "output-id", false, "show packet and part numbers (implied by the flags above)")
	fs.Var(amountValue{&c.Plan.Follow.Entries, 1, "sk_buffs"}, "track-entries",
		fmt.Sprintf("follow at most `N` sk_buffs at a time (default %d)", plan.DefaultFollowed))
}

var followOffers = offers{"track-entries": anything}

// settleFollow shows packet numbers if packets are followed.
func (o *options) settleFollow(fs *pflag.FlagSet) error {
	if (o.config.Plan.Follow.Matched || o.config.Plan.Follow.ByStack) && !fs.Lookup("output-id").Changed {
		o.config.Output.Columns.ID = true
	}
	return nil
}
