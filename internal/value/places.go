// SPDX-License-Identifier: Apache-2.0

package value

import (
	"slices"
	"strconv"

	"github.com/cilium/ebpf/btf"
)

// places is the named members of a struct or union, those of its anonymous structs
// and unions among them, as C finds them. Offsets are from the begin of the whole.
func places(members []btf.Member, union bool) []btf.Member {
	var named []btf.Member
	for _, m := range members {
		switch {
		case m.Name == "":
			named = append(named, lookThrough(m)...)
		case !union || !isCopy(m, members):
			named = append(named, m)
		}
	}
	return named
}

func lookThrough(anonymous btf.Member) []btf.Member {
	var inner []btf.Member
	switch t := btf.UnderlyingType(anonymous.Type).(type) {
	case *btf.Struct:
		inner = places(t.Members, false)
	case *btf.Union:
		inner = places(t.Members, true)
	}
	for i := range inner {
		inner[i].Offset += anonymous.Offset
	}
	return inner
}

// isCopy tells the second form of a group. The kernel's struct_group() makes a union
// of an anonymous struct and a named one with the same members, so as to be able to
// copy all of them at once: sk_buff has each member of "headers" in itself too.
func isCopy(m btf.Member, arms []btf.Member) bool {
	group, ok := btf.UnderlyingType(m.Type).(*btf.Struct)
	return ok && slices.ContainsFunc(arms, func(arm btf.Member) bool {
		twin, ok := btf.UnderlyingType(arm.Type).(*btf.Struct)
		return ok && arm.Name == "" && slices.EqualFunc(group.Members, twin.Members, samePlace)
	})
}

func samePlace(a, b btf.Member) bool {
	return a.Name == b.Name && a.Offset == b.Offset && a.BitfieldSize == b.BitfieldSize
}

// unique is the names of one structure. C has no name twice, but BTF of another
// language may, and a JSON object must not.
type unique map[string]bool

func (u unique) name(want string) string {
	name := want
	for n := 2; u[name]; n++ {
		name = want + "_" + strconv.Itoa(n)
	}
	u[name] = true
	return name
}
