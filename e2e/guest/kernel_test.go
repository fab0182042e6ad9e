// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"slices"
	"sync"

	"github.com/cilium/ebpf/btf"
)

// types are the kernel's.
var types = sync.OnceValue(func() *btf.Spec {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		panic(err)
	}
	return spec
})

// hasReasons says that this kernel gives reasons for drops (5.17), by its types.
var hasReasons = sync.OnceValue(func() bool {
	var enum *btf.Enum
	return types().TypeByName("skb_drop_reason", &enum) == nil
})

// describes says that the kernel's types have a function. Those of 5.10 on arm64
// have global functions only, since pahole left the others out there.
func describes(function string) bool {
	var f *btf.Func
	return types().TypeByName(function, &f) == nil
}

// described are those of some static functions that the kernel's types have.
func described(functions ...string) []string {
	return slices.DeleteFunc(functions, func(f string) bool { return !describes(f) })
}

// reasonHere is a reason, or nothing on a kernel without.
func reasonHere(reason string) string {
	if hasReasons() {
		return reason
	}
	return ""
}
