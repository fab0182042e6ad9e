// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"math"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"tracer/internal/rdonly"
)

const castFunction = "bpf_rdonly_cast"

// ErrNoCast means that this kernel does not have bpf_rdonly_cast.
var ErrNoCast = errors.New("the kernel has no " + castFunction + " (Linux 6.2)")

const (
	// wordsType is a struct that begins with at least castWords 64-bit words on every architecture. These are
	// enough to read all needed members of an sk_buff with one cast, from the first of them on.
	wordsType = "pt_regs"
	castWords = 15
)

// byteArrays are types that contain a long array of bytes. Every kernel has at least one of them.
var byteArrays = []struct{ name, member string }{
	{"__kernel_sockaddr_storage", "__data"},
	{"sockaddr_un", "sun_path"},
	{"new_utsname", "sysname"},
}

// tryDirect loads test programs of each type that use bpf_rdonly_cast, and describes the cast.
func tryDirect(types *btf.Spec) (*rdonly.Cast, error) {
	cast, err := functionID(types, castFunction)
	if err != nil {
		return nil, ErrNoCast
	}
	d, err := describeDirect(types)
	if err != nil {
		return nil, err
	}
	d.Func = int32(cast)
	for _, typ := range []ebpf.ProgramType{ebpf.Kprobe, ebpf.RawTracepoint} {
		prog, err := loadBody(typ, ebpf.AttachNone, loadsOf(d))
		if err != nil {
			return nil, explainLoad(typ, err)
		}
		prog.Close()
	}
	return d, nil
}

// describeDirect finds the offsets of the sk_buff's members, and the types to cast to.
func describeDirect(types *btf.Spec) (*rdonly.Cast, error) {
	d := &rdonly.Cast{}
	var skb *btf.Struct
	if err := types.TypeByName("sk_buff", &skb); err != nil {
		return nil, fmt.Errorf("struct sk_buff: %w", err)
	}
	first, last := int16(math.MaxInt16), int16(0)
	for name, offset := range map[string]*int16{
		"head": &d.Head, "data": &d.Data, "tail": &d.Tail, "mac_header": &d.MacHeader,
		"network_header": &d.NetworkHeader, "protocol": &d.Protocol,
	} {
		m, ok := findMember(skb, name)
		if !ok {
			return nil, fmt.Errorf("struct sk_buff has no %s", name)
		}
		*offset = int16(m.Offset.Bytes())
		first, last = min(first, *offset), max(last, *offset)
	}
	if last/8-first/8 >= castWords {
		return nil, errors.New("the members of struct sk_buff are too far apart for one read")
	}
	return d, errors.Join(findWords(d, types), findBytes(d, types))
}

func findWords(d *rdonly.Cast, types *btf.Spec) error {
	var regs *btf.Struct
	if err := types.TypeByName(wordsType, &regs); err != nil {
		return fmt.Errorf("struct %s: %w", wordsType, err)
	}
	id, err := types.TypeID(regs)
	d.Words = int32(id)
	return err
}

// findBytes finds a type with an array of bytes.
func findBytes(d *rdonly.Cast, types *btf.Spec) error {
	for _, c := range byteArrays {
		var s *btf.Struct
		if types.TypeByName(c.name, &s) != nil {
			continue
		}
		id, err := types.TypeID(s)
		length, offset := arrayMember(s, c.member)
		if err == nil && length > 0 {
			d.Bytes, d.Array, d.Length = int32(id), int16(offset), int16(length)
			return nil
		}
	}
	return errors.New("the kernel's BTF has no suitable byte array type")
}

// arrayMember returns the length and the offset of the byte array with that name, also in anonymous members.
// The length is 0 if there is none.
func arrayMember(t btf.Type, name string) (length, offset uint32) {
	for _, m := range membersOf(t) {
		switch array, ok := btf.UnderlyingType(m.Type).(*btf.Array); {
		case m.Name == name && ok:
			if size, err := btf.Sizeof(array.Type); err == nil && size == 1 {
				return array.Nelems, m.Offset.Bytes()
			}
		case m.Name == "":
			if length, offset := arrayMember(m.Type, name); length > 0 {
				return length, m.Offset.Bytes() + offset
			}
		}
	}
	return 0, 0
}

// loadsOf returns a program with every kind of load that d describes, from the address in R1.
func loadsOf(d *rdonly.Cast) asm.Instructions {
	cast := func(kind int32) asm.Instructions {
		return asm.Instructions{
			asm.Mov.Reg(asm.R1, asm.R6),
			asm.Mov.Imm(asm.R2, kind),
			d.Call(),
		}
	}
	body := append(asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1)}, cast(d.Words)...)
	for word := range int16(castWords) {
		body = append(body, asm.LoadMem(asm.R1, asm.R0, 8*word, asm.DWord))
	}
	body = append(body, cast(d.Bytes)...)
	body = append(body,
		asm.LoadMem(asm.R1, asm.R0, d.Array+1, asm.Word), // not aligned
		asm.LoadMem(asm.R1, asm.R0, d.Array+d.Length-1, asm.Byte),
	)
	return append(body, doesNothing()...)
}
