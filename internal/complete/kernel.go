// SPDX-License-Identifier: Apache-2.0

package complete

import (
	"tracer/internal/kernel"
)

// functionsMost bounds what is offered of the kernel's 60,000 functions. A part of them
// would have shells believe that there are no others, so that it is all or none.
const functionsMost = 2000

// Functions are those that take an skb, and tracepoints as a filter for functions names them.
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

// AllFunctions are those whose names begin like that, whatever they take; none where these
// are too many to choose from.
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

// Reasons are the kernel's names for why packets are dropped.
func Reasons() []string {
	names, err := kernel.ReadNames()
	if err != nil {
		return nil
	}
	return names.Reasons()
}

// Modules are those that are loaded and have types.
func Modules() []Word { return wordsOf("module", kernel.ModuleNames()) }
