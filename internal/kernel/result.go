// SPDX-License-Identifier: Apache-2.0

package kernel

// Class is what kind of thing a function returns.
type Class uint8

const (
	// NoResult: nothing, or nothing that one register holds.
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
	// Size is in bytes: of the register no more than that counts.
	Size uint8
	// Form tells what the prototype says besides.
	Form Form
	// Names are those of the enumerators; functions of one enum share them. nil where it
	// is no enum.
	Names map[int64]string
}

// Form is a kind of prototype that says what the number means.
type Form uint8

const (
	// AnyForm says nothing.
	AnyForm Form = iota
	// HookForm is a netfilter hook's: (void *, struct sk_buff *, const struct nf_hook_state *).
	HookForm
	// ReceiverForm is a protocol's handler's: (struct sk_buff *, struct net_device *,
	// struct packet_type *, struct net_device *).
	ReceiverForm
	// EnqueueForm is a queueing discipline's: (struct sk_buff *, struct Qdisc *, struct sk_buff **).
	EnqueueForm
)

// forms are the structs that the parameters of each form point to; "" is any other.
var forms = map[Form][]string{
	HookForm:     {"", "sk_buff", "nf_hook_state"},
	ReceiverForm: {"sk_buff", "net_device", "packet_type", "net_device"},
	EnqueueForm:  {"sk_buff", "Qdisc", ""},
}

// results remembers what is returned by type, since most functions return one of a few.
type results struct {
	types *types
	known map[uint32]Result
}

func newResults(t *types) *results { return &results{t, map[uint32]Result{}} }

// of is the result by the prototype.
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

// result is what a value of that type is.
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

// enumerators are the names by value; of several for one value the first.
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

// form tells what kind of function has that prototype.
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

// takes says whether the parameters are pointers to these structs.
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

// pointsTo is the struct's name, empty where it is no pointer to a struct.
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
