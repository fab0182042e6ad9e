// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"

	"github.com/cilium/ebpf/asm"

	"tracer/internal/expr"
	"tracer/internal/kernel"
	"tracer/internal/printable"
)

// addExpressions compiles the user's C expressions on the sk_buff and the xdp_buff: the conditions,
// and the values to show.
func (p *Plan) addExpressions(facts *kernel.Facts) (err error) {
	types := p.Asked.Types
	if types == nil {
		types = facts.BTF
	}
	c, bodies := &p.BPF.Config, &p.BPF.Bodies
	if bodies.Expression, err = p.condition(types, expr.Skb, p.Asked.SkbExpr); err != nil {
		return err
	}
	c.FilterExpression = bodies.Expression != nil
	if p.Values, err = p.values(types, expr.Skb, p.Asked.Record.Values); err != nil {
		return err
	}
	c.ValuesSize, bodies.Values = uint32(p.Values.At.Size), p.Values.body()
	return p.addXDPExpressions(types)
}

func (p *Plan) addXDPExpressions(types expr.Types) (err error) {
	c, bodies := &p.BPF.Config, &p.BPF.Bodies
	if bodies.XDPExpression, err = p.condition(types, expr.Xdp, p.Asked.XDPExpr); err != nil {
		return err
	}
	c.FilterXdpExpression = bodies.XDPExpression != nil
	if p.XDPValues, err = p.values(types, expr.Xdp, p.Asked.Record.XDPValues); err != nil {
		return err
	}
	c.XdpValuesSize, bodies.XDPValues = uint32(p.XDPValues.At.Size), p.XDPValues.body()
	return nil
}

// condition compiles a condition. An empty text is no condition, and returns no code.
func (p *Plan) condition(types expr.Types, roots expr.Roots, text string) (asm.Instructions, error) {
	if text == "" {
		return nil, nil
	}
	compiled, err := expr.Condition(types, roots, text)
	if err != nil {
		return nil, err
	}
	p.noteExpression(compiled)
	return compiled.Body, nil
}

// noteExpression adds the notes of a compiled expression to those of the plan.
func (p *Plan) noteExpression(compiled *expr.Program) {
	for _, note := range compiled.Notes {
		p.Notes = append(p.Notes, fmt.Sprintf("%s %s: %s", compiled.What, printable.Quote(compiled.Text), note))
	}
}

// Values are expressions whose values are in each record, and their layout there.
type Values struct {
	Programs []*expr.Program
	At       expr.Layout
}

// values compiles expressions and lays out their values. Without expressions, the layout has size 0.
func (p *Plan) values(types expr.Types, roots expr.Roots, texts []string) (Values, error) {
	var v Values
	for _, text := range texts {
		program, err := expr.Value(types, roots, text)
		if err != nil {
			return Values{}, err
		}
		p.noteExpression(program)
		v.Programs = append(v.Programs, program)
	}
	if len(texts) == 0 {
		return v, nil
	}
	var err error
	v.At, err = expr.LayOut(v.Programs)
	return v, err
}

// body returns the code that reads all the values.
func (v Values) body() asm.Instructions {
	if len(v.Programs) == 0 {
		return nil
	}
	return expr.Values(v.Programs)
}
