// SPDX-License-Identifier: Apache-2.0

package kernel

import "errors"

const (
	// maxNesting is the maximum nesting of types; kernels have about 30.
	maxNesting = 500
	// maxMembers is the maximum number of members of a type, including members of its members; kernels have a
	// few thousand.
	maxMembers = 1 << 20
)

var (
	errEndless  = errors.New("BTF has a type that contains itself")
	errTooDeep  = errors.New("BTF has types that are nested too deeply")
	errTooLarge = errors.New("BTF has a type with too many members")
)

// nesting counts the members of types, to check BTF from a file of the user: look-ups of members are recursive,
// and would not end for a type that contains itself.
type nesting struct {
	*types
	// members has the count of each type: 0 if it is not counted yet, open while it is being counted.
	members []int
}

const open = -1

// checkNesting returns an error for types that contain themselves, are nested too deeply or have
// too many members; no C compiler makes these.
func (t *types) checkNesting() error {
	n := nesting{types: t, members: make([]int, len(t.offsets))}
	for id := range n.members {
		if _, err := n.count(uint32(id), 0); err != nil {
			return err
		}
	}
	return nil
}

// checkTypes checks BTF from a user's file.
func checkTypes(vmlinux []byte) error {
	t, err := parseTypes(vmlinux, nil)
	if err != nil {
		return err
	}
	return t.checkNesting()
}

// count returns the number of members of a type, at least 1.
func (n *nesting) count(id uint32, depth int) (int, error) {
	switch {
	case int(id) >= len(n.members):
		return 1, nil
	case n.members[id] == open:
		return 0, errEndless
	case n.members[id] > 0:
		return n.members[id], nil
	case depth > maxNesting:
		return 0, errTooDeep
	}
	n.members[id] = open
	sum := 1
	for _, part := range n.at(id).parts() {
		more, err := n.count(part, depth+1)
		if err != nil {
			return 0, err
		}
		if sum += more; sum > maxMembers {
			return 0, errTooLarge
		}
	}
	n.members[id] = sum
	return sum, nil
}

// parts returns the types that a type contains; a pointer contains none.
func (r record) parts() []uint32 {
	switch r.kind() {
	case kindTypedef, kindVolatile, kindConst, kindRestrict, kindTypeTag:
		return []uint32{r.ref()}
	case kindArray:
		return []uint32{r.word(0)}
	case kindStruct, kindUnion:
		parts := make([]uint32, r.length())
		for i := range parts {
			parts[i] = r.word(3*i + 1)
		}
		return parts
	}
	return nil
}
