// SPDX-License-Identifier: Apache-2.0

package complete

import (
	"tracer/internal/kernel"
)

// functionsMost is the greatest number of functions offered, of the kernel's 60,000. Beyond it none is
// offered, because a shell would take a part of them for all.
const functionsMost = 2000

// Functions returns the functions that take an sk_buff, and tracepoints with the prefix tp: of
// --filter-func.
func Functions() []Word {
	names, err := kernel.ReadNames()
	if err != nil {
		return nil
	}
	words := wordsOf("function", names.Functions())
	for _, name := range names.Tracepoints() {
		words = append(words, Word{"tp:" + name, "tracepoint"})
	}
	return words
}

// AllFunctions returns the functions whose names begin with the prefix, whatever their arguments; none
// if there are more than functionsMost.
func AllFunctions(prefix string) []Word {
	names, err := kernel.ReadNames()
	if err != nil {
		return nil
	}
	found := names.AllFunctions(prefix)
	if len(found) > functionsMost {
		return nil
	}
	return wordsOf("function", found)
}

// Reasons returns the kernel's names of drop reasons.
func Reasons() []string {
	names, err := kernel.ReadNames()
	if err != nil {
		return nil
	}
	return names.Reasons()
}

// Modules returns the loaded modules that have BTF.
func Modules() []Word { return wordsOf("module", kernel.ModuleNames()) }
