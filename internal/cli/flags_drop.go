// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"

	"tracer/internal/complete"
	"tracer/internal/plan"

	"github.com/spf13/pflag"
)

func (o *options) dropFlags(fs *pflag.FlagSet) {
	drops := &o.config.Drops
	fs.BoolVar(&drops.Only, "drop", false, "trace only drops: reason, location and cause")
	fs.BoolVar(&o.config.Plan.Settings.HideBenign, "drop-hide-benign", false, "hide drops that are normal on a healthy network")
	fs.Var(list(&drops.Reasons), "filter-drop-reason", "trace only drops for these reasons, such as NO_SOCKET; !NAME excludes")
	o.whyFlags(fs)
}

var dropOffers = offers{
	"filter-drop-reason": listOf(negated(reasonsOffer)),
	whyFlag:              listOf(oneOf(familyWords()...)),
}

// reasonsOffer completes the short names, and the kernel's own names after SKB_.
func reasonsOffer(word string) []complete.Word {
	long := complete.Reasons()
	if strings.HasPrefix(word, "SKB_") {
		return plain(long)
	}
	return plain(plan.ShortReasons(long))
}
