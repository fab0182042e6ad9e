// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"tracer/internal/bpf"
	"tracer/internal/event"
)

// decodeHook returns nil for a function that takes no nf_hook_state.
func decodeHook(h *bpf.Hook, to *event.Netfilter) *event.Netfilter {
	if h.Has&bpf.HasState == 0 {
		return nil
	}
	*to = event.Netfilter{
		Family:      event.Family(h.Family),
		Hook:        h.Hook,
		HasPriority: h.Has&bpf.HasPriority != 0,
		Priority:    h.Priority,
		Object:      event.HookObject(h.Object),
		Table:       h.Table,
		Chain:       h.Chain,
		TableFamily: event.Family(h.TableFamily),
	}
	return to
}
