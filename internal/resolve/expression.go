// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"fmt"
	"strings"

	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// expression is one expression of a rule. value is nil for an unknown one. The list of expressions is decoded here, since
// the library omits unknown expressions, which changes the meaning of the rule.
type expression struct {
	name  string
	value any
}

// byteorder is the expression that converts a register to network byte order before a comparison. The library can't
// decode it.
type byteorder struct{ source, destination, size, length uint32 }

// known has the expressions that can be printed by name, with functions that create their values.
var known = map[string]func() expr.Any{
	"meta": func() expr.Any { return &expr.Meta{} }, "cmp": func() expr.Any { return &expr.Cmp{} },
	"payload": func() expr.Any { return &expr.Payload{} }, "ct": func() expr.Any { return &expr.Ct{} },
	"bitwise": func() expr.Any { return &expr.Bitwise{} }, "range": func() expr.Any { return &expr.Range{} },
	"lookup": func() expr.Any { return &expr.Lookup{} }, "counter": func() expr.Any { return &expr.Counter{} },
	"limit": func() expr.Any { return &expr.Limit{} }, "log": func() expr.Any { return &expr.Log{} },
	"reject": func() expr.Any { return &expr.Reject{} }, "immediate": func() expr.Any { return &expr.Immediate{} },
	"match": func() expr.Any { return &expr.Match{} }, "target": func() expr.Any { return &expr.Target{} },
	"notrack": func() expr.Any { return &expr.Notrack{} }, "fib": func() expr.Any { return &expr.Fib{} },
	"connlimit": func() expr.Any { return &expr.Connlimit{} }, "quota": func() expr.Any { return &expr.Quota{} },
	"objref": func() expr.Any { return &expr.Objref{} },
}

// expressions decodes the expressions of a rule.
func (r *rule) expressions(family uint8) ([]expression, error) {
	var all []expression
	err := eachNested(r.raw, func(ad *netlink.AttributeDecoder) error {
		e, err := decodeExpression(family, ad.Bytes())
		all = append(all, e)
		return err
	})
	return all, err
}

func decodeExpression(family uint8, b []byte) (e expression, err error) {
	var data []byte
	if err := eachNested(b, func(ad *netlink.AttributeDecoder) error {
		switch ad.Type() {
		case unix.NFTA_EXPR_NAME:
			e.name = ad.String()
		case unix.NFTA_EXPR_DATA:
			data = ad.Bytes()
		}
		return nil
	}); err != nil {
		return e, err
	}
	switch e.name {
	case "byteorder":
		e.value, err = byteorderOf(data)
		return e, err
	case "dynset":
		e.value, err = dynsetOf(family, data)
		return e, err
	}
	create, isKnown := known[e.name]
	if !isKnown {
		return e, nil
	}
	if e.name == "immediate" {
		e.value, err = immediateOf(data)
		return e, err
	}
	if e.name == "bitwise" && hasOperation(data) || e.name == "ct" && setsRegister(data) {
		return e, nil
	}
	value := create()
	if e.name == "notrack" || unmarshal(family, data, value) == nil { // fails for attributes that the library does not know
		e.value = value
	}
	return e, nil
}

// unmarshal decodes an expression with the library, which panics on attributes that are shorter than it expects.
func unmarshal(family uint8, data []byte, value expr.Any) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("decode: %v", reason)
		}
	}()
	return expr.Unmarshal(family, data, value)
}

// byteorderOf decodes the attributes NFTA_BYTEORDER_*.
func byteorderOf(data []byte) (*byteorder, error) {
	b := &byteorder{}
	return b, eachNested(data, func(ad *netlink.AttributeDecoder) error {
		switch ad.Type() {
		case unix.NFTA_BYTEORDER_SREG:
			b.source = ad.Uint32()
		case unix.NFTA_BYTEORDER_DREG:
			b.destination = ad.Uint32()
		case unix.NFTA_BYTEORDER_LEN:
			b.length = ad.Uint32()
		case unix.NFTA_BYTEORDER_SIZE:
			b.size = ad.Uint32()
		}
		return nil
	})
}

// immediateOf decodes the attributes NFTA_IMMEDIATE_*, to a verdict or a constant.
func immediateOf(data []byte) (expr.Any, error) {
	constant := &expr.Immediate{}
	var verdict *expr.Verdict
	err := eachNested(data, func(ad *netlink.AttributeDecoder) (err error) {
		switch ad.Type() {
		case unix.NFTA_IMMEDIATE_DREG:
			constant.Register = ad.Uint32()
		case unix.NFTA_IMMEDIATE_DATA:
			constant.Data, verdict, err = dataOf(ad.Bytes())
		}
		return err
	})
	if verdict != nil {
		return verdict, err
	}
	return constant, err
}

// nftaBitwiseOp is NFTA_BITWISE_OP (5.6). The library knows only operation 0, mask and xor.
const nftaBitwiseOp = 6

func hasOperation(data []byte) bool {
	other := false
	_ = eachNested(data, func(ad *netlink.AttributeDecoder) error { // decoding reports malformed data later
		other = other || ad.Type() == nftaBitwiseOp && ad.Uint32() != 0
		return nil
	})
	return other
}

// setsRegister reports whether a ct expression sets a value instead of loading it. The library does not distinguish them.
func setsRegister(data []byte) bool {
	sets := false
	_ = eachNested(data, func(ad *netlink.AttributeDecoder) error { // as above
		sets = sets || ad.Type() == unix.NFTA_CT_SREG
		return nil
	})
	return sets
}

// looksUp returns the names of the sets and maps that a rule uses.
func (r *rule) looksUp() (names []string) {
	all, _ := r.expressions(0) // look-ups do not depend on the family; what can't be decoded is none
	for _, e := range all {
		if l, ok := e.value.(*expr.Lookup); ok {
			names = append(names, l.SetName)
		}
	}
	return names
}

// anyComment returns the rule's comment, or the comment in a match of iptables-nft, or "".
func (r *rule) anyComment(family uint8) string {
	if r.comment != "" {
		return r.comment
	}
	all, _ := r.expressions(family) // as above
	for _, e := range all {
		if m, ok := e.value.(*expr.Match); ok {
			if comment, ok := m.Info.(*xt.Comment); ok {
				return strings.TrimRight(string(*comment), "\x00")
			}
		}
	}
	return ""
}
