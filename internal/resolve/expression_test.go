// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// encoded returns an expression as in a netlink message.
func encoded(t *testing.T, name string, attributes ...netlink.Attribute) []byte {
	t.Helper()
	data, err := netlink.MarshalAttributes(attributes)
	if err != nil {
		t.Fatal(err)
	}
	b, err := netlink.MarshalAttributes([]netlink.Attribute{stringAttribute(unix.NFTA_EXPR_NAME, name), {Type: unix.NFTA_EXPR_DATA | unix.NLA_F_NESTED, Data: data}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestUndecodedExpressions checks that an expression that can't be decoded stays in the list.
func TestUndecodedExpressions(t *testing.T) {
	for name, b := range map[string][]byte{
		"log":     encoded(t, "log", netlink.Attribute{Type: unix.NFTA_LOG_PREFIX}), // the library expects a NUL
		"socket":  encoded(t, "socket"),
		"bitwise": encoded(t, "bitwise", netlink.Attribute{Type: nftaBitwiseOp, Data: []byte{0, 0, 0, 1}}),
		"ct":      encoded(t, "ct", netlink.Attribute{Type: unix.NFTA_CT_SREG, Data: []byte{0, 0, 0, 8}}),
		"limit":   encoded(t, "limit", netlink.Attribute{Type: 99, Data: []byte{1}}),
	} {
		e, err := decodeExpression(unix.NFPROTO_INET, b)
		if err != nil || e.name != name || e.value != nil {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
		if text, complete := printRule(unix.NFPROTO_INET, []expression{e}, questions{}); complete || text != "["+name+"]" {
			t.Errorf("%s: text %q, complete %v", name, text, complete)
		}
	}
}

// TestUseOfUnknownValue checks that a comparison of an unknown value is not printed.
func TestUseOfUnknownValue(t *testing.T) {
	var rule []expression
	for _, b := range [][]byte{
		encoded(t, "socket"),
		encoded(t, "cmp", netlink.Attribute{Type: unix.NFTA_CMP_SREG, Data: []byte{0, 0, 0, 1}}),
		encoded(t, "counter"),
	} {
		e, err := decodeExpression(unix.NFPROTO_INET, b)
		if err != nil {
			t.Fatal(err)
		}
		rule = append(rule, e)
	}
	if text, complete := printRule(unix.NFPROTO_INET, rule, questions{}); complete || text != "[socket] counter" {
		t.Errorf("text %q, complete %v", text, complete)
	}
}
