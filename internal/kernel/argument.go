// SPDX-License-Identifier: Apache-2.0

package kernel

// paramKind is the meaning that a parameter's type has for tracer.
type paramKind uint8

const (
	unclassified paramKind = iota // not classified yet
	ordinary
	skbPointer
	reasonEnum
	hookState
	socketPointer
	netPointer
	voidPointer
)

// paramKinds caches the kind of each type, since most parameters of functions have one of a few types.
type paramKinds struct {
	types *types
	known []paramKind
}

func newParamKinds(t *types) *paramKinds {
	return &paramKinds{t, make([]paramKind, t.end())}
}

func (r *paramKinds) of(id uint32) paramKind {
	if id >= uint32(len(r.known)) {
		return ordinary
	}
	if r.known[id] == unclassified {
		r.known[id] = r.types.paramKind(id)
	}
	return r.known[id]
}

func (t *types) paramKind(id uint32) paramKind {
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

func (t *types) pointee(id uint32) paramKind {
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
