// SPDX-License-Identifier: Apache-2.0

package column

import (
	"testing"

	"tracer/internal/event"
)

func TestCaller(t *testing.T) {
	checkCell(t, "caller", event.Event{}, "-", "null")
	checkCell(t, "caller", event.Event{Names: event.Names{Caller: "nft_do_chain+0x5c [nf_tables]"}},
		"nft_do_chain+0x5c [nf_tables]", `"nft_do_chain+0x5c [nf_tables]"`)
}
