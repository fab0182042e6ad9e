// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"tracer/internal/expr"
	"tracer/internal/kernel"
)

// addExpressions compiles what the user says in C about the sk_buff: the condition
// and the values to show.
func (p *Plan) addExpressions(facts *kernel.Facts) error {
	types := p.Asked.Types
	if types == nil {
		types = facts.BTF
	}
	if err := p.addCondition(types); err != nil {
		return err
	}
	return p.addValues(types)
}

func (p *Plan) addCondition(types expr.Types) error {
	if p.Asked.SkbExpr == "" {
		return nil
	}
	condition, err := expr.Condition(types, p.Asked.SkbExpr)
	if err != nil {
		return err
	}
	p.BPF.Config.FilterExpression = true
	p.BPF.Bodies.Expression = condition.Body
	return nil
}

func (p *Plan) addValues(types expr.Types) error {
	for _, text := range p.Asked.Record.Values {
		v, err := expr.Value(types, text)
		if err != nil {
			return err
		}
		p.Values = append(p.Values, v)
	}
	if len(p.Values) == 0 {
		return nil
	}
	layout, err := expr.LayOut(p.Values)
	if err != nil {
		return err
	}
	p.ValuesAt = layout
	p.BPF.Config.ValuesSize = uint32(layout.Size)
	p.BPF.Bodies.Values = expr.Values(p.Values)
	return nil
}
