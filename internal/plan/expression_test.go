// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"iter"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"tracer/internal/expr"
)

// xdpTypes are the types of a kernel that has only struct xdp_buff.
type xdpTypes struct{}

func (xdpTypes) AnyTypesByName(name string) ([]btf.Type, error) {
	if name != "xdp_buff" {
		return nil, btf.ErrNotFound
	}
	data := btf.Member{Name: "data", Type: &btf.Pointer{Target: &btf.Void{}}}
	end := btf.Member{Name: "data_end", Type: data.Type, Offset: 64}
	return []btf.Type{&btf.Struct{Name: name, Size: 16, Members: []btf.Member{data, end}}}, nil
}

func (xdpTypes) All() iter.Seq2[btf.Type, error] { return func(func(btf.Type, error) bool) {} }

func TestExpressionsOfAnyRoot(t *testing.T) {
	body, err := new(Plan).condition(xdpTypes{}, expr.Xdp, "xdp->data_end - xdp->data == 60")
	if err != nil || len(body) == 0 {
		t.Errorf("%v, %v", body, err)
	}
	v, err := new(Plan).values(xdpTypes{}, expr.Xdp, []string{"xdp->data", "xdp->data_end"})
	if err != nil || v.At.Size != 24 || len(v.body()) == 0 {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err = new(Plan).condition(xdpTypes{}, expr.Xdp, "skb->len"); err == nil || !strings.Contains(err.Error(), `"skb" is unknown`) {
		t.Error(err)
	}
	if _, err = new(Plan).values(xdpTypes{}, expr.Skb, []string{"skb->len"}); err == nil || !strings.Contains(err.Error(), "no struct sk_buff") {
		t.Error(err)
	}
}

// TestNoExpressionTakesNoSpace checks that without expressions the record has no values, and that no
// types are read.
func TestNoExpressionTakesNoSpace(t *testing.T) {
	if body, err := new(Plan).condition(nil, expr.Skb, ""); body != nil || err != nil {
		t.Errorf("%v, %v", body, err)
	}
	if v, err := new(Plan).values(nil, expr.Skb, nil); v.At.Size != 0 || v.body() != nil || err != nil {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestExpressionsAreNoted checks that the notes of an expression name it.
func TestExpressionsAreNoted(t *testing.T) {
	p := new(Plan)
	p.noteExpression(&expr.Program{What: "skb expression", Text: "x == 1", Notes: []string{"write y"}})
	if len(p.Notes) != 1 || p.Notes[0] != `skb expression "x == 1": write y` {
		t.Errorf("%q", p.Notes)
	}
}
