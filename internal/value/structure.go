// SPDX-License-Identifier: Apache-2.0

package value

import (
	"fmt"

	"github.com/cilium/ebpf/btf"
)

// structure prints a struct or a union.
type structure struct {
	size    int
	members []member
}

// member is a named part of a structure.
type member struct {
	name   string
	label  string // the name in text: .len
	key    string // the name in JSON: "len":
	value  printer
	offset int // in bytes; for a bit field, of its first byte
	size   int
	count  *counter // number of used elements of an array; nil if all are used
}

func compileStructure(name string, size uint32, declared []btf.Member, union bool, depth int) (printer, error) {
	s := &structure{size: int(size)}
	names := unique{}
	for _, p := range flatten(declared, union) {
		m, err := compileMember(p, names, depth)
		if err != nil {
			return nil, fmt.Errorf("member %q: %w", p.Name, err)
		}
		if m.size > 0 { // others are markers, or flexible arrays of unknown length
			s.members = append(s.members, m)
		}
	}
	s.countElements(name)
	s.keepOctets()
	return s, nil
}

func compileMember(p btf.Member, names unique, depth int) (member, error) {
	m := member{offset: int(p.Offset / 8)}
	var err error
	if p.BitfieldSize > 0 {
		m.value, err = bitfield(p.Type, p.Offset%8, p.BitfieldSize)
	} else {
		m.value, err = compile(p.Type, depth+1)
	}
	if err != nil {
		return m, err
	}
	if m.size, err = sizeOf(p, m.value); m.size > 0 {
		m.setName(names.name(p.Name))
	}
	return m, err
}

func sizeOf(p btf.Member, value printer) (int, error) {
	if p.BitfieldSize > 0 {
		return value.need(), nil
	}
	return btf.Sizeof(p.Type)
}

func (m *member) setName(name string) {
	m.name, m.label = name, "."+name
	m.key = string(append(appendJSONString(nil, []byte(name)), ':'))
}

// in returns the member's bytes within the bytes of the structure; false if they are missing.
func (m *member) in(raw []byte) ([]byte, bool) {
	if len(raw) < m.offset+m.value.need() {
		return nil, false
	}
	return raw[m.offset:min(m.offset+m.used(raw), len(raw))], true
}

// need returns 1 (0 for an empty structure), so that a truncated structure is printed with the
// members that are there.
func (s *structure) need() int { return min(s.size, 1) }

func (s *structure) zero(raw []byte) bool {
	for i := range s.members {
		if part, ok := s.members[i].in(raw); ok && !s.members[i].value.zero(part) {
			return false
		}
	}
	return true
}

// text appends the non-zero members.
func (s *structure) text(dst, raw []byte, l layout) []byte {
	n := 0
	for i := range s.members {
		m := &s.members[i]
		part, ok := m.in(raw)
		if !ok || m.value.zero(part) {
			continue
		}
		dst = l.assign(append(l.begin(dst, n), m.label...))
		dst = l.part(dst, m.value, part)
		n++
	}
	if len(raw) < s.size {
		dst = append(l.begin(dst, n), missing...)
		n++
	}
	return l.end(dst, n)
}

func (s *structure) json(dst, raw []byte) []byte {
	dst = append(dst, '{')
	for i := range s.members {
		m := &s.members[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, m.key...)
		if part, ok := m.in(raw); ok {
			dst = m.value.json(dst, part)
		} else {
			dst = append(dst, "null"...)
		}
	}
	return append(dst, '}')
}
