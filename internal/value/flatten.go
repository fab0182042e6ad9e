// SPDX-License-Identifier: Apache-2.0

package value

import (
	"slices"
	"strconv"

	"github.com/cilium/ebpf/btf"
)

// flatten returns the named members of a struct or union, with those of its anonymous structs
// and unions, as in C. Offsets are from the beginning of the outermost one.
func flatten(members []btf.Member, union bool) []btf.Member {
	var named []btf.Member
	for _, m := range members {
		switch {
		case m.Name == "":
			named = append(named, flattenAnonymous(m)...)
		case !union || !isCopy(m, members):
			named = append(named, m)
		}
	}
	return named
}

func flattenAnonymous(anonymous btf.Member) []btf.Member {
	var inner []btf.Member
	switch t := btf.UnderlyingType(anonymous.Type).(type) {
	case *btf.Struct:
		inner = flatten(t.Members, false)
	case *btf.Union:
		inner = flatten(t.Members, true)
	}
	for i := range inner {
		inner[i].Offset += anonymous.Offset
	}
	return inner
}

// isCopy reports whether a member of a union is the named copy of an anonymous struct. The
// kernel's struct_group() declares such unions, so that all members can be copied at once: the
// members of "headers" are also direct members of sk_buff.
func isCopy(m btf.Member, arms []btf.Member) bool {
	group, ok := btf.UnderlyingType(m.Type).(*btf.Struct)
	return ok && slices.ContainsFunc(arms, func(arm btf.Member) bool {
		twin, ok := btf.UnderlyingType(arm.Type).(*btf.Struct)
		return ok && arm.Name == "" && slices.EqualFunc(group.Members, twin.Members, sameMember)
	})
}

func sameMember(a, b btf.Member) bool {
	return a.Name == b.Name && a.Offset == b.Offset && a.BitfieldSize == b.BitfieldSize
}

// unique has the names of one structure. It adds a number to duplicate names: C has none, but BTF of
// another language may, and JSON keys must be unique.
type unique map[string]bool

func (u unique) name(want string) string {
	name := want
	for n := 2; u[name]; n++ {
		name = want + "_" + strconv.Itoa(n)
	}
	u[name] = true
	return name
}
