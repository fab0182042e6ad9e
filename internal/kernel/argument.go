// SPDX-License-Identifier: Apache-2.0

package kernel

// role is the meaning that a parameter's type has for tracer.
type role uint8

const (
	unclassified role = iota // not classified yet
	ordinary
	skbPointer
	reasonEnum
	hookState
	socketPointer
	netPointer
	voidPointer
)

// roles caches the role of each type, since most functions' parameters have one of a few types.
type roles struct {
	types *types
	known []role
}

func newRoles(t *types) *roles {
	return &roles{t, make([]role, t.end())}
}

func (r *roles) of(id uint32) role {
	if id >= uint32(len(r.known)) {
		return ordinary
	}
	if r.known[id] == unclassified {
		r.known[id] = r.types.role(id)
	}
	return r.known[id]
}

func (t *types) role(id uint32) role {
	_, r := t.strip(id)
	switch r.kind() {
	case kindPtr:
		return t.pointee(r.ref())
	case kindEnum:
		if string(t.name(r.name)) == "skb_drop_reason" {
			return reasonEnum
		}
	}
	return ordinary
}

func (t *types) pointee(id uint32) role {
	id, r := t.strip(id)
	switch {
	case id == 0:
		return voidPointer
	case r.kind() != kindStruct:
		return ordinary
	}
	switch string(t.name(r.name)) {
	case "sk_buff":
		return skbPointer
	case "nf_hook_state":
		return hookState
	case "net":
		return netPointer
	case "sock", "tcp_sock", "inet_timewait_sock", "request_sock": // each begins with a struct sock_common
		return socketPointer
	}
	return ordinary
}
