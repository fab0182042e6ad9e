// SPDX-License-Identifier: Apache-2.0

package cli

import "github.com/spf13/pflag"

func (o *options) limitFlags(fs *pflag.FlagSet) {
	limits := &o.config.Limits
	fs.Var(durationValue{&limits.Duration}, "duration", "stop after this `TIME`, such as 30s or 5m")
	fs.Var(counted(&limits.Packets, "packets"), "max-packets", "trace the first `N` packets, then stop (0: no limit)")
	fs.Var(counted(&limits.Lines, "lines"), "output-limit-lines", "stop after `N` events (0: no limit)")
	fs.Var(counted(&limits.EventsPerPacket, "events"), "max-events-per-packet", "print only the first `N` events of each packet (0: no limit)")
	fs.Var(counted(&o.config.Plan.Settings.MaxPerSecond, "events"), "max-events-per-second", "print at most `N` events per second (0: no limit)")
}

var limitOffers = offers{
	"duration":              anything,
	"max-packets":           anything,
	"output-limit-lines":    anything,
	"max-events-per-packet": anything,
	"max-events-per-second": anything,
}
