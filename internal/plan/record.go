// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"

	"github.com/cilium/ebpf/btf"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// Record selects the parts of an event's record that need more than a setting of the programs. The other
// parts are in [Options.Settings].
type Record struct {
	// Maps records the operations of BPF programs on maps while they run for a packet.
	Maps bool
	// Return also emits events when functions return.
	Return bool
	// Skb and Shared copy the sk_buff and its skb_shared_info.
	Skb, Shared bool
	// Values are expressions on the sk_buff, in the language of package expr; XDPValues
	// are expressions on the xdp_buff.
	Values, XDPValues []string
}

// addRecord lays out the copies of kernel objects in the record.
func (p *Plan) addRecord(facts *kernel.Facts) (err error) {
	r, c := p.Asked.Record, &p.BPF.Config
	if r.Skb {
		if p.Skb, c.SkbSize, err = copied(facts.BTF, "sk_buff", bpf.MaxSkb); err != nil {
			return err
		}
	}
	if r.Shared {
		if p.Shared, c.SharedSize, err = copied(facts.BTF, "skb_shared_info", bpf.MaxShared); err != nil {
			return err
		}
	}
	return nil
}

// copied returns the type of a kernel object and its size in bytes, rounded up to a multiple of 8.
func copied(types *btf.Spec, name string, most int) (btf.Type, uint32, error) {
	var t *btf.Struct
	if err := types.TypeByName(name, &t); err != nil {
		return nil, 0, fmt.Errorf("struct %s: %w", name, err)
	}
	size := (int(t.Size) + 7) &^ 7
	if size > most {
		return nil, 0, fmt.Errorf("struct %s has %d bytes, but an event has room for only %d", name, t.Size, most)
	}
	return t, uint32(size), nil
}
