// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"slices"

	"tracer/internal/lookup"
)

// Read is a value that the BPF programs read.
type Read struct {
	Key  string
	Form lookup.Form
	// Where is an expression that is zero if the value does not exist; empty if it always exists.
	Where string
	// Variants are alternative lists of expressions, with one expression for each value of the form. The first list
	// that compiles with the running kernel's types is used. If none does, the value is unknown.
	Variants [][]string
}

// one returns a list of variants of one expression each.
func one(texts []string) [][]string {
	var variants [][]string
	for _, text := range texts {
		variants = append(variants, []string{text})
	}
	return variants
}

// num returns a read of a number. Each text is a variant.
func num(key string, texts ...string) Read {
	return Read{Key: key, Form: lookup.Number, Variants: one(texts)}
}

// as returns a read with a form; all texts belong to one variant.
func as(form lookup.Form, key string, texts ...string) Read {
	return Read{Key: key, Form: form, Variants: [][]string{texts}}
}

// either returns a read with a form. Each text is a variant.
func either(form lookup.Form, key string, texts ...string) Read {
	return Read{Key: key, Form: form, Variants: one(texts)}
}

// atDrop are reads of a site that stand for those of a decision: their keys are the decision's.
func atDrop(decision string, list []Read) []Read {
	own := make([]Read, len(list))
	for i, r := range list {
		r.Key = decision + "." + r.Key
		own[i] = r
	}
	return own
}

// where returns the read with a condition: if it is zero, the value does not exist.
func where(condition string, r Read) Read {
	r.Where = condition
	return r
}

// join concatenates lists of reads.
func join(lists ...[]Read) []Read { return slices.Concat(lists...) }

// reads returns its arguments as a list.
func reads(list ...Read) []Read { return list }
