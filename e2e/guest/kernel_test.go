// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"slices"
	"sync"

	"github.com/cilium/ebpf/btf"
)

// types returns the kernel's BTF.
var types = sync.OnceValue(func() *btf.Spec {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		panic(err)
	}
	return spec
})

// hasReasons reports whether this kernel has drop reasons (5.17), by its BTF.
var hasReasons = sync.OnceValue(func() bool {
	var enum *btf.Enum
	return types().TypeByName("skb_drop_reason", &enum) == nil
})

// describes reports whether the kernel's BTF has a function. The BTF of 5.10 on arm64 has only global
// functions, since pahole omitted the others.
func describes(function string) bool {
	var f *btf.Func
	return types().TypeByName(function, &f) == nil
}

// hasMember reports whether the kernel has a struct with this member.
func hasMember(name, member string) bool {
	var s *btf.Struct
	return types().TypeByName(name, &s) == nil && slices.ContainsFunc(s.Members, func(m btf.Member) bool { return m.Name == member })
}

// described returns the functions that the kernel's BTF has.
func described(functions ...string) []string {
	return slices.DeleteFunc(slices.Clone(functions), func(f string) bool { return !describes(f) })
}

// reasonHere returns the reason, or "" on a kernel without drop reasons.
func reasonHere(reason string) string {
	if hasReasons() {
		return reason
	}
	return ""
}
