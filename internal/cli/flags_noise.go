// SPDX-License-Identifier: Apache-2.0

package cli

import "github.com/spf13/pflag"

func noiseFlags(fs *pflag.FlagSet, o *options) {
	drops, limits := &o.config.Drops, &o.config.Limits
	fs.BoolVar(&drops.Only, "drop", false, "only where packets are dropped: reason, place and stack")
	fs.BoolVar(&drops.HideBenign, "drop-hide-benign", false, "no drops that come with a network in good order")
	fs.Var(durationValue{&limits.Duration}, "duration", "end after this `TIME`, as in 30s or 5m")
	fs.Var(counted(&limits.Packets, "packets"), "max-packets", "only the first `N` packets, and end with them; 0 for all")
	fs.Var(counted(&limits.EventsPerPacket, "events"), "max-events-per-packet", "only the first `N` events of each packet; 0 for all")
	fs.Var(counted(&limits.EventsPerSecond, "events"), "max-events-per-second", "at most `N` events a second; 0 for all")
}

var noiseOffers = offers{
	"duration":              anything,
	"max-packets":           anything,
	"max-events-per-packet": anything,
	"max-events-per-second": anything,
}
