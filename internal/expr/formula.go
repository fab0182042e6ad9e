// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"iter"
	"slices"

	"github.com/cilium/ebpf/btf"

	"tracer/internal/printable"
)

// Formula is a condition over named numbers that is evaluated in user space. It has the syntax and the
// precedence of the other expressions, but all arithmetic and all comparisons are those of u64. Variables may have
// any names, also with dots, such as way.error. known(name) is 1 if the variable has a value, else 0.
type Formula struct {
	Text string
	root expression
}

// ParseFormula parses a formula.
func ParseFormula(text string) (f *Formula, err error) {
	defer caught(Listed(), text, &err)
	f = &Formula{Text: text, root: parse(finder{noTypes{}}, text)}
	visit(f.root, func(string, bool) {})
	return f, nil
}

// Lookup returns the value of a variable, or false if it is unknown.
type Lookup func(name string) (uint64, bool)

// Eval returns the value of the formula. It is unknown if any of its variables is unknown, even one that && or
// || skips.
func (f *Formula) Eval(values Lookup) (value uint64, known bool) {
	for _, name := range f.Names() {
		if _, known := values(name); !known {
			return 0, false
		}
	}
	return evaluate(f.root, values), true
}

// Names returns the variables in order of their first use, without those that occur only in known().
func (f *Formula) Names() []string { return f.names(false) }

// Asked returns the variables that occur in known(), in order of their first use.
func (f *Formula) Asked() []string { return f.names(true) }

func (f *Formula) names(inKnown bool) []string {
	var names []string
	visit(f.root, func(name string, asked bool) {
		if asked == inKnown && !slices.Contains(names, name) {
			names = append(names, name)
		}
	})
	return names
}

// visit calls f for each variable; asked is set within known(). It fails at syntax that formulas do not have.
func visit(e expression, f func(name string, asked bool)) {
	switch e := e.(type) {
	case *constant:
	case *name, *member:
		f(variable(e), false)
	case *prefixed:
		checkPrefix(e)
		visit(e.of, f)
	case *infix:
		visit(e.left, f)
		visit(e.right, f)
	case *call:
		if e.function != "known" {
			fail(e.place(), "unknown function %s: the only function is known()", printable.Quote(e.function))
		}
		f(variable(e.argument), true)
	default:
		fail(e.place(), "only numbers, names and operators are possible here")
	}
}

func checkPrefix(e *prefixed) {
	if e.sign == "*" || e.sign == "&" {
		fail(e.place(), "a number has neither an address nor a target: %s is not possible here", printable.Quote(e.sign))
	}
}

// variable returns the name of a variable, including dots.
func variable(e expression) string {
	switch e := e.(type) {
	case *name:
		return e.text
	case *member:
		return variable(e.of) + "." + e.name
	}
	fail(e.place(), "the name of a value is missing")
	return ""
}

// evaluate computes a formula whose variables are all known.
func evaluate(e expression, values Lookup) uint64 {
	switch e := e.(type) {
	case *constant:
		return e.value
	case *prefixed:
		return evaluatePrefix(e.sign, evaluate(e.of, values))
	case *infix:
		return evaluateInfix(e, values)
	case *call:
		_, known := values(variable(e.argument))
		return truth(known)
	}
	value, _ := values(variable(e))
	return value
}

func evaluatePrefix(sign string, of uint64) uint64 {
	switch sign {
	case "!":
		return truth(of == 0)
	case "~":
		return ^of
	case "-":
		return -of
	}
	return of
}

func evaluateInfix(e *infix, values Lookup) uint64 {
	left := evaluate(e.left, values)
	switch e.sign {
	case "&&":
		return truth(left != 0 && evaluate(e.right, values) != 0)
	case "||":
		return truth(left != 0 || evaluate(e.right, values) != 0)
	}
	return infixes[e.sign](left, evaluate(e.right, values))
}

// infixes has the operators that always evaluate both operands. Division by 0 and shifts work as in BPF.
var infixes = map[string]func(a, b uint64) uint64{
	"+":  func(a, b uint64) uint64 { return a + b },
	"-":  func(a, b uint64) uint64 { return a - b },
	"*":  func(a, b uint64) uint64 { return a * b },
	"/":  divide,
	"%":  remainder,
	"&":  func(a, b uint64) uint64 { return a & b },
	"|":  func(a, b uint64) uint64 { return a | b },
	"^":  func(a, b uint64) uint64 { return a ^ b },
	"<<": func(a, b uint64) uint64 { return a << (b & 63) },
	">>": func(a, b uint64) uint64 { return a >> (b & 63) },
	"==": func(a, b uint64) uint64 { return truth(a == b) },
	"!=": func(a, b uint64) uint64 { return truth(a != b) },
	"<":  func(a, b uint64) uint64 { return truth(a < b) },
	"<=": func(a, b uint64) uint64 { return truth(a <= b) },
	">":  func(a, b uint64) uint64 { return truth(a > b) },
	">=": func(a, b uint64) uint64 { return truth(a >= b) },
}

func divide(a, b uint64) uint64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func remainder(a, b uint64) uint64 {
	if b == 0 {
		return a
	}
	return a % b
}

func truth(is bool) uint64 {
	if is {
		return 1
	}
	return 0
}

// noTypes has no types, so a bracket never begins a cast to a typedef.
type noTypes struct{}

func (noTypes) AnyTypesByName(string) ([]btf.Type, error) { return nil, btf.ErrNotFound }
func (noTypes) All() iter.Seq2[btf.Type, error]           { return func(func(btf.Type, error) bool) {} }
