// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"fmt"
	"strings"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// dynset is an expression that adds an element to a set, with statements. It is decoded here, since the library omits
// unknown statements.
type dynset struct {
	set        string
	operation  uint32
	key        uint32 // register
	timeout    uint64 // in ms
	other      bool   // it has attributes that can't be printed
	statements []expression
}

// Attributes that the package unix does not have.
const (
	nftaDynsetExpr        = 7
	nftaDynsetPad         = 8
	nftaDynsetFlags       = 9
	nftaDynsetExpressions = 10 // 5.11
)

var dynsetOperations = []string{"add", "update", "delete"}

func dynsetOf(family uint8, data []byte) (*dynset, error) {
	d := &dynset{}
	return d, eachNested(data, func(ad *netlink.AttributeDecoder) error {
		switch ad.Type() {
		case unix.NFTA_DYNSET_SET_NAME:
			d.set = ad.String()
		case unix.NFTA_DYNSET_OP:
			d.operation = ad.Uint32()
		case unix.NFTA_DYNSET_SREG_KEY:
			d.key = ad.Uint32()
		case unix.NFTA_DYNSET_TIMEOUT:
			d.timeout = ad.Uint64()
		case nftaDynsetExpr:
			return d.add(family, ad.Bytes())
		case nftaDynsetExpressions:
			d.statements = nil // a single statement is also in NFTA_DYNSET_EXPR
			return eachNested(ad.Bytes(), func(ad *netlink.AttributeDecoder) error { return d.add(family, ad.Bytes()) })
		case nftaDynsetFlags:
			d.other = d.other || ad.Uint32()&unix.NFT_DYNSET_F_INV != 0
		case unix.NFTA_DYNSET_SET_ID, nftaDynsetPad:
		default:
			d.other = true
		}
		return nil
	})
}

func (d *dynset) add(family uint8, b []byte) error {
	e, err := decodeExpression(family, b)
	d.statements = append(d.statements, e)
	return err
}

// dynset writes an expression that adds to a set.
func (p *printer) dynset(d *dynset) {
	s, _, err := p.ask.set(d.set)
	if err != nil || d.other || int(d.operation) >= len(dynsetOperations) {
		p.giveUp("dynset " + d.set)
		return
	}
	key := p.key(slot(d.key), s.keySize)
	if key == nil {
		p.orUnknown(nil, "dynset "+d.set)
		return
	}
	for _, o := range key {
		p.uses(o)
	}
	parts := []string{key.name()}
	if d.timeout != 0 {
		parts = append(parts, "timeout "+period(d.timeout))
	}
	if len(d.statements) > 0 {
		text, complete := printRule(p.family, d.statements, p.ask)
		parts = append(parts, text)
		p.complete = p.complete && complete
	}
	p.add(fmt.Sprintf("%s @%s { %s }", dynsetOperations[d.operation], d.set, strings.Join(parts, " ")))
}

// period returns a time in nft's form: 1d2h3m4s5ms.
func period(ms uint64) string {
	var b strings.Builder
	for _, unit := range []struct {
		ms   uint64
		name string
	}{{24 * 3600_000, "d"}, {3600_000, "h"}, {60_000, "m"}, {1000, "s"}, {1, "ms"}} {
		if n := ms / unit.ms; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, unit.name)
		}
		ms %= unit.ms
	}
	return b.String()
}
