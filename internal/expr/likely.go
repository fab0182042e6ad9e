// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"tracer/internal/nearest"
)

// maxWithin is how many levels of named structs and unions are searched for a member.
const maxWithin = 2

// likelyMembers suggests members for an unknown name: members of that name in nested structs, else members
// with a similar name.
func likelyMembers(members []btf.Member, name string) []string {
	if likely := membersWithin(members, name, maxWithin); len(likely) > 0 {
		return likely[:min(len(likely), maxNear)]
	}
	return nearest.Words(name, memberNames(members, maxNested), maxNear)
}

// membersWithin returns the paths to nested members of that name, the shortest first. It also finds members
// that the kernel's macros rename: sk_state is __sk_common.skc_state, inet_daddr is
// sk.__sk_common.skc_daddr (include/net/sock.h, include/net/inet_sock.h).
func membersWithin(members []btf.Member, name string, left int) []string {
	var found, deeper []string
	for _, m := range members {
		inner, isWhole := membersOf(btf.UnderlyingType(m.Type))
		if m.Name == "" || !isWhole {
			continue
		}
		for _, candidate := range memberNames(inner, maxNested) {
			if candidate == name || isMacroFor(name, candidate) {
				found = append(found, m.Name+"."+candidate)
			}
		}
		if left > 1 {
			for _, way := range membersWithin(inner, name, left-1) {
				deeper = append(deeper, m.Name+"."+way)
			}
		}
	}
	return slices.Concat(found, deeper)
}

// isMacroFor reports whether a name may be a macro for a member of struct sock_common (skc_…).
func isMacroFor(name, member string) bool {
	_, stem, ok := strings.Cut(name, "_")
	return ok && member == "skc_"+stem
}
