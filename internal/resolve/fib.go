// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"strings"

	"github.com/google/nftables/expr"
)

var (
	fibPresence = named(true, map[uint64]string{0: "missing", 1: "exists"}, formatDecimal)
	fibTypes    = named(true, map[uint64]string{
		1: "unicast", 2: "local", 3: "broadcast", 4: "anycast", 5: "multicast", 6: "blackhole", 7: "unreachable", 8: "prohibit",
	}, formatDecimal)
)

// fib handles an expression that loads the result of a route look-up.
func (p *printer) fib(v *expr.Fib) {
	var key []string
	for _, part := range []struct {
		is   bool
		name string
	}{{v.FlagSADDR, "saddr"}, {v.FlagDADDR, "daddr"}, {v.FlagMARK, "mark"}, {v.FlagIIF, "iif"}, {v.FlagOIF, "oif"}} {
		if part.is {
			key = append(key, part.name)
		}
	}
	name := "fib " + strings.Join(key, " . ")
	switch {
	case v.ResultADDRTYPE:
		p.load(v.Register, operand{name: name + " type", kind: fibTypes, size: 4})
	case v.ResultOIF && v.FlagPRESENT:
		p.load(v.Register, operand{name: name + " oif", kind: fibPresence, size: 1})
	case v.ResultOIFNAME && !v.FlagPRESENT:
		p.load(v.Register, operand{name: name + " oifname", kind: ifname, size: ifnameSize})
	default:
		p.giveUp("fib")
	}
}
