// SPDX-License-Identifier: Apache-2.0

package kernel

// Class is the kind of value that a function returns.
type Class uint8

const (
	// NoResult is void, or a value that does not fit into one register.
	NoResult Class = iota
	// Signed and Unsigned are numbers.
	Signed
	Unsigned
	// Bool is true or false.
	Bool
	// Pointer is an address.
	Pointer
)

// Result is what a function returns, by its prototype.
type Result struct {
	Class Class
	// Size is the size in bytes; the remaining bits of the register are undefined.
	Size uint8
	// Form is what the prototype says about the meaning of the value.
	Form Form
	// Names are the names of the enumerators by value. Functions that return the same enum share the map. It is
	// nil if the result is not an enum.
	Names map[int64]string
}

// Form is a prototype that gives the returned number a meaning.
type Form uint8

const (
	// AnyForm gives it no special meaning.
	AnyForm Form = iota
	// HookForm is a netfilter hook: (void *, struct sk_buff *, const struct nf_hook_state *).
	HookForm
	// ReceiverForm is a protocol handler: (struct sk_buff *, struct net_device *, struct packet_type *, struct
	// net_device *).
	ReceiverForm
	// EnqueueForm is the enqueue function of a queueing discipline:
	// (struct sk_buff *, struct Qdisc *, struct sk_buff **).
	EnqueueForm
)

// forms are the structs that the parameters of each form point to; "" is any other type.
var forms = map[Form][]string{
	HookForm:     {"", "sk_buff", "nf_hook_state"},
	ReceiverForm: {"sk_buff", "net_device", "packet_type", "net_device"},
	EnqueueForm:  {"sk_buff", "Qdisc", ""},
}

// results caches results by type, since most functions return one of a few types.
type results struct {
	types *types
	known map[uint32]Result
}

func newResults(t *types) *results { return &results{t, map[uint32]Result{}} }

// of returns the result of a prototype.
func (r *results) of(proto record) Result {
	id := proto.ref()
	result, ok := r.known[id]
	if !ok {
		result = r.types.result(id)
		r.known[id] = result
	}
	result.Form = r.types.form(proto)
	return result
}

// result describes a value of that type.
func (t *types) result(id uint32) Result {
	switch _, r := t.strip(id); r.kind() {
	case kindPtr:
		return Result{Class: Pointer, Size: 8}
	case kindInt:
		return Result{Class: intClass(r), Size: uint8(min(r.size, 8))}
	case kindEnum, kindEnum64:
		return Result{Class: Signed, Size: uint8(min(r.size, 8)), Names: t.enumerators(r)}
	}
	return Result{}
}

// Bits of the word that follows an integer (include/uapi/linux/btf.h).
const (
	intSigned = 1 << 24
	intBool   = 1 << 26
)

func intClass(r record) Class {
	switch encoding := r.word(0); {
	case encoding&intBool != 0:
		return Bool
	case encoding&intSigned != 0:
		return Signed
	}
	return Unsigned
}

// enumerators returns the names by value. If several have the same value, the first is used.
func (t *types) enumerators(r record) map[int64]string {
	names := make(map[int64]string, r.length())
	words := 2
	if r.kind() == kindEnum64 {
		words = 3
	}
	for i := range r.length() {
		value := int64(int32(r.word(words*i + 1)))
		if words == 3 {
			value = int64(uint64(r.word(words*i+1)) | uint64(r.word(words*i+2))<<32)
		}
		if _, taken := names[value]; !taken {
			names[value] = string(t.name(r.word(words * i)))
		}
	}
	return names
}

// form returns the form of a prototype.
func (t *types) form(proto record) Form {
	if proto.length() < 3 || proto.length() > 4 {
		return AnyForm
	}
	for form, structs := range forms {
		if t.takes(proto, structs) {
			return form
		}
	}
	return AnyForm
}

// takes reports whether the parameters are pointers to these structs.
func (t *types) takes(proto record, structs []string) bool {
	if proto.length() != len(structs) {
		return false
	}
	for i, want := range structs {
		if t.pointsTo(proto.word(2*i+1)) != want {
			return false
		}
	}
	return true
}

// pointsTo returns the name of the struct that a pointer type points to; empty if it is not such a pointer.
func (t *types) pointsTo(id uint32) string {
	_, r := t.strip(id)
	if r.kind() != kindPtr {
		return ""
	}
	if _, r = t.strip(r.ref()); r.kind() != kindStruct {
		return ""
	}
	return string(t.name(r.name))
}
